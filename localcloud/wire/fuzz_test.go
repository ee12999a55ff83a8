package wire

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

// The answer to any input is a success or a refusal, and parses.
func FuzzQuery(f *testing.F) {
	f.Add("Action=Echo&Version=v&Name=abcd&Settings.member.1.Namespace=x")
	f.Add("Action=Echo&Version=v&Name=abcd&Settings.member.99999999999999999999.Namespace=x&Settings.member=1")
	f.Add("Action=Echo&Version=v&Name=%ff%00&Tier..=&.=&Since=0000-01-01T00:00:00Z")
	f.Add("Action=%3Cx%3E&Version=]]>")
	f.Fuzz(func(t *testing.T, form string) {
		w := send(Query("urn:x", "v", operations(new(note))), queryRequest(form))
		if w.Code != 200 && w.Code != 400 && !strings.Contains(form, "Fail") && !strings.Contains(form, "Refuse") {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		dec := xml.NewDecoder(w.Body)
		for {
			_, err := dec.Token()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatalf("answer is no XML: %v", err)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add("Echo", `{"Name":"abcd","Settings":[{"Namespace":"x"}],"Limit":1e3,"Since":-1e308}`)
	f.Add("Echo", `{"Name":{"a":[[[]]]},"Loud":"true"}`)
	f.Add("", `[null]`)
	f.Fuzz(func(t *testing.T, action, body string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "T."+action)
		w := send(JSON("T", operations(new(note))), r)
		if w.Code != 200 && w.Code != 400 && action != "Fail" && action != "Refuse" {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) || !utf8.Valid(w.Body.Bytes()) {
			t.Errorf("answer is no JSON: %q", w.Body)
		}
	})
}
