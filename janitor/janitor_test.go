package janitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/envs"
)

func TestSweepRemovesWhatIsExpiredAndNothingElse(t *testing.T) {
	j, s := house("old", "older")
	s.candidate("old").Proved = false // its description was edited by hand
	s.add("young", time.Hour)
	gone := sprout("gone", 72*time.Hour)
	gone.State, gone.Updated = envs.Terminating, noon
	s.put(gone)
	foreign := s.put(envs.Env{ID: "e-prod", Name: "production", State: envs.Ready, Feature: "prod", Created: noon.AddDate(-3, 0, 0)})
	foreign.Proved, foreign.Foreign = false, true
	s.refusals["prod"] = &envs.KeptError{Reason: "not ours: it has no tag", Err: envs.ErrNotOurs}

	report, err := j.Sweep(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	checkSweep(t, s, report, "prod kept, old removed, older removed", "old, older")
	checkReason(t, report.Decisions[0], "not ours: it has no tag")
	if report.Environments != 5 || report.Known != 3 || report.Young != 1 || s.noted != 1 {
		t.Errorf("got %d environments, %d ours, %d young, noted %d; want 5, 3, 1, 1", report.Environments, report.Known, report.Young, s.noted)
	}
	if got := report.Decisions[1].Receipt; got == nil || got.Removed[0] != "environment e-old" {
		t.Errorf("receipt: got %v", got)
	}
	if got := s.questions(); got != "old, older, prod" {
		t.Errorf("asked about %q", got)
	}
}

func TestTheTagsOfWhatIsNotOursAreReadForAFew(t *testing.T) {
	j, s := house("a", "b", "c", "ours")
	j.MaxDeletions = 2
	for _, feature := range []string{"a", "b", "c"} {
		c := s.candidate(feature)
		c.Proved, c.Foreign = false, true
		s.refusals[feature] = &envs.KeptError{Reason: "not ours: it looks like a clone", Err: envs.ErrNotOurs}
	}
	report, err := j.Sweep(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	checkSweep(t, s, report, "a kept, b kept, c kept, ours removed", "ours")
	checkReason(t, report.Decisions[1], "looks like a clone")
	checkReason(t, report.Decisions[2], notOurs)
	if report.Known != 1 || s.questions() != "a, b, ours" {
		t.Errorf("%d are ours, and it was asked about %q", report.Known, s.expired)
	}
}

func TestWhatItsTagsDisproveIsNotCountedAsOurs(t *testing.T) {
	j, s := house("a", "b")
	s.candidate("a").Proved = false
	s.refusals["a"] = &envs.KeptError{Reason: "not ours: it looks like a clone", Err: envs.ErrNotOurs}
	if report, err := j.Sweep(t.Context(), true); err != nil || report.Known != 1 || s.noted != 0 {
		t.Errorf("%d are ours, %d noted, %v", report.Known, s.noted, err)
	}
}

func TestSweepIsDryUnlessLive(t *testing.T) {
	j, s := house("a", "b", "c")
	j.MaxDeletions = 2
	report, err := j.Sweep(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	checkSweep(t, s, report, "a remove, b remove, c kept", "")
	if got := s.questions(); got != "a, b" {
		t.Errorf("asked about %q", got)
	}
	checkReason(t, report.Decisions[2], "left for the next sweep")
}

func TestSweepRemovesAtMostSoMany(t *testing.T) {
	for _, tt := range []struct {
		limit         int
		said, removed string
	}{
		{2, "a removed, b removed, c kept", "a, b"},
		{0, "a kept, b kept, c kept", ""},
		{-1, "a kept, b kept, c kept", ""},
	} {
		j, s := house("a", "b", "c")
		j.MaxDeletions = tt.limit
		report, err := j.Sweep(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		checkSweep(t, s, report, tt.said, tt.removed)
	}
}

func TestSweepKeepsWhatIsKeptAndWhatItCannotTell(t *testing.T) {
	garbled := errors.New("it is no JSON")
	for _, live := range []bool{true, false} {
		j, s := house("extended", "garbled", "protected", "unreadable", "free")
		s.candidate("extended").Reason = "extended until tomorrow"
		s.candidate("garbled").Err = garbled
		s.refusals["protected"] = &envs.KeptError{Reason: "build 6 keeps it"}
		s.refusals["unreadable"] = &envs.KeptError{Reason: "what is known about it can't be read", Err: errors.New("access denied")}
		report, err := j.Sweep(t.Context(), live)
		if !errors.Is(err, garbled) || !strings.Contains(err.Error(), "access denied") {
			t.Errorf("got error %v, want %v", err, garbled)
		}
		if live {
			checkSweep(t, s, report, "extended kept, garbled unknown, protected kept, unreadable unknown, free removed", "free")
		} else {
			checkSweep(t, s, report, "extended kept, garbled unknown, protected kept, unreadable unknown, free remove", "")
		}
		checkReason(t, report.Decisions[0], "extended until tomorrow")
		checkReason(t, report.Decisions[1], "can't be read")
		checkReason(t, report.Decisions[2], "build 6 keeps it")
		checkReason(t, report.Decisions[3], "can't be read")
	}
}

func TestSweepAsksAgainWhetherItIsTime(t *testing.T) {
	j, s := house("a")
	report := prepared(t, j)
	s.candidate("a").Environment.Expires = noon.Add(3 * time.Hour) // it is read again, and was extended
	j.act(t.Context(), &report, true)
	checkReason(t, report.Decisions[0], "expires in 3h")
	if len(s.removed) > 0 {
		t.Errorf("it removed %q", s.removed)
	}
}

func TestSweepGoesOnWhenOneEnvironmentFails(t *testing.T) {
	stuck := errors.New("the security group is in use")
	j, s := house("stuck", "busy", "foreign", "broken", "unreadable", "gone", "fine")
	s.refusals["foreign"] = &envs.KeptError{Reason: "not ours: it was swapped", Err: envs.ErrNotOurs}
	s.refusals["unreadable"] = &envs.KeptError{Reason: "what is known about it can't be read", Err: errors.New("access denied")}
	s.refusals["gone"] = &envs.KeptError{Reason: "is gone already"}
	s.remove = func(_ context.Context, e envs.Env) (envs.Receipt, error) {
		switch e.Feature {
		case "stuck":
			return envs.Receipt{Environment: e.Name, Removed: []string{"version"}}, stuck
		case "busy":
			return envs.Receipt{}, fmt.Errorf("%w: it is pending deployment", envs.ErrNotReady)
		case "broken":
			panic("nil map")
		}
		return s.take(e)
	}
	report, err := j.Sweep(t.Context(), true)
	checkSweep(t, s, report, "stuck failed, busy kept, foreign kept, broken failed, unreadable unknown, gone kept, fine removed", "fine")
	for _, want := range []string{"security group", "panic: nil map", "access denied"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error doesn't name %q: %v", want, err)
		}
	}
	if !errors.Is(err, stuck) || errors.Is(err, envs.ErrNotReady) || errors.Is(err, envs.ErrNotFound) {
		t.Errorf("got %v: what was put back or is gone is no error", err)
	}
	if d := report.Decisions[0]; d.Receipt == nil || len(d.Receipt.Removed) != 1 {
		t.Errorf("what was removed before the failure isn't reported: %+v", d)
	}
	checkReason(t, report.Decisions[1], "pending deployment: next sweep")
	checkReason(t, report.Decisions[2], "it was swapped")
}

func TestSweepCountsNeitherFailuresNorWhatWasPutBackAsRemovals(t *testing.T) {
	j, s := house("busy", "stuck", "a", "b")
	j.MaxDeletions = 2
	s.remove = func(_ context.Context, e envs.Env) (envs.Receipt, error) {
		switch e.Feature {
		case "busy":
			return envs.Receipt{}, envs.ErrNotReady
		case "stuck":
			return envs.Receipt{}, errors.New("timed out; it may be terminating")
		}
		return s.take(e)
	}
	report, _ := j.Sweep(t.Context(), true)
	checkSweep(t, s, report, "busy kept, stuck failed, a removed, b removed", "a, b")
}

func TestSweepFinishesTheRemovalsInProgressAndBeginsNoOther(t *testing.T) {
	j, s := house("a", "b", "c", "d", "e", "f")
	ctx, stop := context.WithCancel(t.Context())
	var begun sync.WaitGroup
	begun.Add(sideBySide)
	s.remove = func(ctx context.Context, e envs.Env) (envs.Receipt, error) {
		begun.Done()
		begun.Wait()
		stop()
		if err := ctx.Err(); err != nil {
			t.Errorf("the removal in progress was cancelled: %v", err)
		}
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("a removal may take for ever")
		}
		return s.take(e)
	}
	report, err := j.Sweep(ctx, true)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	checkSweep(t, s, report, "a removed, b removed, c removed, d removed, e kept, f kept", "a, b, c, d")
	checkReason(t, report.Decisions[4], "this one was stopped")
	if err := report.Decisions[4].Err; err != nil || len(s.expired) != 4 {
		t.Errorf("got %v, and it was asked about %q: what is left needs no other look", err, s.expired)
	}
}

func TestSweepThatIsStoppedWhileItLooksRemovesNothing(t *testing.T) {
	j, s := house("a", "b")
	ctx, stop := context.WithCancel(t.Context())
	j.Now = func() time.Time { stop(); return noon }
	if _, err := j.Sweep(ctx, true); !errors.Is(err, context.Canceled) || len(s.removed) > 0 || s.noted != -1 {
		t.Errorf("got %v and removed %v", err, s.removed)
	}
}

func TestSweepLogsOneLinePerDecisionAndOneSummary(t *testing.T) {
	j, s := house("a", "b")
	s.add("young", time.Hour)
	s.refusals["b"] = &envs.KeptError{Reason: "is protected"}
	var log strings.Builder
	j.Log = slog.New(slog.NewTextHandler(&log, nil))
	if _, err := j.Sweep(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	slices.SortFunc(lines[:2], func(a, b string) int {
		return strings.Compare(b[strings.Index(b, "msg="):], a[strings.Index(a, "msg="):])
	})
	if len(lines) != 3 {
		t.Fatalf("got %d lines:\n%s", len(lines), log.String())
	}
	for i, want := range []string{"msg=removed", "msg=kept", "msg=sweep live=true environments=3 ours=3"} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d: got %q, want %q", i, lines[i], want)
		}
	}
}

func TestReportAsJSONHasTheKeysOfTheCommandLine(t *testing.T) {
	e := sprout("login", 0)
	report := Report{Environments: 3, Known: 2, Young: 1, Decisions: []Decision{
		{Env: &e, Action: Failed, Expiry: noon, Receipt: &envs.Receipt{Environment: e.Name}, Err: errors.New("stuck")},
		{Env: &e, Action: Keep, Reason: "is protected"},
	}}
	got, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"environments": 3`, `"ours": 2`, `"young": 1`, `"decisions": [`, `"environment": "` + e.Name + `"`, `"id": "e-login"`,
		`"feature": "login"`, `"action": "failed"`, `"expired": "2025-06-01T12:00:00Z"`, `"receipt": {`, `"error": "stuck"`, `"reason": "is protected"`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	if n := strings.Count(string(got), `"expired"`); n != 1 {
		t.Errorf("%d expiries are shown, want the one that is known", n)
	}
	empty, _ := house()
	none, err := empty.Sweep(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := json.Marshal(none); !strings.Contains(string(got), `"decisions":[]`) {
		t.Errorf("got %s", got)
	}
}

func TestWhatIsStuckDoesNotStarveTheRest(t *testing.T) {
	features := []string{"a", "b", "c", "d", "e", "f"}
	for _, tt := range []struct {
		name  string
		limit int
		stuck string // features whose removal fails
		want  []string
	}{
		{"one that is stuck", 1, "a", []string{"b", "c", "d"}},
		{"fewer than may fail", 1, "ab", []string{"c", "d", "e"}},
		{"as many as may fail", 1, "abc", []string{"", "d", "e", "f"}},
		{"more than may fail", 1, "abcd", []string{"", "e", "f"}},
		{"as many as may be removed", 3, "abc", []string{"", "d, e, f"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j, s := house(features...)
			j.MaxDeletions = tt.limit
			now := noon
			s.remove = func(_ context.Context, e envs.Env) (envs.Receipt, error) {
				s.mu.Lock()
				if now = now.Add(time.Second); strings.Contains(tt.stuck, e.Feature) {
					defer s.mu.Unlock()
					s.candidate(e.Feature).Tried = now
					return envs.Receipt{}, errors.New("it is stuck")
				}
				defer func() { _, _ = s.take(e) }()
				defer s.mu.Unlock()
				s.survey.Environments = slices.DeleteFunc(slices.Clone(s.survey.Environments), func(c *envs.Candidate) bool { return c.Environment.ID == e.ID })
				return envs.Receipt{Environment: e.Name, Removed: []string{"environment " + e.ID}}, nil
			}
			for n, want := range tt.want {
				s.removed = nil
				report, _ := j.Sweep(t.Context(), true)
				slices.Sort(s.removed)
				if got := strings.Join(s.removed, ", "); got != want {
					t.Errorf("sweep %d removes %q, want %q: %q", n+1, got, want, said(report))
				}
			}
		})
	}
}

func TestWhatHasFailedHalfwayCountsAsARemoval(t *testing.T) {
	j, s := house("a", "b")
	j.MaxDeletions = 1
	s.remove = func(_ context.Context, e envs.Env) (envs.Receipt, error) {
		s.removed = append(s.removed, e.Feature)
		return envs.Receipt{Removed: []string{"environment"}}, errors.New("its images stay")
	}
	report, _ := j.Sweep(t.Context(), true)
	checkSweep(t, s, report, "a failed, b kept", "a")
}
