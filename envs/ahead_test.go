package envs

import (
	"errors"
	"testing"
	"time"
)

func TestWhatWasAskedAheadCountsOnlyWhileItIsCurrent(t *testing.T) {
	answers := func(err error) *ahead[int] { return askAhead(func() (int, error) { return 7, err }) }
	old := answers(nil)
	old.since = time.Now().Add(-readingMaxAge)
	late := askAhead(func() (int, error) { time.Sleep(50 * time.Millisecond); return 7, nil })
	late.since = time.Now().Add(25*time.Millisecond - readingMaxAge)
	for _, tt := range []struct {
		name string
		*ahead[int]
		want bool
	}{
		{"an answer", answers(nil), true},
		{"nothing", nil, false},
		{"an error", answers(errors.New("throttled")), false},
		{"an answer of some time ago", old, false},
		{"an answer that came late", late, false},
	} {
		if got, ok := tt.take(); ok != tt.want || ok && got != 7 {
			t.Errorf("%s: %v, %v", tt.name, got, ok)
		}
	}
}
