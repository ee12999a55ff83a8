package envs

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/envs/awsapi"
	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/spelling"
)

// An Environment is one of ours as it was read. Methods that change it do so only while the environment
// with its ID lives under its name.
type Environment struct {
	Env                   // what AWS and its description say
	HTTPS   bool          // it answers by HTTPS alone, as far as that is known
	Tags    Tags          // nil where they were not read
	Record  *store.Record // nil where it was not read, or is not a record
	Moved   string        // why it is left alone although it was made as one of ours; "" usually
	Source  string        // what the feature is named after, as Tags.Source says; "" where that is not known
	Expires time.Time     // the zero time where it never expires: nothing says how long it lives
	Unread  error         // why the record could not be read that was asked for

	lastVersion *beanstalk.Version // what it ran last, of one that has gone; nil where that was not read
	draft       *store.Draft       // of Record, as it was read to be changed; nil where it was not
}

// environment puts together what was read of an environment.
func (m *Manager) environment(e Env, tags Tags, rec *store.Record) Environment {
	full := Environment{Env: e, HTTPS: m.config.HTTPS, Tags: tags, Record: rec}
	if rec != nil && rec.Environment == e.ID && rec.Version == e.Version {
		full.Commit = rec.Commit // the description names that of the last try, which may have failed
	}
	full.Source, full.Expires = tags.Source(), m.config.Days.Expiry(full)
	return full
}

// URL returns the address under which the environment answers, or "" before it has one.
func (e Environment) URL() string { return urlOf(e.Env, e.HTTPS) }

func urlOf(e Env, https bool) string {
	switch {
	case e.CNAME == "":
		return ""
	case https:
		return "https://" + e.CNAME
	}
	return "http://" + e.CNAME
}

// Own returns what the record says about this very environment and not about one before it: the
// zero record where it says nothing.
func (e Environment) Own() store.Record {
	if e.Record == nil || e.Record.Environment != e.ID {
		return store.Record{}
	}
	return *e.Record
}

// Protected reports whether the environment is known to be protected.
func (e Environment) Protected() bool { return e.Protection() != "" }

// ProtectionKnown reports whether all was read that could protect the environment.
func (e Environment) ProtectionKnown() bool {
	return e.Protected() || e.Tags != nil && e.Record != nil
}

// name returns the name of a feature's environment. An environment with the name that former versions
// gave keeps it while it lives.
func (m *Manager) name(ctx context.Context, application, feature string) (string, error) {
	account, err := m.account(ctx)
	if err != nil {
		return "", err
	}
	name, former := Name(account, application, feature), FormerName(account, application, feature)
	if former == name {
		return name, nil
	}
	e, err := m.beanstalk.Find(ctx, former, m.recordedID(former))
	switch {
	case errors.Is(err, ErrNotFound), err == nil && e.State.Gone():
		return name, nil
	case err != nil:
		return "", err
	}
	return former, nil
}

// recordedID returns what tells which environment of a name the record speaks of, "" where it
// tells none.
func (m *Manager) recordedID(name string) func(context.Context) string {
	return func(ctx context.Context) string {
		s, err := m.store(ctx)
		if err != nil {
			return ""
		}
		rec, _ := s.Read(ctx, name) // one that can't be read speaks of none
		return rec.Environment
	}
}

// find returns the living environment of that name, proved to be ours, without its record.
func (m *Manager) find(ctx context.Context, name string) (Env, Tags, error) {
	e, err := m.beanstalk.Find(ctx, name, m.recordedID(name))
	if err != nil {
		return e, nil, err
	}
	return m.identify(ctx, e)
}

// identify reads an environment's tags and returns it with the fields from them and its description,
// or an error if it is not ours. During a termination AWS may have deleted the tags already: then they
// are nil, and the description proves it.
func (m *Manager) identify(ctx context.Context, e Env) (Env, Tags, error) {
	account, err := m.account(ctx)
	if err != nil {
		return e, nil, err
	}
	tags, err := m.beanstalk.Tags(ctx, e)
	if known, ok := Recognize(account, e); ok && e.State.Gone() && errors.Is(err, ErrNotFound) {
		return known, nil, nil
	}
	if err != nil {
		return e, nil, err
	}
	return verified(account, e, tags)
}

// verified returns an environment with the fields from its tags and its description, or an error if these
// tags do not prove that it is ours.
func verified(account string, e Env, tags Tags) (Env, Tags, error) {
	e, err := Verify(account, e, tags)
	if err != nil {
		return e, tags, errorOf(e, err)
	}
	return ParseDeployed(e, e.Feature), tags, nil
}

// Get returns the environment of a feature, with its tags and its record. The error is a
// *MissingError if the feature has none, and wraps ErrNotOurs if an environment of its name is not ours.
func (m *Manager) Get(ctx context.Context, application, feature string) (Environment, error) {
	e, err := m.lookUp(ctx, application, feature)
	if err != nil {
		err = m.missing(ctx, application, feature, e.Record, err)
	}
	return e, err
}

// Living is Get without the record, for those that only look at what runs.
func (m *Manager) Living(ctx context.Context, application, feature string) (Environment, error) {
	name, err := m.name(ctx, application, feature)
	if err != nil {
		return Environment{}, err
	}
	e, tags, err := m.find(ctx, name)
	if errors.Is(err, ErrNotFound) {
		var rec *store.Record
		if draft, unread := m.draft(ctx, name); unread == nil {
			rec = &draft.Record
		}
		err = m.missing(ctx, application, feature, rec, err)
	}
	return m.environment(e, tags, nil), err
}

// Find is like Get but is for Remove: if the feature has no environment, it returns one without an ID,
// which stands for what is left under its name.
func (m *Manager) Find(ctx context.Context, application, feature string) (Environment, error) {
	e, err := m.lookUp(ctx, application, feature)
	if errors.Is(err, ErrNotFound) {
		return m.environment(Env{Name: e.Name, Application: application, Feature: feature}, nil, e.Record), nil
	}
	return e, err
}

// lookUp reads the environment of a feature, with its tags and its record, which is nil where it could
// not be read. The name and the record are there also beside an error.
func (m *Manager) lookUp(ctx context.Context, application, feature string) (Environment, error) {
	name, err := m.name(ctx, application, feature)
	if err != nil {
		return Environment{}, err
	}
	var e Env
	var tags Tags
	var draft *store.Draft
	var g errgroup.Group
	g.Go(func() (err error) { e, tags, err = m.find(ctx, name); return err })
	var unread error
	g.Go(func() error { draft, unread = m.draft(ctx, name); return nil })
	err = g.Wait()
	e.Name = name
	var rec *store.Record
	if unread == nil {
		rec = &draft.Record
	}
	full := m.environment(e, tags, rec)
	full.draft, full.Unread = draft, unread
	return full, err
}

// draft returns the record of an environment, or why it can't be read within recordTime, or is not a
// record.
func (m *Manager) draft(ctx context.Context, name string) (*store.Draft, error) {
	ctx, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	s, err := m.store(ctx)
	if err != nil {
		return nil, err
	}
	draft, err := s.Draft(ctx, name)
	if err == nil {
		err = draft.Err
	}
	if err != nil {
		return nil, err
	}
	return &draft, nil
}

// recordTime limits the reading of records that are useful but not necessary.
const recordTime = 20 * time.Second

// missing explains that a feature has no environment.
func (m *Manager) missing(ctx context.Context, application, feature string, rec *store.Record, err error) error {
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	missing := &MissingError{Feature: feature, Err: err}
	if rec != nil {
		missing.Busy, missing.Restorable = rec.Lease, rec.Restorable != nil
	}
	if missing.Busy == nil && !missing.Restorable {
		missing.Similar = m.similar(ctx, application, feature)
	}
	return missing
}

// similar returns a feature of the application that has an environment and is spelt nearly like the
// given one, or "". It makes one call, for the descriptions.
func (m *Manager) similar(ctx context.Context, application, feature string) string {
	account, err := m.account(ctx)
	if err != nil {
		return ""
	}
	rows, _, err := m.beanstalk.Environments(ctx, application)
	if err != nil {
		return ""
	}
	var features []string
	for _, e := range rows {
		if known, ok := Recognize(account, e); ok {
			features = append(features, known.Feature)
		}
	}
	return spelling.Nearest(feature, features)
}

// living reads e again. The error is ErrReplaced if another environment lives under its name now.
func (m *Manager) living(ctx context.Context, e Env) (Env, error) {
	now, err := m.beanstalk.Find(ctx, e.Name, func(context.Context) string { return e.ID })
	if err == nil && now.ID != e.ID {
		err = errorOf(e, ErrReplaced)
	}
	return now, err
}

// What AWS knows is package beanstalk's.
type (
	Env   = beanstalk.Env
	State = beanstalk.State
)

const (
	Launching   = beanstalk.Launching
	Updating    = beanstalk.Updating
	Ready       = beanstalk.Ready
	Terminating = beanstalk.Terminating
	Terminated  = beanstalk.Terminated
)

var (
	LivingStates = beanstalk.LivingStates

	ErrNotFound    = awsapi.ErrNotFound
	ErrNotReady    = awsapi.ErrNotReady
	ErrCredentials = awsapi.ErrCredentials
	ErrCertificate = awsapi.ErrCertificate
	ErrTaken       = awsapi.ErrTaken
	ErrQuota       = awsapi.ErrQuota
)
