package envs

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"beansprout/envs/store"
)

const sha = "3f2a9c1b7d3f2a9c1b7d3f2a9c1b7d3f2a9c1b7d"

// described is an environment of the feature with that description.
func described(feature, description string) Env {
	name := Name(account, "shop", feature)
	return Env{Name: name, Application: "shop", CNAME: name + ".x", Description: description}
}

func TestADescriptionIsReadAsItWasWritten(t *testing.T) {
	settings := store.SettingsDigest([]string{"a:b"})
	for _, d := range []Description{
		{"login", sha, "5d", settings, "Kim"},
		{"login", sha, "1d12h", settings, ""},
		{"login", sha, "", "", "Kim"},
		{"login", sha, "", settings, "Kim"},
		{"login", "", "5d", "", "Kim"},
		{"login", sha + "+dirty", "5d", settings, "Kim"},
		{"a @ b", sha, "5d", settings, "c @ d by e"},
		{"x @ abc for 99d ~00000000000000000000 by y", sha, "5d", settings, "Kim for 99d ~00000000000000000000"},
		{"로그인", sha, "5d", settings, "김 by hand"},
		{`feature/../../"; rm -rf $HOME #`, sha, "36h", settings, "<!channel>"},
	} {
		got, ok := Recognize(account, described(d.Feature, d.String()))
		if read := (Description{got.Feature, got.Commit, got.TTL, got.Settings, got.Owner}); !ok || read != d {
			t.Errorf("%q is read as %+v, %v", d, read, ok)
		}
	}
}

func TestDescriptionsOfOlderVersionsAreRead(t *testing.T) {
	for description, want := range map[string]Env{
		"login @ " + sha + " by Kim":                               {Commit: sha, Owner: "Kim"},
		"login @ uncommitted by Kim":                               {Owner: "Kim"},
		"login @ 1.2 final":                                        {Commit: "1.2 final"},
		"login @ abc by Kim for 9d ~0123456789abcdef0123":          {Commit: "abc", Owner: "Kim for 9d ~0123456789abcdef0123"},
		"login @ abc by Kim for 9d ~0123456789abcdef0123 by other": {Commit: "abc", Owner: "Kim for 9d ~0123456789abcdef0123 by other"},
	} {
		got, ok := Recognize(account, described("login", description))
		if !ok || got.Commit != want.Commit || got.Owner != want.Owner || got.TTL+got.Settings != "" {
			t.Errorf("%q is read as %+v, %v", description, got, ok)
		}
	}
}

// TestDaysAndDigestOutliveNames looks at what there is no room for.
func TestDaysAndDigestOutliveNames(t *testing.T) {
	settings := store.SettingsDigest(nil)
	for _, feature := range []string{
		strings.Repeat("f", 110), strings.Repeat("f", 150), strings.Repeat("로", 300),
		strings.Repeat("f", 10) + "… @ abc for 99d ~00000000000000000000 by " + strings.Repeat("x", 300),
	} {
		d := Description{feature, sha, "365d", settings, strings.Repeat("k", 150)}
		e := ParseDeployed(described(feature, d.String()), feature)
		if e.Commit != sha || e.TTL != d.TTL || e.Settings != settings || utf8.RuneCountInString(d.String()) > maxDescription {
			t.Errorf("%q is read as %+v", d, e)
		}
		if e.Owner != "" && !strings.HasPrefix(e.Owner, "kkk") {
			t.Errorf("%q belongs to %q", d, e.Owner)
		}
	}
}

func TestASettingsDigestIsOfTheNames(t *testing.T) {
	digest := store.SettingsDigest([]string{"a:b", "c:d"})
	if len(digest) != 20 || digest != store.SettingsDigest([]string{"c:d", "a:b"}) {
		t.Errorf("SettingsDigest = %q", digest)
	}
	for _, other := range [][]string{nil, {"a:b"}, {"a:b", "c:d", "e:f"}, {"a:bc:d"}, {"a:b", "c:d", "c:d"}, {"a:b\x00c:d"}} {
		if store.SettingsDigest(other) == digest {
			t.Errorf("%q has the same digest", other)
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
	f.Add("… @ abc for 9d ~01234567890123456789", strings.Repeat("x", 300), " by ")
	settings := store.SettingsDigest(nil)
	f.Fuzz(func(t *testing.T, feature, commit, owner string) {
		d := Description{feature, commit, "5d", settings, owner}.String()
		if n := utf8.RuneCountInString(d); n > maxDescription || !utf8.ValidString(d) || strings.ContainsAny(d, "\x00\n\r\x1b") {
			t.Errorf("the description of %q, %q, %q is %q", feature, commit, owner, d)
		}
		if e := ParseDeployed(Env{Description: d}, feature); CheckFeature(feature) == nil && !strings.ContainsRune(feature, utf8.RuneError) && !strings.ContainsFunc(feature, unicode.IsControl) && (e.TTL != "5d" || e.Settings != settings) {
			t.Errorf("%q is read as %+v", d, e)
		}
	})
}
