package envs

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"beansprout/envs/ecr"
	"beansprout/envs/store"
)

func TestTheVersionToGoBackToIsTheLastGoodOneThatDoesNotRun(t *testing.T) {
	name := "shop-login-abcdefghij"
	label := func(n int) string { return fmt.Sprintf("%s-%020x", name, n) }
	record := &store.Record{Environment: "e-1", Version: label(2), Commit: "two", Before: store.Run{Version: label(1), Commit: "one"}}
	ended := func(result string) *store.Record {
		r := *record
		r.Outcome = &store.Outcome{Verb: "rollback", Result: result, Version: label(1)}
		return &r
	}
	for _, tt := range []struct {
		name          string
		runs          int
		record        *store.Record
		label         string
		version, want string
	}{
		{"what runs is the last good one", 2, record, "", label(1), "one"},
		{"what runs failed its check", 3, record, "", label(2), "two"},
		{"what runs failed its check, and that was a rollback", 1, ended("failed"), "", label(2), "two"},
		{"what runs is what a rollback went to that was cut off", 1, ended(begun), "", label(1), "one"},
		{"a rollback that was cut off did not come through", 2, ended(begun), "", label(1), "one"},
		{"by its label, and known", 3, record, label(1), label(1), "one"},
		{"by its label, and not known", 3, record, label(7), "", ""},
		{"nothing ran before", 1, &store.Record{Environment: "e-1", Version: label(1)}, "", "", ""},
		{"the record speaks of another environment", 2, &store.Record{Environment: "e-0", Before: store.Run{Version: label(1)}}, "", "", ""},
		{"the record is not known", 2, nil, "", "", ""},
		{"the record names a version of another environment", 2, &store.Record{Environment: "e-1", Version: label(2), Before: store.Run{Version: "production-1"}}, "", "", ""},
	} {
		e := Environment{Env: Env{ID: "e-1", Name: name, Version: label(tt.runs)}, Record: tt.record}
		got := e.Previous()
		if tt.label != "" {
			got, _ = e.run(tt.label)
		}
		if got.Version != tt.version || got.Commit != tt.want {
			t.Errorf("%s: %+v, want %s of commit %q", tt.name, got, tt.version, tt.want)
		}
	}
}

func TestTheImagesOfARunAreThoseThatTheRepositoryHas(t *testing.T) {
	const name, other = "shop-login-abcdefghij", "sha256:0123456789abffffffffffffffffffffffffffffffffffffffffffffffffffff"
	tag := LiveTag("eu-west-1", name, "web-proxy", someDigest)
	on := shelf{digests: map[string]string{"ctx-1": someDigest}}
	for _, tt := range []struct {
		name string
		on   shelf
		run  store.Run
		want []taggedImage
		gone bool
	}{
		{"with its digest", on, store.Run{Images: []string{tag}, Digests: []string{someDigest}}, []taggedImage{{tag, someDigest}}, false},
		{"without one, as old records have it", on, store.Run{Images: []string{tag}}, []taggedImage{{tag, someDigest}}, false},
		{"with a tag from before tags carried a region", on, store.Run{Images: []string{"live-" + name + "-web_proxy-" + someDigest[7:19]}}, []taggedImage{{tag, someDigest}}, false},
		{"with a digest that isn't its tag's", on, store.Run{Images: []string{tag}, Digests: []string{"sha256:evil"}}, []taggedImage{{tag, someDigest}}, false},
		{"whose image has gone", shelf{}, store.Run{Images: []string{tag}, Digests: []string{someDigest}}, nil, true},
		{"whose image has gone, but for one with the same beginning", shelf{digests: map[string]string{"ctx-1": other}}, store.Run{Images: []string{tag}, Digests: []string{someDigest}}, nil, true},
		{"with another environment's tag", on, store.Run{Images: []string{LiveTag("eu-west-1", "shop-other-abcdefghij", "web", someDigest)}}, nil, false},
	} {
		got, err := tt.on.images("eu-west-1", name, tt.run)
		if !slices.Equal(got, tt.want) || errors.Is(err, ecr.ErrNoImage) != tt.gone || (err != nil) != tt.gone {
			t.Errorf("of a run %s: %v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
}
