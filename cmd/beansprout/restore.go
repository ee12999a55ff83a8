package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/beansprout/checkout"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ledger"
)

func restoreCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "restore",
		Usage:     "bring back the environment that the janitor removed, with a new expiry; print the URL",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), jsonFlag(), dryRunFlag(), timeoutFlag(changing)},
		Action:    restore,
	})
}

func restore(c *cli.Context) error {
	s, feature, err := openFor(c)
	if err != nil {
		return err
	}
	defer s.talk.close()
	v, err := s.revival(c.Context, feature)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return v.plan(c)
	}
	r, err := v.run(c.Context)
	if err != nil {
		return v.failed(c.Context, r.env, err)
	}
	v.slack.close()
	s.talk.close()
	return v.print(c, r)
}

// revival is one run of restore: an environment that has gone on its way back.
type revival struct {
	*deployment
	gone envs.Env
	kept ledger.Removal // what the janitor noted when it removed it
}

// revival finds out what can be restored, or why nothing can.
func (s *session) revival(ctx context.Context, feature string) (*revival, error) {
	name := envs.Name(s.account, s.cfg.Application, feature)
	l, err := s.clients.ledger(ctx, s.cfg.Ledger.Bucket)
	if err != nil {
		return nil, err
	}
	rec, err := l.Read(ctx, name)
	if err != nil && !errors.Is(err, ledger.ErrGarbage) {
		return nil, err
	}
	e, _, err := s.find(ctx, feature)
	switch {
	case errors.Is(err, envs.ErrNotFound):
		if e, err = s.lastOf(ctx, name, rec); err != nil {
			return nil, restorable(feature, err)
		}
	case err != nil:
		return nil, err
	case e.State.Gone() || rec.Removed == nil || rec.Removed.ID != e.ID: // else it is half restored
		return nil, alive(e)
	}
	return s.revive(l, envs.ParseDeployed(e, feature), rec.Removed), nil
}

func (s *session) revive(l *ledger.Ledger, e envs.Env, kept *ledger.Removal) *revival {
	v := &revival{gone: e, deployment: &deployment{
		session: s, feature: e.Feature, name: e.Name, checkout: checkout.Checkout{Commit: e.Commit, Author: e.Owner},
		ledger: l, took: map[string]float64{}, started: time.Now(),
	}}
	if kept != nil && kept.ID == e.ID && kept.Version == e.Version {
		v.kept = *kept
		v.checkout.Commit = cmp.Or(kept.Commit, e.Commit)
	}
	return v
}

// alive says that an environment need not be restored, or can't be yet.
func alive(e envs.Env) error {
	if e.State.Gone() {
		return hint(environmentError(e, errGoing), "try again when it has gone")
	}
	return hint(environmentError(e, errors.New("it lives: there is nothing to be restored")), "beansprout status shows it; beansprout up deploys to it")
}

// restorable explains that a feature's environment can't be restored.
func restorable(feature string, err error) error {
	if !errors.Is(err, envs.ErrNotFound) {
		return err
	}
	return hint(fmt.Errorf("feature %q has nothing that could be restored: %w", feature, err), "beansprout up makes a new environment")
}

// memory is how long AWS knows a terminated environment.
const memory = 6 * 7 * 24 * time.Hour

// lastOf returns the environment of that name that was terminated last, of those whose version
// still exists.
func (s *session) lastOf(ctx context.Context, name string, rec ledger.Record) (envs.Env, error) {
	rows, err := s.beanstalk.Terminated(ctx, s.cfg.Application, time.Now().Add(-memory))
	if err != nil {
		return envs.Env{}, err
	}
	versions, err := s.beanstalk.Versions(ctx, s.cfg.Application, name)
	if err != nil {
		return envs.Env{}, err
	}
	rows = slices.DeleteFunc(rows, func(e envs.Env) bool { return e.Name != name })
	had := len(rows) > 0
	rows = slices.DeleteFunc(rows, func(e envs.Env) bool { return !slices.Contains(versions, e.Version) })
	switch {
	case len(rows) > 0:
		return slices.MaxFunc(rows, func(a, b envs.Env) int { return a.Updated.Compare(b.Updated) }), nil
	case !had:
		return envs.Env{}, fmt.Errorf("no environment of it that was terminated: %w", envs.ErrNotFound)
	case rec.Teardowns > 0 && rec.Removed == nil:
		return envs.Env{}, fmt.Errorf("%w: beansprout down removed its environment, and keeps nothing", envs.ErrNotFound)
	}
	return envs.Env{}, fmt.Errorf("%w: the version of its environment has gone, expire.restore_for (%s) is over", envs.ErrNotFound, s.cfg.Expire.RestoreFor)
}

// run draws a ticket, as up does, and restores in its turn.
func (v *revival) run(ctx context.Context) (r result, err error) {
	if err := v.begin(ctx); err != nil {
		return r, err
	}
	r.outcome = restored
	err = v.inTurn(ctx, "restore", &r, func(held context.Context) error { return v.perform(held, &r) }, func(rec *ledger.Record, err error) {
		v.write(rec, r, err)
	})
	return v.concluded(r, err)
}

// perform brings the environment back. Its new days are written down before, or a sweep would
// remove at once what a killed restore has brought back.
func (v *revival) perform(ctx context.Context, r *result) (err error) {
	if v.record, err = v.ledger.Change(ctx, v.name, v.renew); err != nil {
		return err
	}
	if r.env, err = v.rebuild(ctx); err != nil {
		return err
	}
	r.env.Commit = v.checkout.Commit
	return v.check(ctx, r.env.URL())
}

// rebuild has AWS bring the environment back, or waits where it already does, for a restore
// that was interrupted.
func (v *revival) rebuild(ctx context.Context) (envs.Env, error) {
	now, err := v.beanstalk.Find(ctx, v.name)
	if err == nil {
		return v.returned(ctx, now)
	}
	if !errors.Is(err, envs.ErrNotFound) {
		return v.gone, err
	}
	op, err := v.beanstalk.Rebuild(ctx, v.gone)
	switch {
	case err == nil:
		return v.wait(ctx, "restore", v.name, op)
	case errors.Is(err, envs.ErrTaken), errors.Is(err, envs.ErrNotReady): // perhaps by a try of ours whose answer was lost
		if now, found := v.beanstalk.Find(ctx, v.name); found == nil && now.ID == v.gone.ID {
			return v.returned(ctx, now)
		}
		return v.gone, hint(err, "its name or address is somebody else's by now; beansprout up says whose")
	case errors.Is(err, envs.ErrNotFound):
		return v.gone, hint(err, "beansprout up makes a new environment")
	}
	return v.gone, err
}

// returned waits for an environment that AWS already brings back.
func (v *revival) returned(ctx context.Context, e envs.Env) (envs.Env, error) {
	if e.ID != v.gone.ID {
		return v.gone, environmentError(e, fmt.Errorf("the name is %w: it was launched meanwhile", envs.ErrTaken))
	}
	e, err := v.beanstalk.Settle(ctx, e)
	if err == nil && (e.Version != v.gone.Version || !beanstalk.Healthy(e)) {
		err = environmentError(e, fmt.Errorf("it came back with version %s and its health is %s", e.Version, e.Health))
	}
	return envs.ParseDeployed(e, v.feature), err
}

// renew has the record speak of the environment again and gives it new days.
func (v *revival) renew(rec *ledger.Record) {
	removed := rec.Removed
	rec.SpeakOf(v.gone.ID)
	rec.Removed = removed
	rec.Extended = rec.At.Add(v.cfg.Expire.After.Std()).UTC()
}

// write adds what came of the restore to the ledger.
func (v *revival) write(rec *ledger.Record, r result, err error) {
	v.conclude(rec, "restore", r, ledger.Run{Version: v.gone.Version, Commit: v.checkout.Commit, Images: v.kept.Images}, err)
	if err == nil {
		rec.Before, rec.Settings = ledger.Run{}, v.kept.Settings
	}
}

// plan says what restore would do.
func (v *revival) plan(c *cli.Context) error {
	v.talk.close()
	if c.Bool("json") {
		return printJSON(c.App.Writer, map[string]string{
			"name": v.name, "feature": v.feature, "action": "restore", "id": v.gone.ID, "version": v.gone.Version, "commit": v.checkout.Commit,
		})
	}
	_, err := fmt.Fprintf(c.App.Writer, "would restore environment %s (%s) with version %s\n", v.name, v.gone.ID, v.gone.Version)
	return err
}
