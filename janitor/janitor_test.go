package janitor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
)

func TestSweepRemovesWhatIsExpiredAndNothingElse(t *testing.T) {
	j, s := house("old", "older")
	s.add("young", time.Hour)
	s.rows = append(s.rows, envs.Env{ID: "e-prod", Name: "production", Application: "shop", State: envs.Ready, Created: noon.AddDate(-3, 0, 0)})
	gone, _ := sprout("e-gone", "gone", 72*time.Hour)
	gone.State = envs.Terminating
	s.rows = append(s.rows, gone)
	s.rows[0].Description = "edited by hand"

	report, err := j.Sweep(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	checkSweep(t, s, report, "prod kept, old removed, older removed", "old, older")
	checkReason(t, report.Decisions[0], "not ours: it has no tag")
	if report.Environments != 5 || report.Ours != 3 || report.Young != 1 {
		t.Errorf("got %d environments, %d ours, %d young; want 5, 3, 1", report.Environments, report.Ours, report.Young)
	}
	if got := report.Decisions[1].Receipt; got == nil || got.Removed[0] != "environment e-old" {
		t.Errorf("receipt: got %v", got)
	}
	if s.readings["e-young"]+s.readings["e-gone"] > 0 {
		t.Error("environments that are no candidates were read")
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

func TestSweepLooksAgainJustBeforeEachRemoval(t *testing.T) {
	tests := []struct {
		name   string
		second func(e *envs.Env, tags envs.Tags)
		want   string
	}{
		{"being deployed", func(e *envs.Env, _ envs.Tags) { e.State = envs.Updating }, "is Updating"},
		{"swapped", func(e *envs.Env, _ envs.Tags) { e.CNAME = "www.example.com" }, "looks swapped"},
		{"protected", func(_ *envs.Env, tags envs.Tags) { tags[envs.TagLifecycle] = envs.Keep }, "is protected"},
		{"stripped of its tags", func(_ *envs.Env, tags envs.Tags) { clear(tags) }, "no tag"},
		{"given another tag", func(_ *envs.Env, tags envs.Tags) { tags["team"] = "checkout" }, "tags have just changed"},
		{"redeployed", func(e *envs.Env, _ envs.Tags) { e.Version = "v2" }, "has just changed"},
		{"made anew", func(e *envs.Env, _ envs.Tags) { e.Created = noon }, "not over before"},
		{"somebody else's", func(e *envs.Env, _ envs.Tags) { e.ID = "e-other" }, "another environment"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j, s := house("a", "b")
			s.fresh = func(id string, reading int, e *envs.Env, tags envs.Tags) {
				if id == "e-a" && reading == 2 {
					tt.second(e, tags)
				}
			}
			report, err := j.Sweep(t.Context(), true)
			if err != nil {
				t.Fatal(err)
			}
			checkSweep(t, s, report, "a kept, b removed", "b")
			checkReason(t, report.Decisions[0], tt.want)
		})
	}
}

func TestSweepKeepsWhatTheLedgerKeepsAndWhatItCannotTell(t *testing.T) {
	j, s := house("extended", "garbled", "free")
	garbled := errors.New("it is no JSON")
	j.Kept = func(_ context.Context, e envs.Env) (string, error) {
		switch e.Feature {
		case "extended":
			return "extended until tomorrow", nil
		case "garbled":
			return "", garbled
		}
		return "", nil
	}
	report, err := j.Sweep(t.Context(), true)
	if !errors.Is(err, garbled) {
		t.Errorf("got error %v, want %v", err, garbled)
	}
	checkSweep(t, s, report, "extended kept, garbled kept, free removed", "free")
	checkReason(t, report.Decisions[0], "extended until tomorrow")
	checkReason(t, report.Decisions[1], "can't be read")
}

func TestSweepAsksTheLedgerAgainBeforeRemoving(t *testing.T) {
	j, s := house("a")
	asked := 0
	j.Kept = func(context.Context, envs.Env) (string, error) {
		if asked++; asked == 2 {
			return "just extended", nil
		}
		return "", nil
	}
	report, err := j.Sweep(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	checkSweep(t, s, report, "a kept", "")
}

func TestSweepGoesOnWhenOneEnvironmentFails(t *testing.T) {
	stuck := errors.New("the security group is in use")
	j, s := house("stuck", "busy", "foreign", "broken", "unreadable", "gone", "fine")
	s.read["e-unreadable"] = errors.New("access denied")
	s.read["e-gone"] = fmt.Errorf("read: %w", envs.ErrNotFound)
	j.Remove = func(ctx context.Context, e envs.Env) (envs.Receipt, error) {
		switch e.Feature {
		case "stuck":
			return envs.Receipt{Environment: e.Name, Removed: []string{"version"}}, stuck
		case "busy":
			return envs.Receipt{}, fmt.Errorf("%w: it is pending deployment", envs.ErrNotReady)
		case "foreign":
			return envs.Receipt{}, fmt.Errorf("%w: it was swapped", envs.ErrNotOurs)
		case "broken":
			panic("nil map")
		}
		return s.remove(ctx, e)
	}
	report, err := j.Sweep(t.Context(), true)
	checkSweep(t, s, report, "stuck failed, busy kept, foreign kept, broken failed, unreadable kept, gone kept, fine removed", "fine")
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

func TestSweepCountsFailuresAsRemovalsAndWhatWasPutBackNot(t *testing.T) {
	j, s := house("busy", "stuck", "a", "b")
	j.MaxDeletions = 2
	j.Remove = func(ctx context.Context, e envs.Env) (envs.Receipt, error) {
		switch e.Feature {
		case "busy":
			return envs.Receipt{}, envs.ErrNotReady
		case "stuck":
			return envs.Receipt{}, errors.New("timed out; it may be terminating")
		}
		return s.remove(ctx, e)
	}
	report, _ := j.Sweep(t.Context(), true)
	checkSweep(t, s, report, "busy kept, stuck failed, a removed, b kept", "a")
}

func TestSweepFinishesTheRemovalInProgressAndBeginsNoOther(t *testing.T) {
	j, s := house("a", "b")
	ctx, stop := context.WithCancel(t.Context())
	j.Remove = func(ctx context.Context, e envs.Env) (envs.Receipt, error) {
		stop()
		if err := ctx.Err(); err != nil {
			t.Errorf("the removal in progress was cancelled: %v", err)
		}
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("a removal may take for ever")
		}
		return s.remove(ctx, e)
	}
	report, err := j.Sweep(ctx, true)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	checkSweep(t, s, report, "a removed, b kept", "a")
	checkReason(t, report.Decisions[1], "this one was stopped")
	if err := report.Decisions[1].Err; err != nil || s.readings["e-b"] != 1 {
		t.Errorf("got %v after %d readings: what is left needs no other look", err, s.readings["e-b"])
	}
}

func TestSweepThatIsStoppedWhileItReadsRemovesNothing(t *testing.T) {
	j, s := house("a", "b")
	ctx, stop := context.WithCancel(t.Context())
	s.fresh = func(string, int, *envs.Env, envs.Tags) { stop() }
	if _, err := j.Sweep(ctx, true); !errors.Is(err, context.Canceled) || len(s.removed) > 0 {
		t.Errorf("got %v and removed %v", err, s.removed)
	}
}

func TestSweepLogsOneLinePerDecisionAndOneSummary(t *testing.T) {
	j, s := house("a", "b")
	s.tags["e-b"][envs.TagLifecycle] = envs.Keep
	var log strings.Builder
	j.Log = slog.New(slog.NewTextHandler(&log, nil))
	if _, err := j.Sweep(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("got %d lines:\n%s", len(lines), log.String())
	}
	for i, want := range []string{"msg=removed", "msg=kept", "msg=sweep live=true environments=2 ours=2"} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d: got %q, want %q", i, lines[i], want)
		}
	}
}

func TestReportAsJSONHasTheKeysOfTheCommandLine(t *testing.T) {
	e, _ := sprout("e-1", "login", 0)
	e.Feature = "login"
	report := Report{Environments: 3, Ours: 2, Young: 1, Decisions: []Decision{
		{Env: e, Action: Failed, Expiry: noon, Receipt: &envs.Receipt{Environment: e.Name}, Err: errors.New("stuck")},
		{Env: e, Action: Keep, Reason: "is protected"},
	}}
	got, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"environments": 3`, `"ours": 2`, `"young": 1`, `"decisions": [`, `"environment": "` + e.Name + `"`, `"id": "e-1"`,
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
