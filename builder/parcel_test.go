package builder

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAParcelSaysInAFewLinesHowFarItIs(t *testing.T) {
	log := &record{}
	p := &parcel{size: 12e6, stage: (&work{log: log.log}).begin("web", stepPush, "push")}
	told := `{"status":"The push refers to repository [host/app]"}
		{"status":"Preparing","progressDetail":{},"id":"old"}{"status":"Waiting","progressDetail":{},"id":"new"}
		{"status":"Layer already exists","progressDetail":{},"id":"old"}
		{"status":"Mounted from other","progressDetail":{},"id":"lent"}
		{"status":"Pushing","progressDetail":{"current":1000000,"total":5000000},"id":"new"}`
	more := `{"status":"Pushing","progressDetail":{"current":2000000,"total":5000000},"id":"new"}`
	first := read(strings.NewReader(told), p.follow)
	p.layers["new"].said = time.Time{}
	second := read(strings.NewReader(more+more+more), p.follow)
	if p.tired {
		t.Error("the engine has not tried again")
	}
	third := read(strings.NewReader(`{"status":"Retrying in 2 seconds","id":"new"}{"status":"Retrying in 1 second","id":"new"}{"status":"Retrying in 4 seconds","id":"new"}
		{"status":"Pushing","progressDetail":{"current":5000512,"total":5000000},"id":"new"}
		{"status":"Pushed","progressDetail":{},"id":"new"}{"status":"Pushed","progressDetail":{},"id":"small"}
		{"status":"ctx: digest: sha256:0 size: 1"}`), p.follow)
	if err := errors.Join(first, second, third); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"push: layer old: already there", "push: layer lent: already there",
		"push: layer new: 2.0 MB of 5.0 MB",
		"push: layer new: the registry does not take it: once more in 2s", "push: layer new: the registry does not take it: once more in 4s",
		"push: layer new: pushed 5.0 MB", "push: layer small: pushed 0.0 MB",
	}
	if !slices.Equal(log.lines, want) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(log.lines, "\n"), strings.Join(want, "\n"))
	}
	if got, want := p.summary(), "pushed 2 layers: 5.0 MB sent, 7.0 MB were there"; got != want || !p.tired {
		t.Errorf("summary = %q, want %q; tired %v", got, want, p.tired)
	}
}
