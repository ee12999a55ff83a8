package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/envs"
	"beansprout/envs/ledger"
)

// member is an environment of ours in a list.
type member struct {
	envs.Env
	tags   envs.Tags      // nil where they were not read
	record *ledger.Record // nil where it could not be read
}

// memory is what the ledger says about this very environment, not about one before it.
func (m member) memory() ledger.Record {
	if m.record == nil || m.record.Environment != m.ID {
		return ledger.Record{}
	}
	return *m.record
}

// kept says whether somebody protects the environment, nil where that isn't known.
func (m member) kept() *bool {
	kept := m.protected()
	if !kept && (m.tags == nil || m.record == nil) {
		return nil
	}
	return &kept
}

// protected says whether somebody is known to protect the environment.
func (m member) protected() bool { return m.tags.Kept() || m.memory().Kept != nil }

// expires returns when the days of the environment are over, with those that it was given.
func (s *session) expires(m member) time.Time {
	if s.cfg.File == "" {
		return time.Time{}
	}
	return s.lifetime().Extended(m.Env, m.memory().Extended)
}

const (
	// few is how many environments' tags a list reads as a matter of course: they come, one
	// call each, out of a budget of two a second and bursts of fifteen that the whole account
	// shares.
	few = 12
	// most is how many it reads where the tags alone could tell whose an environment is.
	most = 5 * few
	// readers is how many records of the ledger are read side by side. S3 has room for
	// thousands a second.
	readers = 32
	// recallTime is how long the ledger may take to tell what a list could do without.
	recallTime = 20 * time.Second
)

// ours returns the environments that are ours and that the filter lets pass, by name, and
// AWS's time. One describe finds them; more is read only of those that pass by what it tells.
// Of a few, the tags tell whose they are. Of many, the descriptions do, and the tags are read
// only of those whose description was cut off or changed by hand.
func (s *session) ours(ctx context.Context, f filter) ([]member, time.Time, error) {
	rows, now, err := s.beanstalk.Environments(ctx, s.cfg.Application)
	if err != nil {
		return nil, now, err
	}
	if now.IsZero() {
		now = time.Now()
	}
	certain, unsure := s.candidates(rows, f, now)
	if len(certain)+len(unsure) <= few {
		certain, unsure = nil, append(certain, unsure...)
	}
	if len(unsure) > most {
		s.talk.say("%d environments are left out: their names have the shape of ours, but only their tags could tell, and the account has two reads a second", len(unsure)-most)
		unsure = unsure[:most]
	}
	members := append(certain, s.tagged(ctx, unsure)...)
	s.recall(ctx, members)
	members = slices.DeleteFunc(members, func(m member) bool {
		return !f.owns(m.Owner) || !f.ends(s.expires(m), now) || f.expires && m.protected()
	})
	slices.SortFunc(members, func(a, b member) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
	})
	return members, now, ctx.Err()
}

// candidates are the environments that pass by what a describe tells: certain are those whose
// description their name proves.
func (s *session) candidates(rows []envs.Env, f filter, now time.Time) (certain, unsure []member) {
	for _, e := range rows {
		if !envs.Named(e) || !f.admits(e, now) || !f.ends(s.expiry(e), now) {
			continue
		}
		known, ok := envs.Recognize(s.account, e)
		switch {
		case !ok:
			unsure = append(unsure, member{Env: e})
		case f.owns(known.Owner):
			certain = append(certain, member{Env: known})
		}
	}
	return certain, unsure
}

// tagged returns those of the environments whose tags say that they are ours. One whose tags
// can't be read is named and left out.
func (s *session) tagged(ctx context.Context, candidates []member) []member {
	ours := make([]bool, len(candidates))
	var g errgroup.Group
	g.SetLimit(few)
	for i := range candidates {
		g.Go(func() error {
			m := &candidates[i]
			e, tags, err := s.identify(ctx, m.Env)
			ours[i] = err == nil
			if err != nil && ctx.Err() == nil && !errors.Is(err, envs.ErrNotFound) && !errors.Is(err, envs.ErrNotOurs) {
				s.talk.say("%s is left out: %v", e.Name, err)
			}
			m.Env, m.tags = e, tags
			return nil
		})
	}
	_ = g.Wait()
	var members []member
	for i, m := range candidates {
		if ours[i] {
			members = append(members, m)
		}
	}
	return members
}

// recall reads what the ledger says about the environments. They are shown without it where
// it can't be read.
func (s *session) recall(ctx context.Context, members []member) {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, recallTime)
	defer cancel()
	l, err := s.clients.ledger(ctx, s.cfg.Ledger.Bucket)
	if err != nil {
		s.talk.say("warning: %v", err)
		return
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for i := range members {
		g.Go(func() error {
			m := &members[i]
			r, err := l.Read(ctx, m.Name)
			if errors.Is(err, ledger.ErrGarbage) {
				s.talk.say("warning: %v", err)
				return nil
			}
			if err != nil {
				return err
			}
			m.record, m.Env = &r, committed(m.Env, r)
			return nil
		})
	}
	if err := g.Wait(); err != nil && !errors.Is(outer.Err(), context.Canceled) {
		s.talk.say("warning: %v: commits may be those of the last try", err)
	}
}

// recalled is recall for one.
func (s *session) recalled(ctx context.Context, m member) member {
	one := []member{m}
	s.recall(ctx, one)
	return one[0]
}

// committed returns the environment with the commit that its running version was made of, as
// the ledger says. The description names that of the last try, which may have failed.
func committed(e envs.Env, r ledger.Record) envs.Env {
	if r.Environment == e.ID && r.Version == e.Version {
		e.Commit = r.Commit
	}
	return e
}
