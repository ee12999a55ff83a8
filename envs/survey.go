package envs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/envs/store"
)

// A Survey is what a sweep decides by.
type Survey struct {
	Environments []*Candidate // all that AWS lists of the application, those of others too
	Now          time.Time    // AWS's clock; zero where AWS did not tell
	Absent       error        // why nothing is listed, where AWS knows no such application
	Last         LastSweep    // what the last sweep noted, the zero LastSweep where there was none
	LastError    error        // why that is not known
	Leftovers    []Leftover   // of environments that have gone, by name
	LeftoversErr error        // why they are not known
}

// LastSweep is what a sweep notes for the next one.
type LastSweep = store.Sweep

// Candidate is an environment that may have to be removed. Its tags are not read, and its record only
// where Read is set.
type Candidate struct {
	Environment Environment
	Proved      bool      // its description and its name prove that it is ours, as far as they can
	Foreign     bool      // its name proves that it is not ours. Where neither holds, the tags can tell
	Soonest     time.Time // when it may expire at the earliest, whatever its record says; zero where that is not known
	Read        bool      // its record matters
	Reason      string    // what keeps it when its days are over, by what was read; "" where nothing does
	Err         error     // why its record, which could keep it, was not read
	Tried       time.Time // when its removal was begun before and did not end; zero for never
}

// Survey reads all environments of the application, in one list, and the leftovers of those that have
// gone. It calls pick with the list, which sets Read where a record is to be read; nil reads none.
// It reads no tags, because the whole account shares the rate limit for them.
func (m *Manager) Survey(ctx context.Context, pick func(all []*Candidate, now time.Time)) (Survey, error) {
	account, err := m.account(ctx)
	if err != nil {
		return Survey{}, err
	}
	var v Survey
	v.Now, err = m.beanstalk.EachEnvironment(ctx, m.config.Application, func(e Env) {
		v.Environments = append(v.Environments, m.candidate(account, e))
	})
	if err != nil {
		return Survey{}, err
	}
	s, err := m.store(ctx)
	if err != nil {
		return Survey{}, err
	}
	if v.Now.IsZero() {
		return v, nil // nothing can be due
	}
	if len(v.Environments) == 0 {
		if v.Absent, err = m.absent(ctx, account); err != nil {
			return Survey{}, err
		}
	}
	if pick != nil {
		pick(v.Environments, v.Now)
	}
	living := make([]tenant, len(v.Environments))
	for i, c := range v.Environments {
		living[i] = tenantOf(c.Environment.Env)
	}
	var g errgroup.Group
	g.Go(func() error { m.readCandidates(ctx, s, v.Environments); return nil })
	g.Go(func() error { v.Last, v.LastError = s.LastSweep(ctx, m.config.Application); return nil })
	g.Go(func() error { v.Leftovers, v.LeftoversErr = m.allLeftovers(ctx, living, v.Now); return nil })
	_ = g.Wait()
	return v, nil
}

// ErrNoApplication is why a Survey has no environments if AWS knows no such application: the account
// or the region may be the wrong one.
var ErrNoApplication = errors.New("AWS knows no such application")

// absent returns ErrNoApplication with what was asked for, nil if AWS knows the application.
func (m *Manager) absent(ctx context.Context, account string) (missing, err error) {
	if m.config.Application == "" {
		return nil, nil
	}
	known, err := m.beanstalk.HasApplication(ctx, m.config.Application)
	if err != nil || known {
		return nil, err
	}
	return fmt.Errorf("%w: there is no %q in account %s, region %s", ErrNoApplication, m.config.Application, account, m.region), nil
}

// candidate returns a candidate, and whether it is ours as far as a describe tells.
func (m *Manager) candidate(account string, e Env) *Candidate {
	known, ours := Described(account, e)
	c := &Candidate{Environment: m.environment(known, nil, nil), Soonest: m.config.Days.soonest(known)}
	if ours {
		c.Proved, c.Environment.Moved = bornWithCNAME(e), Moved(e)
	} else {
		c.Foreign = !Named(e) || !HasPrefix(e.Name, e.Application)
	}
	return c
}

// readCandidates reads the records that matter of environments that may be ours. S3 allows
// thousands of reads a second.
func (m *Manager) readCandidates(ctx context.Context, s *store.Store, candidates []*Candidate) {
	var g errgroup.Group
	g.SetLimit(recordReaders)
	for _, c := range candidates {
		if c.Environment.State.Gone() || c.Environment.Moved != "" || c.Foreign || !c.Read {
			c.Reason = mayGo(c.Environment.Env, nil, nil)
			continue
		}
		g.Go(func() error {
			m.readCandidate(ctx, s, c)
			return nil
		})
	}
	_ = g.Wait()
}

func (m *Manager) readCandidate(ctx context.Context, s *store.Store, c *Candidate) {
	rec, err := s.Read(ctx, c.Environment.Name)
	if err != nil {
		c.Err = fmt.Errorf("read the record of %q: %w", c.Environment.Name, err)
		return
	}
	c.Environment, c.Tried = m.environment(c.Environment.Env, nil, &rec), rec.RemovalStarted
	c.Reason = mayGo(c.Environment.Env, nil, &rec)
}

// NoteSweep stores what a sweep notes for the next one: Survey returns it.
func (m *Manager) NoteSweep(ctx context.Context, note LastSweep) error {
	s, err := m.store(ctx)
	if err != nil {
		return err
	}
	return s.NoteSweep(ctx, m.config.Application, note)
}

// LastSweep returns what the last sweep noted, the zero LastSweep where there was none.
func (m *Manager) LastSweep(ctx context.Context) (LastSweep, error) {
	s, err := m.store(ctx)
	if err != nil {
		return LastSweep{}, err
	}
	return s.LastSweep(ctx, m.config.Application)
}
