package access

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestPeopleAreRead(t *testing.T) {
	for text, want := range map[string][]Person{
		"": nil, " \n,\n": nil, "# a comment, of two\n": nil,
		"kim:0123456789abcdef":                            {{"kim", "0123456789abcdef"}},
		"kim:a:b,lee: c \n# no one\n\n Kim Lee :d\r\n김:e": {{"kim", "a:b"}, {"lee", "c"}, {"Kim Lee", "d"}, {"김", "e"}},
	} {
		if got, err := ParsePeople(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := ParsePeople("kim:0123456789abcdef,a-secret-without-a-name"); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "entry 2") {
		t.Errorf("an entry without a name: %v", err)
	}
}

func TestAWrongConfigurationIsRefused(t *testing.T) {
	from := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for want, c := range map[string]Config{
		"needs 16 to 500":       {People: []Person{{"kim", "0123456789abcde"}}},
		"printable ones":        {People: []Person{{"kim", "0123456789abcdef g"}}},
		"person 1 is empty":     {People: []Person{{"", kimToken}}},
		"not printable":         {People: []Person{{"k\u200bim", kimToken}}},
		"more than 80":          {People: []Person{{strings.Repeat("k", 81), kimToken}}},
		"kim is listed twice":   {People: []Person{{"kim", kimToken}, {"kim", leeToken}}},
		"have the same token":   {People: []Person{{"kim", kimToken}, {"lee", kimToken}}},
		"the token of the metr": {Metrics: "short"},
		"no name of a host":     {Hosts: []string{"https://board.example.com"}},
		"no address that it":    {Proxy: Proxy{Header: "X-Forwarded-User"}},
		"of every address":      {Proxy: Proxy{Header: "X-Forwarded-User", From: append(from, netip.MustParsePrefix("0.0.0.0/0"))}},
		"no name of a header":   {Proxy: Proxy{Header: "X-User: kim", From: from}},
	} {
		_, err := New(c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		} else if strings.Contains(err.Error(), "0123456789") {
			t.Errorf("the error has a token: %v", err)
		}
	}
	for text, want := range map[string]string{"10.0.0.5": "10.0.0.5/32", "10.1.2.3/8": "10.0.0.0/8", "2001:db8::1": "2001:db8::1/128", "::ffff:10.0.0.5": "10.0.0.5/32", "10.0.0": "", "proxy": "", "fe80::1%eth0": "", "": ""} {
		if p, err := ParseAddresses(text); (err == nil) != (want != "") || err == nil && p.String() != want {
			t.Errorf("%q: %v, %v, want %q", text, p, err, want)
		}
	}
}

func TestAProxysHeaderNamesOnePerson(t *testing.T) {
	listed := Proxy{Header: "X-Forwarded-User", From: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("::1/128")}}
	for _, tt := range []struct {
		name   string
		from   string
		values []string
		want   string
		err    error
	}{
		{"from the proxy", "10.0.0.5:1", []string{"kim@example.com"}, "kim@example.com", nil},
		{"from the proxy, by IPv6", "[::1]:1", []string{"김 철수"}, "김 철수", nil},
		{"from the proxy, mapped", "[::ffff:10.0.0.5]:1", []string{"kim"}, "kim", nil},
		{"from elsewhere", "10.0.1.5:1", []string{"kim"}, "", nil},
		{"from nowhere", "@", []string{"kim"}, "", nil},
		{"without the header", "10.0.0.5:1", nil, "", nil},
		{"an empty name", "10.0.0.5:1", []string{""}, "", errHeader},
		{"two people", "10.0.0.5:1", []string{"kim", "eve"}, "", errHeader},
		{"a name that reads backwards", "10.0.0.5:1", []string{"\u202emik"}, "", errHeader},
		{"a name of two lines", "10.0.0.5:1", []string{"kim\teve"}, "", errHeader},
		{"what is no text", "10.0.0.5:1", []string{"kim\xff"}, "", errHeader},
		{"a long name", "10.0.0.5:1", []string{strings.Repeat("k", 81)}, "", errHeader},
	} {
		r := &http.Request{RemoteAddr: tt.from, Header: http.Header{"X-Forwarded-User": tt.values, "X_forwarded_user": {"eve"}}}
		if got, err := listed.person(r); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v, want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}
