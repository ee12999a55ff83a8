package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"beansprout/builder/ecr"
	"beansprout/envs"
	"beansprout/envs/ledger"
)

// remover takes environments away with their whole footprint.
type remover struct {
	*session
	verb string // who it is, for those who wait
	// patient waits for somebody else's launch or deploy; otherwise that is envs.ErrNotReady.
	patient bool
	leave   bool // returns when AWS has begun, and leaves the rest to a sweep
	undo    bool // what restore needs stays, for as long as expire.restore_for says
	spare   spare
	// decide, unless nil, is asked with each record that is seen until the lease is taken; its
	// error ends the removal before it has begun.
	decide func(ledger.Record) error
}

// spare returns the reason to keep an environment after all, by its tags and the ledger as they
// are just before it is removed. An error that wraps envs.ErrNotOurs says the same.
type spare func(envs.Env, envs.Tags, ledger.Record) error

// removal is one environment on its way out.
type removal struct {
	*session
	env     envs.Env
	ledger  *ledger.Ledger
	spare   spare
	hurried bool            // what AWS is at work on is left alone
	leave   bool            // once AWS has begun, the rest is left to a sweep
	undo    bool            // what a restore needs stays
	kept    *ledger.Removal // what stays for a restore
	shared  bool            // a version stays because somebody else runs it
	receipt envs.Receipt
}

func newRemoval(s *session, e envs.Env, l *ledger.Ledger) *removal {
	return &removal{session: s, env: e, ledger: l, receipt: envs.Receipt{Environment: e.Name, Removed: []string{}, Kept: []envs.Kept{}}}
}

// remove takes away the environment, then its versions, their bundles and its image tags, and
// says in the receipt what went and what stayed; of its ledger record a tombstone stays. It
// holds the lease, and proves once more that the environment is ours. What has gone already
// is success, so the next removal of the same name completes one that was interrupted.
func (r remover) remove(ctx context.Context, e envs.Env) (envs.Receipt, error) {
	l, err := r.clients.ledger(ctx, r.cfg.Ledger.Bucket)
	if err != nil {
		return newRemoval(r.session, e, nil).receipt, err
	}
	held, turn, err := r.take(ctx, l, e.Name, ledger.Claim{Verb: r.verb, Impatient: !r.patient}, r.decide)
	if err != nil {
		return newRemoval(r.session, e, l).receipt, err
	}
	m := newRemoval(turn.session, e, l)
	m.spare, m.hurried, m.leave, m.undo = r.spare, !r.patient, r.leave, r.undo
	if err = r.prove(held, m); err == nil {
		err = m.run(held)
	}
	if lost := context.Cause(held); ctx.Err() == nil && errors.Is(lost, ledger.ErrLost) {
		turn.stop()
		return m.receipt, fmt.Errorf("remove environment %s: %w", e.Name, lost)
	}
	turn.end(ctx, func(rec *ledger.Record) {
		if err == nil && !m.leave {
			rec.Shrink(m.kept)
		}
	})
	return m.receipt, err
}

// prove reads what is to be removed once more, now that nobody else may change it.
func (r remover) prove(ctx context.Context, m *removal) error {
	now, err := m.beanstalk.Find(ctx, m.env.Name)
	if errors.Is(err, envs.ErrNotFound) {
		m.env.ID, m.leave = "", false
		return nil
	}
	if err != nil {
		return err
	}
	if was := m.env; !r.patient && (now.ID != was.ID || now.Version != was.Version || !now.Updated.Equal(was.Updated)) {
		return fmt.Errorf("environment %s: %w: it has just changed", was.Name, envs.ErrNotReady)
	}
	return m.confirm(ctx, now)
}

// confirm proves that the environment is ours and that nothing keeps it: neither its tags nor
// the ledger, into which anybody may have written since the lease was taken.
func (m *removal) confirm(ctx context.Context, now envs.Env) error {
	proved, tags, err := m.identify(ctx, now)
	if err != nil {
		return err
	}
	rec, err := m.ledger.Read(ctx, now.Name)
	if err != nil {
		return err
	}
	m.env = proved
	if m.undo && m.cfg.Expire.RestoreFor > 0 && envs.IsVersionOf(proved.Version, proved.Name) {
		m.kept = &ledger.Removal{At: rec.At, ID: proved.ID, Version: proved.Version}
		if rec.Environment == proved.ID {
			m.kept.Settings = rec.Settings
		}
		if rec.Environment == proved.ID && rec.Version == proved.Version {
			m.kept.Commit, m.kept.Images = rec.Commit, rec.Images
		}
	}
	return m.spare(proved, tags, rec)
}

// run removes everything that belongs to the environment.
func (m *removal) run(ctx context.Context) error {
	if m.env.ID != "" {
		if err := m.terminate(ctx); err != nil || m.leave {
			return err
		}
	}
	message := m.message(ctx)
	if err := m.removeVersions(ctx); err != nil {
		return err
	}
	err := m.removeImages(ctx)
	m.announceRemoved(ctx, message)
	return err
}

// terminate returns when the environment has gone. While AWS is still at work on it, for
// somebody who holds no lease or has been killed, it waits.
func (m *removal) terminate(ctx context.Context) error {
	for !m.env.State.Gone() {
		op, err := m.beanstalk.Terminate(ctx, m.env)
		switch {
		case err == nil && m.leave:
			m.env.State = envs.Terminating
		case err == nil:
			if _, err = m.beanstalk.Wait(ctx, op, nil); err == nil {
				m.receipt.Remove("environment " + m.env.Name + " (" + m.env.ID + ")")
			}
			return err
		case errors.Is(err, envs.ErrNotFound):
			m.env.State = envs.Terminating // somebody else's termination, or a try of ours whose answer was lost
		case !errors.Is(err, envs.ErrNotReady) || m.hurried:
			return err
		default:
			if err := m.settle(ctx); err != nil {
				return err
			}
		}
	}
	if m.leave {
		m.receipt.Keep("environment "+m.env.Name+" ("+m.env.ID+")", "AWS is removing it")
		return nil
	}
	_, err := m.beanstalk.Settle(ctx, m.env)
	if errors.Is(err, envs.ErrNotFound) {
		return nil
	}
	return cmp.Or(err, fmt.Errorf("terminate environment %s: its termination was given up, and it is Ready again", m.env.Name))
}

// settle waits until the environment may be changed. One that went away meanwhile is
// Terminating from then on.
func (m *removal) settle(ctx context.Context) error {
	m.talk.say("AWS is at work on environment %s: waiting until it may be terminated", m.env.Name)
	now, err := m.beanstalk.Settle(ctx, m.env)
	if errors.Is(err, envs.ErrNotFound) {
		m.env.State = envs.Terminating
		return nil
	}
	if err != nil {
		return err
	}
	return m.confirm(ctx, now)
}

// removeVersions takes away the versions and bundles that were made for the environment,
// except those that another environment, such as a clone, runs: AWS itself would delete them.
func (m *removal) removeVersions(ctx context.Context) error {
	used, heir, err := m.others(ctx)
	if err != nil {
		return err
	}
	// What is named after the environment belongs to whoever lives under that name now.
	if heir != "" {
		m.receipt.Keep("versions, bundles and image tags", "environment "+heir+" has been launched under the name")
		m.shared = true
		return nil
	}
	versions, err := m.beanstalk.Versions(ctx, m.env.Application, m.env.Name)
	if err != nil {
		return err
	}
	bundles, err := m.ledger.Bundles(ctx, m.env.Name)
	if err != nil {
		return err
	}
	var failures []error
	for _, label := range sorted(versions, slices.Collect(maps.Keys(bundles))) {
		if user, ok := used[label]; ok {
			m.receipt.Keep("version "+label, "environment "+user+" runs it")
			m.shared = true
			continue
		}
		if m.kept != nil && label == m.kept.Version {
			m.receipt.Keep("version "+label, m.undoable())
			continue
		}
		failures = append(failures, m.removeVersion(ctx, label, slices.Contains(versions, label), bundles[label]))
	}
	return errors.Join(failures...)
}

// others returns which other environment runs a version, by label, and the id of one that lives
// under the removed one's name.
func (m *removal) others(ctx context.Context) (used map[string]string, heir string, err error) {
	rows, _, err := m.beanstalk.Environments(ctx, m.env.Application)
	used = map[string]string{}
	for _, other := range rows {
		if other.ID == m.env.ID {
			continue
		}
		used[other.Version] = other.Name
		if other.Name == m.env.Name && !other.State.Gone() {
			heir = other.ID
		}
	}
	return used, heir, err
}

// sorted returns what is in any of the lists, each once.
func sorted(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

func (m *removal) removeVersion(ctx context.Context, label string, version bool, bundle string) error {
	if version {
		if err := m.beanstalk.DeleteVersion(ctx, m.env.Application, label); err != nil {
			m.receipt.Keep("version "+label, err.Error())
			return err
		}
		m.receipt.Remove("version " + label)
	}
	if bundle != "" {
		err := m.sure(ctx)
		if err == nil {
			err = m.ledger.DeleteBundle(ctx, bundle)
		}
		if err != nil {
			m.receipt.Keep("bundle "+bundle, err.Error())
			return err
		}
		m.receipt.Remove("bundle " + bundle)
	}
	return nil
}

// undoable says until when the environment can be restored.
func (m *removal) undoable() string {
	return "beansprout restore needs it, until " + m.kept.At.Add(m.cfg.Expire.RestoreFor.Std()).UTC().Format(time.RFC3339)
}

// removeImages takes the environment's tags off its images, with the last of which ECR
// deletes an image.
func (m *removal) removeImages(ctx context.Context) error {
	repository := m.repository()
	tags, err := m.registry.Tags(ctx, repository)
	if errors.Is(err, ecr.ErrNoRepository) {
		return nil
	}
	if err != nil {
		return err
	}
	var mine []string
	for tag := range tags {
		if !envs.IsLiveTagOf(tag, m.env.Name) {
			continue
		}
		if reason := m.needs(tag); reason != "" {
			m.receipt.Keep("image tag "+repository+":"+tag, reason)
			continue
		}
		mine = append(mine, tag)
	}
	if err := m.sure(ctx); err != nil {
		return err
	}
	removed, err := m.registry.Untag(ctx, repository, sorted(mine))
	for _, tag := range removed {
		m.receipt.Remove("image tag " + repository + ":" + tag)
	}
	return err
}

// needs says for what the image under a live tag stays. Which images a version of somebody
// else's needs isn't known, nor what a restore needs unless the ledger told.
func (m *removal) needs(tag string) string {
	switch {
	case m.shared:
		return "a version was kept that may need the image"
	case m.kept != nil && (m.kept.Images == nil || slices.Contains(m.kept.Images, tag)):
		return m.undoable()
	}
	return ""
}

// repository is the name or URI under which the application's images lie. The local cloud
// has a repository of the same name for one of another account.
func (s *session) repository() string {
	repository := cmp.Or(s.cfg.Registry.Repository, repositoryName(s.cfg.Application))
	if host, name, ok := strings.Cut(repository, "/"); ok && s.local && strings.Contains(host, ".") {
		return name
	}
	return repository
}
