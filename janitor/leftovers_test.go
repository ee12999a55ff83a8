package janitor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
)

// loft is an Attic that holds what is left in memory.
type loft struct {
	traces  []Trace
	gone    []envs.Env
	listed  error
	clear   func(name string) error
	cleared []string
}

func (l *loft) Traces(_ context.Context, lives func(string) bool) (all []Trace, err error) {
	for _, t := range l.traces {
		if !lives(t.Name) {
			all = append(all, t)
		}
	}
	return all, l.listed
}

func (l *loft) Terminated(_ context.Context, since time.Time) (rows []envs.Env, err error) {
	for _, e := range l.gone {
		if e.Updated.After(since) {
			rows = append(rows, e)
		}
	}
	return rows, nil
}

func (l *loft) Clear(_ context.Context, name string) (envs.Receipt, error) {
	if l.clear != nil {
		if err := l.clear(name); err != nil {
			return envs.Receipt{}, err
		}
	}
	l.cleared = append(l.cleared, name)
	return envs.Receipt{Environment: name, Removed: []string{"version " + name}}, nil
}

func version(name string, age time.Duration) Trace {
	return Trace{Name: name, Version: name + "-v", Written: noon.Add(-age)}
}

func note(name string, age time.Duration) Trace {
	return Trace{Name: name, Written: noon.Add(-age)}
}

func gone(name string, ago time.Duration) envs.Env {
	return envs.Env{Name: name, State: envs.Terminated, Updated: noon.Add(-ago)}
}

func TestLeftoversGoWhenNobodyCanNeedThem(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name   string
		traces []Trace
		rows   []envs.Env
		gone   []envs.Env
		want   string // action and reason; "" for not a word
	}{
		{"never launched", []Trace{version("a", 2*day)}, nil, nil, "remove"},
		{"a day old at this very instant", []Trace{version("a", day)}, nil, nil, "remove"},
		{"about to be launched", []Trace{version("a", day-time.Second)}, nil, nil, "kept what is left of it is not a day old"},
		{"about to be launched again", []Trace{version("a", 9*day), version("a", time.Hour)}, nil, nil, "kept what is left of it is not a day old"},
		{"about to be launched again, by its note", []Trace{version("a", 9*day), note("a", time.Hour)}, nil, nil, "kept what is left of it is not a day old"},
		{"without a date", []Trace{version("a", 9*day), {Name: "a", Version: "a-w"}}, nil, nil, "kept AWS names no date"},
		{"it lives", []Trace{version("a", 9*day)}, []envs.Env{{Name: "a", State: envs.Ready}}, nil, ""},
		{"it is going away", []Trace{version("a", 9*day)}, []envs.Env{{Name: "a", State: envs.Terminating}}, nil, ""},
		{"it lives again", []Trace{version("a", 9*day)}, []envs.Env{{Name: "a", State: envs.Ready}}, []envs.Env{gone("a", 9*day)}, ""},
		{"another environment runs it", []Trace{version("a", 9*day)}, []envs.Env{{Name: "clone", Version: "a-v", State: envs.Ready}}, nil, "kept environment clone runs its version"},
		{"to be restored", []Trace{version("a", 9*day)}, nil, []envs.Env{gone("a", 3*day-time.Second)}, "kept can be restored until 2025-06-01T12:00:01Z"},
		{"to be restored, removed twice", []Trace{version("a", 9*day)}, nil, []envs.Env{gone("a", 9*day), gone("a", day)}, "kept can be restored until 2025-06-03T12:00:00Z"},
		{"past its restore", []Trace{version("a", 9*day)}, nil, []envs.Env{gone("a", 3*day)}, "remove"},
		{"a note alone", []Trace{note("a", 2*day)}, nil, nil, "remove"},
		{"a young note", []Trace{note("a", time.Hour)}, nil, nil, ""},
		{"a note to be restored by", []Trace{note("a", 2*day)}, nil, []envs.Env{gone("a", 2*day)}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := &Janitor{RestoreFor: 3 * day}
			decisions := j.clearOut(gather(tt.traces, tt.rows, tt.gone), noon)
			got := ""
			for _, d := range decisions {
				got += strings.TrimSpace(string(d.Action) + " " + d.Reason)
			}
			if len(decisions) > 1 || !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func attic(j *Janitor, names ...string) *loft {
	l := &loft{}
	for _, name := range names {
		l.traces = append(l.traces, version(name, 48*time.Hour))
	}
	j.Attic, j.RestoreFor = l, time.Hour
	return l
}

func TestLeftoversShareTheBrakesOfASweep(t *testing.T) {
	j, s := house("old")
	j.MaxDeletions = 2
	l := attic(j, "a", "b", "old")
	dry, err := j.Sweep(t.Context(), false)
	if err != nil || len(l.cleared) > 0 || len(dry.Leftovers) != 3 || dry.Leftovers[0].Action != Remove {
		t.Errorf("dry: %+v, %v and cleared %v", dry.Leftovers, err, l.cleared)
	}
	report, err := j.Sweep(t.Context(), true)
	if err != nil || strings.Join(s.removed, ",") != "old" || strings.Join(l.cleared, ",") != "a" {
		t.Errorf("removed %v, cleared %v, %v", s.removed, l.cleared, err)
	}
	checkReason(t, report.Leftovers[1], "one sweep removes at most 2")
	if d := report.Leftovers[0]; d.Action != Removed || d.Receipt == nil || d.Receipt.Environment != "a" {
		t.Errorf("got %+v", d)
	}
}

func TestTooManyLeftoversAreAMistake(t *testing.T) {
	j, _ := house()
	j.MaxDeletions = 100
	var names []string
	for i := range 11 {
		names = append(names, fmt.Sprint("name-", i))
	}
	l := attic(j, names...)
	report, err := j.Sweep(t.Context(), true)
	if err != nil || len(l.cleared) > 0 {
		t.Errorf("%v, and cleared %v", err, l.cleared)
	}
	checkReason(t, report.Leftovers[0], "11 of 11 are to be removed, the limit is 10")
	j.Max = 11
	if _, err := j.Sweep(t.Context(), true); err != nil || len(l.cleared) != 11 {
		t.Errorf("%v, and cleared %d", err, len(l.cleared))
	}
}

func TestLeftoversThatCannotBeListedStayAndEnvironmentsGo(t *testing.T) {
	j, s := house("old")
	l := attic(j, "a")
	l.listed = errors.New("access denied")
	report, err := j.Sweep(t.Context(), true)
	if !errors.Is(err, l.listed) || len(l.cleared) > 0 || len(report.Leftovers) > 0 {
		t.Errorf("%v, and cleared %v", err, l.cleared)
	}
	checkSweep(t, s, report, "old removed", "old")
}

func TestOneLeftoverThatFailsLeavesTheOthersAlone(t *testing.T) {
	j, _ := house()
	l := attic(j, "busy", "fine", "panics", "stuck")
	stuck := errors.New("access denied")
	l.clear = func(name string) error {
		switch name {
		case "busy":
			return fmt.Errorf("%w: up is at work", envs.ErrNotReady)
		case "stuck":
			return stuck
		case "panics":
			panic("nil map")
		}
		return nil
	}
	report, err := j.Sweep(t.Context(), true)
	if !errors.Is(err, stuck) || !strings.Contains(err.Error(), "panic: nil map") || errors.Is(err, envs.ErrNotReady) {
		t.Errorf("got %v", err)
	}
	if strings.Join(l.cleared, ",") != "fine" || len(report.Leftovers) != 4 {
		t.Errorf("cleared %v", l.cleared)
	}
	checkReason(t, report.Leftovers[0], "up is at work: next sweep")
}
