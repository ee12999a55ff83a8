package wire

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

type setting struct {
	Namespace string `aws:"required"`
	Value     *string
}

type note struct {
	Name     string `aws:"required,min=4,max=8,pattern=[a-z,]+"`
	Kind     string `aws:"enum=Big|Small"`
	Limit    *int   `aws:"min=1,max=1000"`
	Loud     bool
	Since    time.Time
	Settings []setting `aws:"max=2"`
	Words    []string  `aws:"each,max=3"`
	Tier     *tier
}

type tier struct{ Name string }

type base struct {
	ID      string
	Created time.Time
}

type answered struct {
	base
	Tags    []string
	Extra   []string `json:",omitempty"`
	Cause   *string
	Blank   string
	Ready   bool
	Limit   int
	Load    float64
	Options []setting
	Tier    *tier
}

func operations(seen *note) map[string]Operation {
	return map[string]Operation{
		"Echo": Op(func(_ context.Context, _ Call, in note) (*answered, error) {
			*seen = in
			empty := ""
			return &answered{base: base{"<x>", time.UnixMilli(1700000000123)}, Cause: &empty, Limit: 3, Load: 0.5,
				Options: []setting{{Namespace: "a&b"}}}, nil
		}),
		"Nothing": Op(func(context.Context, Call, struct{}) (struct{}, error) { return struct{}{}, nil }),
		"Fail":    Op(func(context.Context, Call, struct{}) (struct{}, error) { return struct{}{}, errors.New("disk full") }),
		"Refuse": Op(func(context.Context, Call, struct{}) (struct{}, error) {
			return struct{}{}, &Error{Code: "InsufficientPrivilegesException", Message: "no", Status: 403}
		}),
	}
}

func send(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, WithCall(r, Call{ID: "id-1", Now: time.Date(2026, 5, 1, 2, 3, 4, 0, time.UTC)}))
	return w
}

func queryRequest(form string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return r
}

func TestQueryAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, form string
		status     int
		want       string
	}{
		{"fields in order, absent ones left out", "Action=Echo&Version=v&Name=abcd", 200,
			`<EchoResponse xmlns="urn:x"><EchoResult><ID>&lt;x&gt;</ID><Created>2023-11-14T22:13:20.123Z</Created><Tags></Tags>` +
				`<Cause></Cause><Ready>false</Ready><Limit>3</Limit><Load>0.5</Load><Options><member><Namespace>a&amp;b</Namespace></member></Options>` +
				`</EchoResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></EchoResponse>`},
		{"no result element", "Action=Nothing&Version=v", 200,
			`<NothingResponse xmlns="urn:x"><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></NothingResponse>`},
		{"unknown action", "Action=Dance&Version=v", 400, refused("Sender", "InvalidAction", "Could not find operation Dance for version v")},
		{"other version", "Action=Nothing&Version=w", 400, refused("Sender", "InvalidAction", "Could not find operation Nothing for version w")},
		{"no action", "", 400, refused("Sender", "MissingAction", "The request is missing an action or a required parameter.")},
		{"refusal with a status", "Action=Refuse&Version=v", 403, refused("Sender", "InsufficientPrivilegesException", "no")},
		{"fault of ours", "Action=Fail&Version=v", 500, refused("Receiver", "InternalFailure", "disk full")},
		{"missing", "Action=Echo&Version=v", 400, refused("Sender", "ValidationError",
			"1 validation error detected: Value null at &#39;name&#39; failed to satisfy constraint: Member must not be null")},
		{"too short and not in the enum", "Action=Echo&Version=v&Name=abc&Kind=Odd", 400, refused("Sender", "ValidationError",
			"2 validation errors detected: Value &#39;abc&#39; at &#39;name&#39; failed to satisfy constraint: Member must have length greater than or equal to 4; "+
				"Value &#39;Odd&#39; at &#39;kind&#39; failed to satisfy constraint: Member must satisfy enum value set: [Big, Small]")},
		{"no integer", "Action=Echo&Version=v&Name=abcd&Limit=x", 400, refused("Sender", "MalformedInput", "limit: strconv.ParseInt: parsing &#34;x&#34;: invalid syntax")},
		{"value and structure", "Action=Echo&Version=v&Name=abcd&Tier=a&Tier.Name=b", 400, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := send(Query("urn:x", "v", operations(new(note))), queryRequest(tt.form))
			if w.Code != tt.status {
				t.Errorf("status = %d, want %d", w.Code, tt.status)
			}
			if tt.want != "" && w.Body.String() != tt.want {
				t.Errorf("got  %s\nwant %s", w.Body, tt.want)
			}
			if got := w.Header().Get("x-amzn-RequestId"); got != "id-1" {
				t.Errorf("x-amzn-RequestId = %q", got)
			}
			if got := w.Header().Get("Date"); got != "Fri, 01 May 2026 02:03:04 GMT" {
				t.Errorf("Date = %q", got)
			}
		})
	}
}

func refused(blame, code, message string) string {
	return `<ErrorResponse xmlns="urn:x"><Error><Type>` + blame + `</Type><Code>` + code + `</Code><Message>` + message +
		`</Message></Error><RequestId>id-1</RequestId></ErrorResponse>`
}

func TestQueryRefusesWhatNothingReads(t *testing.T) {
	for name, path := range map[string]string{"Unheard.Of": "unheard", "Tier.Unheard": "tier.unheard", "Settings.member.1.Unheard": "settings.1.member.unheard"} {
		form := url.Values{"Action": {"Echo"}, "Version": {"v"}, "Name": {"ab,d"}, "Settings.member.1.Namespace": {"n"}, name: {"1"}}
		w := send(Query("urn:x", "v", operations(new(note))), queryRequest(form.Encode()))
		if w.Code != 400 || !strings.Contains(w.Body.String(), path) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestQueryReadsEveryType(t *testing.T) {
	var seen note
	form := url.Values{"Action": {"Echo"}, "Version": {"v"}, "Name": {"ab,d"}, "Kind": {"Big"}, "Limit": {"1000"}, "Loud": {"true"},
		"Since": {"2023-11-14T22:13:20.123Z"}, "Settings.member.10.Namespace": {"ten"}, "Settings.member.2.Namespace": {"two"},
		"Settings.member.2.Value": {""}, "Tier.Name": {"Web"}, "X-Amz-Expires": {"900"}, "Timestamp": {"x"}}
	if w := send(Query("urn:x", "v", operations(&seen)), queryRequest(form.Encode())); w.Code != 200 {
		t.Fatal(w.Body)
	}
	if seen.Name != "ab,d" || *seen.Limit != 1000 || !seen.Loud || seen.Since.UnixMilli() != 1700000000123 || seen.Tier.Name != "Web" {
		t.Errorf("got %+v", seen)
	}
	if len(seen.Settings) != 2 || seen.Settings[0].Namespace != "two" || *seen.Settings[0].Value != "" || seen.Settings[1].Value != nil {
		t.Errorf("settings = %+v", seen.Settings)
	}
}

func TestEmptyListIsGivenAndAbsentListIsNil(t *testing.T) {
	var seen note
	h := Query("urn:x", "v", operations(&seen))
	send(h, queryRequest("Action=Echo&Version=v&Name=abcd&Settings="))
	if seen.Settings == nil {
		t.Error("an empty list arrived as nil")
	}
	send(h, queryRequest("Action=Echo&Version=v&Name=abcd"))
	if seen.Settings != nil {
		t.Error("an absent list arrived as empty")
	}
}

func TestConstraints(t *testing.T) {
	for _, tt := range []struct{ form, want string }{
		{"Name=abcdefghi", "less than or equal to 8"},
		{"Name=한국어로써", "regular expression pattern: [a-z,]+"},
		{"Name=abcd%0a", "regular expression"},
		{"Name=abcd&Limit=0", "value greater than or equal to 1"},
		{"Name=abcd&Limit=1001", "value less than or equal to 1000"},
		{"Name=abcd&Settings.member.1.Value=x", "Value null at &#39;settings.1.member.namespace&#39;"},
		{"Name=abcd&Settings.member.1.Namespace=x&Settings.member.2.Namespace=x&Settings.member.3.Namespace=x", "length less than or equal to 2"},
		{"Name=abcd&Words.member.1=abc&Words.member.2=abcd", "Value &#39;[abc abcd]&#39; at &#39;words&#39; failed to satisfy constraint: " +
			"Member must satisfy constraint: [Member must have length less than or equal to 3]"},
		{"Name=abcd&Loud=yes", "MalformedInput"},
		{"Name=abcd&Since=yesterday", "MalformedInput"},
		{"Name=abcd&Settings=x", "MalformedInput"},
		{"Name=abcd&Tier=x", "MalformedInput"},
		{"Name=abcd&" + strings.Repeat("a.", 20) + "a=x", "nested too deep"},
	} {
		w := send(Query("urn:x", "v", operations(new(note))), queryRequest("Action=Echo&Version=v&"+tt.form))
		if w.Code != 400 || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s, want %s", tt.form, w.Code, w.Body, tt.want)
		}
	}
}

func TestUnusableTypesAndTagsAreRefusedWhenAnOperationIsMade(t *testing.T) {
	for name, make := range map[string]func(){
		"map": func() {
			Op(func(context.Context, Call, struct{ M map[string]int }) (struct{}, error) { return struct{}{}, nil })
		},
		"bad tag": func() {
			Op(func(context.Context, Call, struct {
				S string `aws:"reqired"`
			}) (struct{}, error) {
				return struct{}{}, nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			make()
		})
	}
}
