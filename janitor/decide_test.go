package janitor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/envs/store"
)

// aged returns an environment of ours that expires so long after noon.
func aged(left time.Duration, change ...func(e *envs.Environment, rec *store.Record)) facts {
	e := envs.Environment{Env: sprout("login", 48*time.Hour), Expires: noon.Add(left)}
	rec := &store.Record{Environment: e.ID}
	for _, c := range change {
		c(&e, rec)
	}
	e.Record = rec
	return facts{environment: e}
}

func warnedAt(at, expires time.Duration) func(*envs.Environment, *store.Record) {
	return func(_ *envs.Environment, rec *store.Record) {
		rec.Warned = &store.Warning{At: noon.Add(at), Expires: noon.Add(expires)}
	}
}

// goneSince returns facts about an environment whose branch is gone, since so long before noon.
func goneSince(f facts, since time.Duration) facts {
	f.gone = true
	if since > 0 {
		f.since = noon.Add(-since)
	}
	return f
}

func TestDecisionsAreTheRulesAndNothingElse(t *testing.T) {
	const hour, day = time.Hour, 24 * time.Hour
	days := rules{}
	warns := rules{warn: day}
	branch := rules{settle: hour}
	both := rules{warn: day, settle: hour}
	for _, tt := range []struct {
		name  string
		rules rules
		facts facts
		want  Action
		why   string
	}{
		{"young", days, aged(3 * day), Keep, "expires in 3d"},
		{"a day and a bit", days, aged(day + hour), Keep, "expires in 25h"},
		{"a few hours", days, aged(5 * hour), Keep, "expires in 5h"},
		{"a moment", days, aged(time.Second), Keep, "expires in 1s"},
		{"over at this very instant", days, aged(0), Remove, "its days are over since 2025-06-01T12:00:00Z"},
		{"long over", days, aged(-9 * day), Remove, "its days are over"},
		{"without a date", days, aged(-day, func(e *envs.Environment, _ *store.Record) { e.Created = time.Time{} }), Unknown, "no date"},
		{"without days", days, aged(-day, func(e *envs.Environment, _ *store.Record) { e.Expires = time.Time{} }), Unknown, "how long it lives"},
		{"moved", days, aged(-day, func(e *envs.Environment, _ *store.Record) { e.Moved = "it has lost its address" }), Keep, "lost its address"},
		{"gone", days, aged(-day, func(e *envs.Environment, _ *store.Record) { e.State = envs.Terminating }), Keep, "gone already"},
		{"foreign", days, facts{foreign: true, environment: aged(-day).environment}, Keep, "not ours"},
		{"kept by what was read", days, facts{reason: "kim keeps it", environment: aged(-day).environment}, Keep, "kim keeps it"},
		{"not to be read", days, facts{unread: errors.New("denied"), environment: aged(-day).environment}, Unknown, "can't be read"},
		{"young and not read", days, facts{unread: errors.New("denied"), environment: aged(day).environment}, Keep, "expires in 24h"},

		{"to be warned soon", warns, aged(day + time.Minute), Keep, "expires in 24h"},
		{"to be warned", warns, aged(day), Warn, "its owner has to be warned"},
		{"over and not warned", warns, aged(-day), Warn, "its owner has to be warned"},
		{"warned and not over", warns, aged(hour, warnedAt(-23*hour, hour)), Wait, "removed from 2025-06-01T13:00:00Z"},
		{"over and just warned", warns, aged(-hour, warnedAt(-hour, -hour)), Wait, "removed from 2025-06-02T11:00:00Z"},
		{"over and warned", warns, aged(-hour, warnedAt(-25*hour, -hour)), Remove, "its days are over"},
		{"warned a moment too late", warns, aged(-hour, warnedAt(-day+time.Second, -hour)), Wait, "was warned"},
		{"warned of another end", warns, aged(-hour, warnedAt(-48*hour, -2*hour)), Warn, "has to be warned"},
		{"warned in the future", warns, aged(-hour, warnedAt(hour, -hour)), Warn, "has to be warned"},
		{"warned was another environment", warns, aged(-hour, warnedAt(-25*hour, -hour), func(_ *envs.Environment, rec *store.Record) { rec.Environment = "e-other" }), Warn, "has to be warned"},
		{"protected, and no owner has to be warned", warns, facts{reason: "kim keeps it", environment: aged(hour).environment}, Keep, "kim keeps it"},

		{"branch gone, first seen", branch, goneSince(aged(3*day), 0), Wait, "its branch is gone: it is removed when that has lasted 1h"},
		{"branch gone for a while", branch, goneSince(aged(3*day), 59*time.Minute), Wait, "its branch is gone: it is removed from 2025-06-01T12:01:00Z"},
		{"branch gone for long", branch, goneSince(aged(3*day), hour), Remove, "its branch is gone since"},
		{"branch gone in the future", branch, goneSince(aged(3*day), -hour), Wait, "its branch is gone"},
		{"branch gone and kept", branch, func() facts { f := goneSince(aged(3*day), day); f.reason = "kim keeps it"; return f }(), Keep, "kim keeps it"},
		{"branch gone and not read", branch, func() facts { f := goneSince(aged(3*day), day); f.unread = errors.New("no"); return f }(), Unknown, "can't be read"},
		{"branch gone, and the days are over before", branch, goneSince(aged(-hour), 0), Remove, "its days are over"},
		{"branch gone and not warned", both, goneSince(aged(3*day), time.Minute), Warn, "its branch is gone: its owner has to be warned"},
		{"branch gone and warned of the days", both, goneSince(aged(3*day, warnedAt(-2*day, 3*day)), 2*day), Warn, "has to be warned"},
		{"branch gone and warned just now", both, goneSince(aged(3*day, warnedAt(-hour, 22*hour)), 2*hour), Wait, "removed from 2025-06-02T11:00:00Z"},
		{"branch gone and warned", both, goneSince(aged(3*day, warnedAt(-day, -hour)), 25*hour), Remove, "its branch is gone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := tt.rules.decide(tt.facts, noon)
			if v.action != tt.want || !strings.Contains(v.reason, tt.why) {
				t.Errorf("got %s because %q, want %s because %q", v.action, v.reason, tt.want, tt.why)
			}
			if first := tt.facts.gone && tt.facts.since.IsZero() && v.action == Wait; v.note != first {
				t.Errorf("to be noted: %v", v.note)
			}
		})
	}
}

func TestOnlyWhatMayBeOursIsRemoved(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(c *envs.Candidate)
		want   Action
		why    string
	}{
		{"expired", func(*envs.Candidate) {}, Remove, ""},
		{"its description was edited", func(c *envs.Candidate) { c.Proved = false }, Remove, ""},
		{"not to be read", func(c *envs.Candidate) { c.Err = errors.New("access denied") }, Unknown, "can't be read"},
		{"foreign", func(c *envs.Candidate) { c.Proved, c.Foreign = false, true }, Keep, "not ours"},
		{"moved", func(c *envs.Candidate) { c.Proved, c.Environment.Moved = false, "it has lost its address" }, Keep, "it has lost its address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j, s := house("login")
			tt.change(s.candidate("login"))
			report := prepared(t, j)
			if len(report.Decisions) != 1 {
				t.Fatalf("%+v", report)
			}
			if d := report.Decisions[0]; d.Action != tt.want || !strings.Contains(d.Reason, tt.why) {
				t.Errorf("got %s because %q, want %s because %q", d.Action, d.Reason, tt.want, tt.why)
			}
		})
	}
}

// prepared returns what a sweep decides before it acts.
func prepared(t *testing.T, j *Janitor) Report {
	t.Helper()
	report := Report{States: map[string]int{}}
	if err := j.prepare(t.Context(), &report); err != nil {
		t.Fatal(err)
	}
	return report
}

func TestAReportNamesEachEnvironmentOfOursWithItsReason(t *testing.T) {
	j, s := house("old")
	s.add("young", time.Hour)
	s.put(envs.Env{ID: "e-prod", Name: "production", State: envs.Ready, Created: noon.Add(-time.Hour)}).Foreign = true
	s.candidate("").Proved = false
	s.add("going", 48*time.Hour).Environment.State = envs.Terminating
	s.candidate("going").Environment.Updated = noon.Add(-time.Minute)
	s.add("stuck", 48*time.Hour).Environment.State = envs.Terminating
	s.candidate("stuck").Environment.Updated = noon.Add(-time.Hour)
	report := prepared(t, j)
	var all []string
	for _, d := range report.Decisions {
		all = append(all, d.Env.Feature+": "+string(d.Action)+", "+d.Reason)
	}
	want := []string{
		"old: remove, its days are over since 2025-05-31T12:00:00Z",
		"stuck: wait, AWS has been removing it since 2025-06-01T11:00:00Z: its events tell what holds that up. It is removed again when AWS gives up",
		"young: kept, expires in 23h",
	}
	if strings.Join(all, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(all, "\n"), strings.Join(want, "\n"))
	}
	if report.Known != 2 || report.Young != 1 || report.Oldest != 48*time.Hour || report.States["Ready"] != 3 || report.States["Terminating"] != 2 {
		t.Errorf("%+v", report)
	}
}

func TestTooManyIsTheLargerOfTenAndHalfOfOurs(t *testing.T) {
	for _, tt := range []struct {
		due, known, override int
		refused              bool
	}{
		{0, 0, 0, false},
		{10, 10, 0, false},
		{11, 11, 0, true},
		{11, 21, 0, true},
		{11, 22, 0, false},
		{50, 100, 0, false},
		{51, 100, 0, true},
		{51, 100, 51, false},
		{52, 100, 51, true},
		{3, 100, 2, true},
	} {
		if got := tooMany(tt.due, tt.known, tt.override); got != "" != tt.refused {
			t.Errorf("tooMany(%d, %d, %d) = %q, want refused: %v", tt.due, tt.known, tt.override, got, tt.refused)
		}
	}
}

func TestInStepAllowsAMinute(t *testing.T) {
	for _, tt := range []struct {
		skew    time.Duration
		refused bool
	}{
		{0, false},
		{time.Minute, false},
		{-time.Minute, false},
		{time.Minute + time.Second, true},
		{-time.Minute - time.Second, true},
		{100 * 365 * 24 * time.Hour, true},
	} {
		if err := inStep(noon.Add(tt.skew), noon); err != nil != tt.refused {
			t.Errorf("%v apart: got %v, want refused: %v", tt.skew, err, tt.refused)
		}
	}
	if inStep(noon, time.Time{}) == nil {
		t.Error("an AWS without a clock was believed")
	}
}
