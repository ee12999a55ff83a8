package autoscaling

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"beansprout/localcloud/wire"
)

// run reconciles the groups whenever something has changed or is due, until the service is closed.
func (s *Service) run() {
	for s.ctx.Err() == nil {
		next, err := s.reconcile()
		if err != nil {
			s.Log.Error("groups not reconciled", "error", err)
			next = s.Now().Add(time.Second)
		}
		s.rest(next)
	}
}

// rest waits until a time by the cloud's clock, or until the reconciler is poked. The zero time is
// never.
func (s *Service) rest(until time.Time) {
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	slept := make(chan struct{})
	if !until.IsZero() {
		s.wait.Go(func() {
			if s.Sleep(ctx, until.Sub(s.Now())) == nil {
				close(slept)
			}
		})
	}
	select {
	case <-s.poked:
	case <-slept:
	case <-ctx.Done():
	}
}

// errUnchanged undoes a transaction that has nothing to write.
var errUnchanged = errors.New("unchanged")

// mostPasses is how many passes may follow one another: each has a reason, and none brings the next.
const mostPasses = 1000

// reconcile brings all groups nearer to what they want to be, until it changes nothing any more. It
// returns when something is due next: the zero time if nothing is.
func (s *Service) reconcile() (next time.Time, err error) {
	for range mostPasses {
		err := s.db.Update(func(tx *bolt.Tx) (err error) {
			next, err = s.passAll(tx)
			return err
		})
		if err != nil {
			if errors.Is(err, errUnchanged) {
				err = nil
			}
			return next, err
		}
		if s.ctx.Err() != nil {
			return next, nil
		}
	}
	return next, fmt.Errorf("the groups do not settle within %d passes", mostPasses)
}

// passAll makes one pass over all groups. It returns errUnchanged if it changed none.
func (s *Service) passAll(tx *bolt.Tx) (next time.Time, err error) {
	all, err := groups.All(tx)
	if err != nil {
		return next, err
	}
	dirty := false
	for i := range all {
		g := &all[i]
		p := &pass{state: &state{wire.Call{Region: g.Region, Account: g.Account, Now: round(s.Now())}, s, tx}, group: g}
		if err := p.make(); err != nil {
			return next, err
		}
		dirty = dirty || p.dirty
		next = earlier(next, p.next)
	}
	if !dirty {
		err = errUnchanged
	}
	return next, err
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// pass is one look at a group. What it does outside of the state may be repeated: it is done again if
// the state could not be written.
type pass struct {
	*state
	*group
	dirty bool      // the group has changed
	next  time.Time // when the group is to be looked at again; zero = when something changes
}

// later has the group looked at again at a time.
func (p *pass) later(t time.Time) { p.next = earlier(p.next, t) }

func (p *pass) make() error {
	for _, step := range []func() error{p.schedule, p.checkHealth, p.advance, p.refresh, p.fill, p.shrink, p.balance} {
		if err := step(); err != nil {
			return err
		}
	}
	switch {
	case p.Deleting && len(p.Instances) == 0:
		p.dirty = true
		return groups.Delete(p.tx, p.group.Region, p.Name)
	case p.dirty:
		return p.put(p.group)
	}
	return nil
}

// schedule executes the scheduled actions that are due, in the order of their times. Those that are
// suspended are lost.
func (p *pass) schedule() error {
	var due []*scheduled
	for i := range p.Scheduled {
		if a := &p.Scheduled[i]; !a.Due.IsZero() && !a.Due.After(p.Now) {
			due = append(due, a)
		}
	}
	slices.SortStableFunc(due, func(a, b *scheduled) int { return a.Due.Compare(b.Due) })
	for _, a := range due {
		p.dirty = true
		if !p.suspended("ScheduledActions") && !p.Deleting {
			if err := p.execute(a); err != nil {
				return err
			}
		}
		a.Due = a.after(p.Now)
	}
	before := len(p.Scheduled)
	p.Scheduled = slices.DeleteFunc(p.Scheduled, func(a scheduled) bool { return a.Due.IsZero() })
	p.dirty = p.dirty || len(p.Scheduled) < before
	for _, a := range p.Scheduled {
		p.later(a.Due)
	}
	return nil
}

func (p *pass) execute(a *scheduled) error {
	err := p.resize(a.MinSize, a.MaxSize, a.DesiredCapacity, p.Now, "a scheduled action update of AutoScalingGroup constraints")
	if err == nil {
		return nil
	}
	return p.note(p.group, activity{Description: "Executing scheduled action " + a.Name, Cause: "At " + stamp(p.Now) + " the scheduled action " + a.Name + " was executed.",
		Status: "Failed", Message: plain(err)})
}
