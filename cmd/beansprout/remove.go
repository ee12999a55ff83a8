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

// remover takes an environment away with its whole footprint.
type remover struct {
	*session
	ledger *ledger.Ledger
	// patient waits for a launch or deploy in progress; otherwise it is envs.ErrNotReady.
	patient bool
}

func (s *session) remover(ctx context.Context, patient bool) (*remover, error) {
	l, err := s.clients.ledger(ctx, s.cfg.Ledger.Bucket)
	return &remover{s, l, patient}, err
}

// remove takes away the environment, its versions, their bundles, its image tags and its
// ledger record, in this order, and says in the receipt what went and what stayed. The
// environment has been proved to be ours just before. What has gone already is success, so
// a removal that was interrupted is completed by the next one.
func (r *remover) remove(ctx context.Context, e envs.Env) (envs.Receipt, error) {
	receipt := envs.Receipt{Environment: e.Name, Removed: []string{}, Kept: []envs.Kept{}}
	if e.ID != "" {
		if err := r.terminate(ctx, e, &receipt); err != nil {
			return receipt, err
		}
	}
	message := r.message(ctx, e)
	err := errors.Join(
		r.removeVersions(ctx, e, &receipt),
		r.removeImages(ctx, e, &receipt),
		r.removeRecord(ctx, e, &receipt),
	)
	r.announceRemoved(ctx, e, message)
	return receipt, err
}

// terminate returns when the environment has gone. While AWS is at work on it, a patient
// remover waits, and proves afresh that it is ours.
func (r *remover) terminate(ctx context.Context, e envs.Env, receipt *envs.Receipt) error {
	for !e.State.Gone() {
		op, err := r.beanstalk.Terminate(ctx, e)
		if err == nil {
			_, err = r.beanstalk.Wait(ctx, op, quiet)
			if err == nil {
				receipt.Remove("environment " + e.Name + " (" + e.ID + ")")
			}
			return err
		}
		switch {
		case errors.Is(err, envs.ErrNotFound):
			e.State = envs.Terminating // somebody else's termination, or a try of ours whose answer was lost
		case !errors.Is(err, envs.ErrNotReady) || !r.patient:
			return err
		default:
			if e, err = r.settled(ctx, e); err != nil {
				return err
			}
		}
	}
	_, err := r.beanstalk.Settle(ctx, e)
	if errors.Is(err, envs.ErrNotFound) {
		return nil
	}
	return cmp.Or(err, fmt.Errorf("terminate environment %s: its termination was given up, and it is Ready again", e.Name))
}

// settled waits until the environment may be changed. One that went away meanwhile is
// returned as Terminating.
func (r *remover) settled(ctx context.Context, e envs.Env) (envs.Env, error) {
	now, err := r.beanstalk.Get(ctx, e.ID)
	if err == nil {
		r.talk.say("environment %s is %s: waiting until it may be terminated", e.Name, now.State)
		now, err = r.beanstalk.Settle(ctx, now)
	}
	if errors.Is(err, envs.ErrNotFound) {
		e.State = envs.Terminating
		return e, nil
	}
	if err != nil {
		return e, err
	}
	tags, err := r.beanstalk.Tags(ctx, now)
	if err != nil {
		return e, err
	}
	return r.prove(now, tags)
}

// removeVersions takes away the versions and bundles that were made for the environment,
// except those that another environment, such as a clone, runs: AWS itself would delete them.
func (r *remover) removeVersions(ctx context.Context, e envs.Env, receipt *envs.Receipt) error {
	rows, _, err := r.beanstalk.Environments(ctx, e.Application)
	if err != nil {
		return err
	}
	used := map[string]string{}
	for _, other := range rows {
		if other.ID != e.ID {
			used[other.Version] = other.Name
		}
	}
	versions, err := r.beanstalk.Versions(ctx, e.Application, e.Name)
	if err != nil {
		return err
	}
	bundles, err := r.ledger.Bundles(ctx, e.Name)
	if err != nil {
		return err
	}
	var failures []error
	for _, label := range sorted(versions, bundles) {
		if user, ok := used[label]; ok {
			receipt.Keep("version "+label, "environment "+user+" runs it")
			continue
		}
		failures = append(failures, r.removeVersion(ctx, e, label, slices.Contains(versions, label), slices.Contains(bundles, label), receipt))
	}
	return errors.Join(failures...)
}

// sorted returns what is in any of the lists, each once.
func sorted(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

func (r *remover) removeVersion(ctx context.Context, e envs.Env, label string, version, bundle bool, receipt *envs.Receipt) error {
	if version {
		if err := r.beanstalk.DeleteVersion(ctx, e.Application, label); err != nil {
			receipt.Keep("version "+label, err.Error())
			return err
		}
		receipt.Remove("version " + label)
	}
	if bundle {
		if err := r.ledger.DeleteBundle(ctx, label); err != nil {
			receipt.Keep("bundle "+ledger.BundleKey(label), err.Error())
			return err
		}
		receipt.Remove("bundle " + ledger.BundleKey(label))
	}
	return nil
}

// removeImages takes the environment's tags off its images. ECR deletes an image with its
// last tag, so one that another environment lives on stays.
func (r *remover) removeImages(ctx context.Context, e envs.Env, receipt *envs.Receipt) error {
	repository := r.repository()
	tags, err := r.registry.Tags(ctx, repository)
	if errors.Is(err, ecr.ErrNoRepository) {
		return nil
	}
	if err != nil {
		return err
	}
	var mine []string
	for tag := range tags {
		if envs.IsImageTagOf(tag, e.Name) {
			mine = append(mine, tag)
		}
	}
	removed, err := r.registry.Untag(ctx, repository, sorted(mine))
	for _, tag := range removed {
		receipt.Remove("image tag " + repository + ":" + tag)
	}
	return err
}

func (r *remover) removeRecord(ctx context.Context, e envs.Env, receipt *envs.Receipt) error {
	existed, err := r.ledger.Delete(ctx, e.Name)
	if existed {
		receipt.Remove("ledger record of " + e.Name)
	}
	return err
}

// repository is the name or URI under which the application's images lie.
func (s *session) repository() string {
	if s.cfg.Registry.Repository != "" {
		return s.cfg.Registry.Repository
	}
	return strings.ToLower(repositoryName(s.cfg.Application))
}

// quiet shows no events: what a removal did stands in its receipt.
func quiet(beanstalk.Event) {}
