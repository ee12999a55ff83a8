package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"beansprout/builder/ecr"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ledger"
)

// remover takes environments away with their whole footprint.
type remover struct {
	*session
	// patient waits for a launch or deploy in progress; otherwise it is envs.ErrNotReady.
	patient bool
}

// removal is one environment on its way out.
type removal struct {
	remover
	env     envs.Env
	ledger  *ledger.Ledger
	receipt envs.Receipt
}

// remove takes away the environment, then its versions, their bundles, its image tags and
// its ledger record, and says in the receipt what went and what stayed. The environment has
// been proved to be ours just before. What has gone already is success, so the next removal
// of the same name completes one that was interrupted.
func (r remover) remove(ctx context.Context, e envs.Env) (envs.Receipt, error) {
	m := &removal{remover: r, env: e, receipt: envs.Receipt{Environment: e.Name, Removed: []string{}, Kept: []envs.Kept{}}}
	err := m.run(ctx)
	return m.receipt, err
}

func (m *removal) run(ctx context.Context) (err error) {
	if m.env.ID != "" {
		if err := m.terminate(ctx); err != nil {
			return err
		}
	}
	if m.ledger, err = m.clients.ledger(ctx, m.cfg.Ledger.Bucket); err != nil {
		return err
	}
	// What is named after the environment belongs to whoever lives under that name now.
	switch heir, err := m.beanstalk.Find(ctx, m.env.Name); {
	case err == nil && heir.ID != m.env.ID:
		m.receipt.Keep("versions, bundles, image tags and ledger record", "environment "+heir.ID+" has been launched under the name")
		return nil
	case err != nil && !errors.Is(err, envs.ErrNotFound):
		return err
	}
	message := m.message(ctx)
	if err := m.removeVersions(ctx); err != nil {
		return err
	}
	err = errors.Join(m.removeImages(ctx), m.removeRecord(ctx))
	m.announceRemoved(ctx, message)
	return err
}

// terminate returns when the environment has gone. While AWS is at work on it, a patient
// remover waits, and proves afresh that it is ours.
func (m *removal) terminate(ctx context.Context) error {
	for !m.env.State.Gone() {
		op, err := m.beanstalk.Terminate(ctx, m.env)
		switch {
		case err == nil:
			if _, err = m.beanstalk.Wait(ctx, op, quiet); err == nil {
				m.receipt.Remove("environment " + m.env.Name + " (" + m.env.ID + ")")
			}
			return err
		case errors.Is(err, envs.ErrNotFound):
			m.env.State = envs.Terminating // somebody else's termination, or a try of ours whose answer was lost
		case !errors.Is(err, envs.ErrNotReady) || !m.patient:
			return err
		default:
			if err := m.settle(ctx); err != nil {
				return err
			}
		}
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
	m.env, _, err = m.identify(ctx, now)
	return err
}

// removeVersions takes away the versions and bundles that were made for the environment,
// except those that another environment, such as a clone, runs: AWS itself would delete them.
func (m *removal) removeVersions(ctx context.Context) error {
	used, err := m.runElsewhere(ctx)
	if err != nil {
		return err
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
	for _, label := range sorted(versions, bundles) {
		if user, ok := used[label]; ok {
			m.receipt.Keep("version "+label, "environment "+user+" runs it")
			continue
		}
		failures = append(failures, m.removeVersion(ctx, label, slices.Contains(versions, label), slices.Contains(bundles, label)))
	}
	return errors.Join(failures...)
}

// runElsewhere returns which other environment runs a version, by label.
func (m *removal) runElsewhere(ctx context.Context) (map[string]string, error) {
	rows, _, err := m.beanstalk.Environments(ctx, m.env.Application)
	used := map[string]string{}
	for _, other := range rows {
		if other.ID != m.env.ID {
			used[other.Version] = other.Name
		}
	}
	return used, err
}

// sorted returns what is in any of the lists, each once.
func sorted(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

func (m *removal) removeVersion(ctx context.Context, label string, version, bundle bool) error {
	if version {
		if err := m.beanstalk.DeleteVersion(ctx, m.env.Application, label); err != nil {
			m.receipt.Keep("version "+label, err.Error())
			return err
		}
		m.receipt.Remove("version " + label)
	}
	if bundle {
		if err := m.ledger.DeleteBundle(ctx, label); err != nil {
			m.receipt.Keep("bundle "+ledger.BundleKey(label), err.Error())
			return err
		}
		m.receipt.Remove("bundle " + ledger.BundleKey(label))
	}
	return nil
}

// removeImages takes the environment's tags off its images, with the last of which ECR
// deletes an image. Where a version was kept because another environment runs it, the images
// are kept, too.
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
		if len(m.receipt.Kept) > 0 {
			m.receipt.Keep("image tag "+repository+":"+tag, "a version was kept that may need the image")
			continue
		}
		mine = append(mine, tag)
	}
	removed, err := m.registry.Untag(ctx, repository, sorted(mine))
	for _, tag := range removed {
		m.receipt.Remove("image tag " + repository + ":" + tag)
	}
	return err
}

func (m *removal) removeRecord(ctx context.Context) error {
	existed, err := m.ledger.Delete(ctx, m.env.Name)
	if existed {
		m.receipt.Remove("ledger record of " + m.env.Name)
	}
	return err
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

// quiet shows no events: what a removal did stands in its receipt.
func quiet(beanstalk.Event) {}
