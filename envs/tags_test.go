package envs

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const account = "123456789012"

var (
	born = time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC)
	// The guide's alphabet for tag values.
	legalValue = regexp.MustCompile(`^[\p{L}\p{N} _.:/=+\-@]{1,255}$`)
)

func FuzzTagsSayWhatTheyWereMadeOf(f *testing.F) {
	f.Add("login", "Kim")
	f.Add(`feature/../../"; rm -rf $HOME #`, "a=b <x@y>")
	f.Add(" spaces ", "aws:me")
	f.Add("로그인", "김")
	f.Add(strings.Repeat("가#", 150), strings.Repeat("%", 300))
	f.Add("=3D", "=")
	f.Add("a"+strings.Repeat(" ", 600)+"b", strings.Repeat("x ", 200))
	f.Add("\xff\x00", "\n")
	f.Fuzz(func(t *testing.T, feature, owner string) {
		if len(feature) > maxFeature || len(owner) > maxFeature || feature == "" {
			t.Skip()
		}
		tags := NewTags(feature, owner, born)
		for key, value := range tags {
			if !legalValue.MatchString(value) || !utf8.ValidString(value) || strings.TrimSpace(value) != value {
				t.Errorf("tag %s=%q isn't legal", key, value)
			}
			if reserved(value) {
				t.Errorf("tag %s=%q has a reserved prefix", key, value)
			}
		}
		if got, err := tags.Feature(); err != nil || got != feature {
			t.Errorf("Feature() = %q, %v; want %q", got, err, feature)
		}
		if got := tags.Owner(); got != owner {
			t.Errorf("Owner() = %q, want %q", got, owner)
		}
	})
}

func TestVerifyAcceptsOnlyWhatIsOurs(t *testing.T) {
	name := Name(account, "shop", "login")
	ours := Env{Name: name, Application: "shop", CNAME: name + ".eu-west-1.elasticbeanstalk.com"}
	tags := NewTags("login", "Kim", born)
	with := func(change func(*Env, Tags)) (Env, Tags) {
		e, copied := ours, Tags{}
		for k, v := range tags {
			copied[k] = v
		}
		change(&e, copied)
		return e, copied
	}
	for _, tt := range []struct {
		name   string
		change func(*Env, Tags)
		reason string // "" when it is ours
	}{
		{"as it was born", func(*Env, Tags) {}, ""},
		{"on the local cloud", func(e *Env, _ Tags) { e.CNAME = name + ".localhost:2327" }, ""},
		{"kept by hand", func(_ *Env, t Tags) { t[TagLifecycle] = "keep" }, ""},
		{"with more tags", func(_ *Env, t Tags) { t["team"] = "x" }, ""},
		{"without tags", func(_ *Env, t Tags) { clear(t) }, "it has no tag beansprout:feature"},
		{"without a date", func(_ *Env, t Tags) { delete(t, TagCreated) }, "it has no tag beansprout:created"},
		{"with a blank lifecycle", func(_ *Env, t Tags) { t[TagLifecycle] = "" }, "it has no tag beansprout:lifecycle"},
		{"with a broken escape", func(_ *Env, t Tags) { t[TagFeature] = "log=Z" }, "ends within an escape"},
		{"a clone", func(e *Env, _ Tags) { e.Name, e.CNAME = "shop-clone", "shop-clone.x" }, "looks like a clone"},
		{"of another application", func(e *Env, _ Tags) { e.Application = "other" }, "looks like a clone"},
		{"swapped", func(e *Env, _ Tags) { e.CNAME = "shop-live.eu-west-1.elasticbeanstalk.com" }, "looks swapped"},
		{"without a CNAME", func(e *Env, _ Tags) { e.CNAME = "" }, "looks swapped"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, tags := with(tt.change)
			got, err := Verify(account, e, tags)
			if tt.reason == "" {
				if err != nil || got.Feature != "login" || got.Owner != "Kim" {
					t.Errorf("Verify = %+v, %v", got, err)
				}
				return
			}
			if !errors.Is(err, ErrNotOurs) || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("Verify: %v, want not ours because %q", err, tt.reason)
			}
		})
	}
	former := FormerName(account, "shop", "로그인")
	old := Env{Name: former, Application: "shop", CNAME: former + ".x", Description: "로그인 @ abc by Kim"}
	if got, err := Verify(account, old, NewTags("로그인", "Kim", born)); err != nil || got.Feature != "로그인" {
		t.Errorf("with the name that an older version gave: %+v, %v", got, err)
	}
	if got, ok := Recognize(account, old); !ok || got.Feature != "로그인" {
		t.Errorf("with the name that an older version gave, it is read as %+v", got)
	}
	if _, err := Verify("999999999999", ours, tags); err == nil {
		t.Error("an environment of another account passes")
	}
}

func TestOnlyTheWordKeepKeeps(t *testing.T) {
	for value, want := range map[string]bool{"keep": true, " Keep ": true, "ephemeral": false, "": false, "keeper": false} {
		if got := (Tags{TagLifecycle: value}).Protected(); got != want {
			t.Errorf("Kept() of %q = %v", value, got)
		}
	}
}
