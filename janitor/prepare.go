package janitor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"beansprout/envs"
)

// survey is what a sweep knows before it acts.
type survey struct {
	envs.Survey
	rules    rules
	branches branches
}

// recordsOfAll is of how many environments of ours a sweep reads every record, so that it says the end
// that a record delays, as a list of them does. Each is one read of S3: of thousands these would be most
// of what a sweep asks, so there the end of those that are far from it is by their days alone.
const recordsOfAll = 100

// prepare lists, checks the clocks, and decides about each environment by what the list and the
// records tell.
func (j *Janitor) prepare(ctx context.Context, report *Report) (err error) {
	s := survey{rules: j.rules()}
	s.Survey, err = j.Environments.Survey(ctx, func(all []*envs.Candidate, now time.Time) {
		s.branches = j.branches(ctx, all)
		few := mayBeOurs(all) <= recordsOfAll
		for _, c := range all {
			// Judged by the earliest end that is possible: its record may tell of an earlier deploy.
			f := j.facts(c, s.branches)
			f.environment.Expires = c.Soonest
			c.Read = !c.Soonest.IsZero() && (few || s.rules.near(f, now))
		}
	})
	if err != nil {
		return fmt.Errorf("list environments: %w", err)
	}
	report.Now, report.Unlisted = s.Now, s.branches.unknown
	if err := inStep(j.now(), s.Now); err != nil {
		return err
	}
	report.Decisions = make([]Decision, 0, len(s.Environments))
	report.living = make([]*envs.Environment, 0, len(s.Environments))
	for _, c := range s.Environments {
		j.inspect(&s, c, report)
	}
	report.compare(&s)
	report.sort(j.looked)
	j.brake(s.Survey, report)
	report.Leftovers, report.unread = j.decideLeftovers(s.Leftovers), s.LeftoversErr
	return nil
}

// mayBeOurs returns how many environments live that may be ours.
func mayBeOurs(all []*envs.Candidate) (n int) {
	for _, c := range all {
		if !c.Foreign && !c.Environment.State.Gone() {
			n++
		}
	}
	return n
}

// facts returns what is known about a candidate when it is listed.
func (j *Janitor) facts(c *envs.Candidate, b branches) facts {
	return facts{
		environment: c.Environment, foreign: c.Foreign, reason: c.Reason, unread: c.Err,
		gone: b.lack(c.Environment.Feature) && j.mayBeBranch(c.Environment),
	}
}

// inspect counts an environment and adds a decision about it if it is ours, or if it was ours and must
// be shown although it is never removed, or if it looks expired and must be told from ours.
func (j *Janitor) inspect(s *survey, c *envs.Candidate, report *Report) {
	e := &c.Environment
	report.Environments++
	report.States[string(e.State)]++
	if c.Foreign && !e.Created.IsZero() && e.Expires.IsZero() {
		return // no expiry is expected of what is not ours
	}
	f := j.facts(c, s.branches)
	// What a record says of a branch that was there in between says nothing.
	if f.gone && slices.Contains(s.Last.Missing, e.ID) {
		f.since = e.Own().MissingSince
	}
	d := s.rules.decision(f, s.Now)
	d.Env, d.candidate = &e.Env, c
	if e.State.Gone() {
		if c.Proved && d.Action == Wait {
			report.Decisions = append(report.Decisions, d)
		}
		return
	}
	young := e.Expires.After(s.Now)
	if c.Proved || !c.Foreign && !young && e.Moved == "" {
		report.Known++
		if !e.Created.IsZero() {
			report.Oldest = max(report.Oldest, s.Now.Sub(e.Created))
		}
	}
	if c.Proved {
		report.living = append(report.living, &c.Environment)
		if d.far = !s.rules.near(f, s.Now); young {
			report.Young++
		}
	}
	d.unexplained = c.Foreign && d.Reason == notOurs
	if c.Proved || e.Moved != "" || !young {
		report.Decisions = append(report.Decisions, d)
	}
}

// decision returns the decision about an environment, by what is known about it.
func (r rules) decision(f facts, now time.Time) Decision {
	v := r.decide(f, now)
	d := Decision{Env: &f.environment.Env, Action: v.action, Reason: v.reason, Expiry: v.end, now: now, gone: f.gone, since: f.since, note: v.note}
	if reason := stuck(f.environment, now); reason != "" {
		return d.is(Wait, reason)
	}
	if v.action == Unknown {
		d.Err = f.unread
	}
	return d
}

// stuck returns why a termination is worth a word, "" while it is young.
func stuck(e envs.Environment, now time.Time) string {
	if !e.State.Gone() || e.Updated.IsZero() || now.Sub(e.Updated) < removalTime {
		return ""
	}
	return fmt.Sprintf("AWS has been removing it since %s: its events tell what holds that up. It is removed again when AWS gives up", instant(e.Updated))
}
