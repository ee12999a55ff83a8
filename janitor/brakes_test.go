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
		{"our clock is wrong", func(_ *Janitor, s *shelf) { s.survey.Now = noon.Add(2 * time.Minute) }, "2m0s apart"},
		{"AWS tells no time", func(_ *Janitor, s *shelf) { s.survey.Now = time.Time{} }, "didn't say what time"},
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
	if !errors.Is(err, ErrTooMany) || len(s.expired) > 0 {
		t.Fatalf("got %v, and was asked about %q", err, s.expired)
	}
	if report.Refused == "" || report.Count(Remove) != 11 {
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

func TestSweepIsRefusedWhenMostHasGoneThatTheLastOneLeft(t *testing.T) {
	unread := errors.New("access denied")
	for _, tt := range []struct {
		name     string
		left     int
		read     error
		override int
		want     error
	}{
		{"the first sweep", 0, nil, 0, nil},
		{"as many as before", 2, nil, 0, nil},
		{"ten gone", 12, nil, 0, nil},
		{"eleven gone of few", 13, nil, 0, ErrShrunk},
		{"eleven gone, but asked for", 13, nil, 5, nil},
		{"unreadable", 0, unread, 0, unread},
		{"unreadable, but asked for", 0, unread, 5, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j, s := house("a", "b")
			j.Max = tt.override
			s.survey.Last.Environments, s.survey.LastError = tt.left, tt.read
			dry, err := j.Sweep(t.Context(), false)
			if err != nil || (dry.Refused != "") != (tt.want != nil) || s.noted != -1 {
				t.Errorf("dry: %v, refused: %q, noted %d", err, dry.Refused, s.noted)
			}
			if _, err := j.Sweep(t.Context(), true); !errors.Is(err, tt.want) || tt.want == nil && err != nil {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if want := 0; tt.want == nil && (s.noted != want || len(s.removed) != 2) || tt.want != nil && (s.noted != -1 || len(s.removed) > 0) {
				t.Errorf("noted %d and removed %v", s.noted, s.removed)
			}
		})
	}
}

func TestShrunkIsMoreThanTenAndMoreThanHalf(t *testing.T) {
	for _, tt := range []struct {
		left, known int
		want        bool
	}{{0, 0, false}, {10, 0, false}, {11, 0, true}, {20, 10, false}, {20, 9, true}, {100, 50, false}, {100, 49, true}, {5, 50, false}} {
		if got := shrunk(tt.left, tt.known, 0); (got != "") != tt.want {
			t.Errorf("of %d there are %d: %q, want it refused: %v", tt.left, tt.known, got, tt.want)
		}
	}
}
