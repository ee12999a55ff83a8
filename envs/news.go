package envs

import (
	"cmp"
	"context"
	"time"

	"beansprout/envs/store"
)

// NewsState is what happens to an environment.
type NewsState string

// The states that are announced.
const (
	NewsBuilding NewsState = "building"
	NewsReady    NewsState = "ready"
	NewsFailed   NewsState = "failed"
	NewsExpiring NewsState = "expiring" // a warning: the environment will be removed
	NewsRemoved  NewsState = "removed"
)

// News is what there is to tell about an environment.
type News struct {
	State       NewsState
	Environment string // region and name, which tell it apart from all others of the account
	Account     string
	Region      string
	Name        string // of the environment
	ID          string // of the environment; "" while it is not known
	Application string
	Feature     string
	Commit      string
	Subject     string // of the commit
	Owner       string
	Email       string // of the owner
	BuildURL    string
	URL         string // of what serves, also while another version is built
	Expires     time.Time
	Protected   string    // by whom or what it is protected; "" where it is not
	Restorable  time.Time // until when what was removed can be restored; zero where it can't
	Note        string    // who changed what since, as in "extended by 3d by kim". With it the state is not news
	Reason      string    // why it failed, with the end of its logs, or why it was or will be removed
	Mended      bool      // it works again, after a failure that was announced
	Buttons     bool      // a janitor answers the message's buttons
}

// newsOf returns what there is to tell about an environment, as far as it was read.
func (m *Manager) newsOf(state NewsState, e Environment) News {
	n := News{
		State: state, Name: e.Name, ID: e.ID, Application: cmp.Or(e.Application, m.config.Application), Feature: e.Feature,
		Commit: e.Commit, Owner: e.Owner, URL: e.URL(), Expires: e.Expires, Protected: e.Protection(),
	}
	last := e.Own().LastDeploy
	n.Subject, n.Email, n.BuildURL = last.Subject, last.Email, last.BuildURL
	return n
}

// complete returns the news with what is the same in all of this Manager's, and without secrets.
func (m *Manager) complete(ctx context.Context, n News) News {
	n.Region, n.Environment = m.region, m.region+"/"+n.Name
	n.Account, _ = m.account(ctx) // without it, no environment's name would be known
	for _, s := range []*string{&n.Subject, &n.Protected, &n.Note, &n.Reason} {
		*s = m.config.Mask(*s)
	}
	return n
}

// presentState is what a message says of a living environment to which nothing new happens.
func presentState(e Environment) NewsState {
	own := e.Own()
	switch {
	case own.Lease != nil && (own.Lease.Verb == operationDeploy || own.Lease.Verb == operationRestore):
		return NewsBuilding
	case !e.Protected() && !e.warnedEnd().IsZero():
		return NewsExpiring
	case hasFailed(own):
		return NewsFailed
	}
	return NewsReady
}

// warnedEnd returns when the environment will be removed, of which its owner was warned, or the zero time
// where no warning counts: the end of its days, or while its branch is gone an earlier one.
func (e Environment) warnedEnd() time.Time {
	own := e.Own()
	switch warned := own.Warned; {
	case warned == nil:
	case warned.Expires.Equal(e.Expires):
		return warned.Expires
	case !own.MissingSince.IsZero() && !warned.At.Before(own.MissingSince) && warned.Expires.Before(e.Expires):
		return warned.Expires
	}
	return time.Time{}
}

// hasFailed reports whether the record says that the last operation did not come to a good end.
func hasFailed(r store.Record) bool {
	return r.Outcome != nil && (r.Outcome.Result == failed || r.Outcome.Result == interrupted)
}

// heartbeatTime limits the reading of heartbeats.
const heartbeatTime = 5 * time.Second

// askForButtons begins to ask whether a janitor answers the buttons of messages, where there is an
// announcer, and returns what waits for the answer. One that can't be read answers none.
func (m *Manager) askForButtons(ctx context.Context) func() bool {
	if !m.Announces() {
		return func() bool { return false }
	}
	answer := ask(func() (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, heartbeatTime)
		defer cancel()
		return m.answersButtons(ctx)
	})
	return func() bool {
		answers, err := answer()
		return answers && err == nil
	}
}

// answersButtons reports whether a janitor answers buttons that serves the application, or all.
func (m *Manager) answersButtons(ctx context.Context) (bool, error) {
	s, err := m.store(ctx)
	if err != nil {
		return false, err
	}
	own, ok, err := s.Heartbeat(ctx, m.config.Application)
	if ok && own.Presses && own.Current() || m.config.Application == "" {
		return ok && own.Presses && own.Current(), err
	}
	all, ok, err := s.Heartbeat(ctx, "")
	return ok && all.Presses && all.Current(), err
}

// Beat writes the heartbeat of a janitor that serves the Manager's application, or all of them.
func (m *Manager) Beat(ctx context.Context, h store.Heartbeat) error {
	s, err := m.store(ctx)
	if err != nil {
		return err
	}
	return s.Beat(ctx, m.config.Application, h)
}
