package janitor

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestSweepIsRefusedAsAWhole(t *testing.T) {
	denied := errors.New("page 2 failed")
	tests := []struct {
		name   string
		change func(j *Janitor, s *shelf)
		want   string
	}{
		{"a page of the list failed", func(_ *Janitor, s *shelf) { s.listed = denied }, "page 2 failed"},
		{"our clock is wrong", func(_ *Janitor, s *shelf) { s.now = noon.Add(2 * time.Minute) }, "2m0s apart"},
		{"AWS tells no time", func(_ *Janitor, s *shelf) { s.now = time.Time{} }, "didn't say what time"},
		{"no lifetime is set", func(j *Janitor, _ *shelf) { j.Lifetime.TTL = 0 }, "lifetime"},
		{"a negative lifetime", func(j *Janitor, _ *shelf) { j.Lifetime.TTL = -time.Hour }, "lifetime"},
		{"no account", func(j *Janitor, _ *shelf) { j.Account = "" }, "account is unknown"},
	}
	for _, tt := range tests {
		for _, live := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, live: %v", tt.name, live), func(t *testing.T) {
				j, s := house("a")
				tt.change(j, s)
				report, err := j.Sweep(t.Context(), live)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				checkSweep(t, s, report, "", "")
			})
		}
	}
}

func TestSweepStopsBeforeAMassDeletion(t *testing.T) {
	var many []string
	for i := range 11 {
		many = append(many, fmt.Sprintf("f%02d", i))
	}
	j, s := house(many...)
	j.MaxDeletions = 100
	report, err := j.Sweep(t.Context(), true)
	if !errors.Is(err, ErrTooMany) || len(s.removed) > 0 {
		t.Fatalf("got %v and %d removed", err, len(s.removed))
	}
	if report.Refused == "" || report.count(Remove) != 11 {
		t.Errorf("the report doesn't say what was refused: %+v", report)
	}

	if report, err = j.Sweep(t.Context(), false); err != nil || report.Refused == "" {
		t.Errorf("a dry sweep says what a live one would do: got %v, refused: %q", err, report.Refused)
	}

	j.Max = 11
	if _, err = j.Sweep(t.Context(), true); err != nil || len(s.removed) != 11 {
		t.Errorf("with Max: got %v and %d removed", err, len(s.removed))
	}
}
