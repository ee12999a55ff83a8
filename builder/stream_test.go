package builder

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReadGoesOnToTheEndAndReturnsTheErrorInTheStream(t *testing.T) {
	stream := `{"status":"one"}{"error":"denied: no"}` + "\n" + `{"status":"` + strings.Repeat("x", 100_000) + `"}{"error":"later"}`
	n := 0
	err := read(strings.NewReader(stream), func(message) { n++ })
	var refused refusal
	if !errors.As(err, &refused) || refused.message != "denied: no" || n != 4 {
		t.Errorf("error = %v after %d messages", err, n)
	}
}

func TestReadReportsAStreamThatBreaksOff(t *testing.T) {
	for stream, want := range map[string]error{"": nil, `{"status":"a"}`: nil, `{"status":"a"}{"stat`: io.ErrUnexpectedEOF} {
		if err := read(strings.NewReader(stream), func(message) {}); !errors.Is(err, want) {
			t.Errorf("read(%q) = %v, want %v", stream, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`{"id":"moby.image.id","aux":{"ID":"sha256:1"}}`)
	f.Add(`{"status":"a","id":"b"}{"errorDetail":{"message":"x"},"error":"x"}`)
	f.Add(`{"status":"Pushing","progressDetail":{"current":512,"total":1024},"id":"a"}{"status":"Pushed","id":"a"}`)
	f.Add(`[null,1]{`)
	f.Fuzz(func(t *testing.T, stream string) {
		p := &parcel{stage: (&work{log: func(string, string, string) {}}).begin("web", stepPush, "push")}
		_ = read(strings.NewReader(stream), p.follow)
		_ = p.summary()
	})
}
