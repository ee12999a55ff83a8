package envs

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestRecognizeReadsWhatDescribeWrote(t *testing.T) {
	const commit = "3f2a9c1b7d3f2a9c1b7d3f2a9c1b7d3f2a9c1b7d"
	for _, tt := range []struct{ feature, commit, owner string }{
		{"login", commit, "Kim"},
		{"login", commit, ""},
		{"login", "", "Kim"},
		{"a @ b", commit, "c @ d by e"},
		{"로그인", commit, "김 by hand"},
		{`feature/../../"; rm -rf $HOME #`, commit, "<!channel>"},
	} {
		name := Name(account, "shop", tt.feature)
		e := Env{Name: name, Application: "shop", CNAME: name + ".x", Description: Describe(tt.feature, tt.commit, tt.owner)}
		got, ok := Recognize(account, e)
		if !ok || got.Feature != tt.feature || got.Commit != tt.commit || got.Owner != tt.owner {
			t.Errorf("%q is read as %q, %q, %q, %v", e.Description, got.Feature, got.Commit, got.Owner, ok)
		}
	}
}

func TestRecognizeBelievesNoDescriptionThatTheNameDenies(t *testing.T) {
	name := Name(account, "shop", "login")
	for _, e := range []Env{
		{Name: name, Application: "shop", CNAME: name + ".x", Description: "other @ abc by Kim"},
		{Name: name, Application: "shop", CNAME: name + ".x", Description: "login"},
		{Name: name, Application: "shop", CNAME: "swapped.x", Description: "login @ abc"},
		{Name: "shop-clone", Application: "shop", CNAME: "shop-clone.x", Description: "login @ abc"},
	} {
		if got, ok := Recognize(account, e); ok {
			t.Errorf("%+v passes as %+v", e, got)
		}
	}
}

func FuzzDescribeIsLegal(f *testing.F) {
	f.Add("login", "abc", "Kim")
	f.Add(strings.Repeat("가", 300), "\x00\n\xff", "\u009b")
	f.Fuzz(func(t *testing.T, feature, commit, owner string) {
		d := Describe(feature, commit, owner)
		if n := utf8.RuneCountInString(d); n > maxDescription || !utf8.ValidString(d) || strings.ContainsAny(d, "\x00\n\r\x1b") {
			t.Errorf("Describe(%q, %q, %q) = %q", feature, commit, owner, d)
		}
	})
}

func TestExpiryCountsByAWSDates(t *testing.T) {
	day := 24 * time.Hour
	for _, tt := range []struct {
		name string
		l    Lifetime
		e    Env
		want time.Time
	}{
		{"from creation", Lifetime{TTL: day}, Env{Created: born, Updated: born.Add(day)}, born.Add(day)},
		{"from the last deploy", Lifetime{TTL: day, FromDeploy: true}, Env{Created: born, Updated: born.Add(day)}, born.Add(2 * day)},
		{"never deployed", Lifetime{TTL: day, FromDeploy: true}, Env{Created: born}, born.Add(day)},
		{"without a date", Lifetime{TTL: day}, Env{}, time.Time{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.l.Expiry(tt.e)
			if !got.Equal(tt.want) {
				t.Errorf("Expiry = %v, want %v", got, tt.want)
			}
			if tt.want.IsZero() {
				if tt.l.Expired(tt.e, born.Add(1000*day)) {
					t.Error("it expires although nobody knows when")
				}
				return
			}
			if tt.l.Expired(tt.e, tt.want.Add(-time.Nanosecond)) || !tt.l.Expired(tt.e, tt.want) {
				t.Error("it expires at another instant")
			}
		})
	}
}

func TestAnExtensionOnlyEverProlongs(t *testing.T) {
	l := Lifetime{TTL: 24 * time.Hour}
	e := Env{Created: born}
	for _, tt := range []struct {
		name        string
		e           Env
		until, want time.Time
	}{
		{"later", e, born.Add(48 * time.Hour), born.Add(48 * time.Hour)},
		{"earlier", e, born.Add(time.Hour), born.Add(24 * time.Hour)},
		{"none", e, time.Time{}, born.Add(24 * time.Hour)},
		{"of one without a date", Env{}, born, time.Time{}},
	} {
		if got := l.Extended(tt.e, tt.until); !got.Equal(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}
