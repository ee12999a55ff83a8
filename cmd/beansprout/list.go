package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"beansprout/envs"
)

func listCommand() *cli.Command {
	return verb(cli.Command{
		Name:   "list",
		Usage:  "list the application's environments, or without a beansprout.yaml all of ours in the region",
		Flags:  []cli.Flag{configFlag(), jsonFlag()},
		Action: list,
	})
}

func list(c *cli.Context) error {
	s, err := open(c, ".")
	if err != nil {
		return err
	}
	defer s.talk.close()
	ours, err := s.ours(c.Context)
	if err != nil {
		return err
	}
	s.talk.close()
	if c.Bool("json") {
		views := make([]view, 0, len(ours))
		for _, o := range ours {
			views = append(views, newView(o.Env, s.expiry(o.Env), o.kept))
		}
		return printJSON(c.App.Writer, views)
	}
	if len(ours) == 0 {
		s.talk.say("there are no environments")
		return nil
	}
	return printTable(c.App.Writer, s.table(ours, time.Now()))
}

func (s *session) table(ours []member, now time.Time) [][]string {
	rows := [][]string{{"FEATURE", "STATUS", "HEALTH", "COMMIT", "OWNER", "AGE", "EXPIRES", "URL"}}
	for _, o := range ours {
		expires := until(s.expiry(o.Env), now)
		if o.kept != nil && *o.kept {
			expires = "kept"
		}
		rows = append(rows, []string{
			o.Feature, string(o.State), o.Health, short(o.Commit), o.Owner, ago(o.Created, now), expires, o.URL(),
		})
	}
	return rows
}

// expiry returns when an environment's days are over, the zero time where no
// configuration says how many there are.
func (s *session) expiry(e envs.Env) time.Time {
	if s.cfg.File == "" {
		return time.Time{}
	}
	return s.lifetime().Expiry(e)
}

func (s *session) lifetime() envs.Lifetime {
	return envs.Lifetime{TTL: s.cfg.Expire.After.Std(), FromDeploy: s.cfg.Expire.From == "deployed"}
}

// member is an environment of ours in a list.
type member struct {
	envs.Env
	kept *bool // nil where it isn't known
}

// few is how many environments' tags a list reads: they come, one call each, out of a
// budget of two a second and bursts of fifteen that the whole account shares.
const few = 12

// ours returns the environments that are ours, by name, in one describe. Of a few, the tags
// tell. Of many, the descriptions do, and the tags are asked only of those whose description
// was cut off or changed by hand while the name has the shape that we give.
func (s *session) ours(ctx context.Context) ([]member, error) {
	rows, _, err := s.beanstalk.Environments(ctx, s.cfg.Application)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(e envs.Env) bool { return !envs.Named(e) })
	found := make([]*member, len(rows))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(few)
	for i, e := range rows {
		g.Go(func() error {
			known, ok := envs.Recognize(s.account, e)
			if ok && len(rows) > few {
				found[i] = &member{s.committed(ctx, known), nil}
			} else {
				found[i] = s.tagged(ctx, e)
			}
			return nil
		})
	}
	_ = g.Wait() // what can't be read is said, and left out
	var ours []member
	for _, m := range found {
		if m != nil {
			ours = append(ours, *m)
		}
	}
	slices.SortFunc(ours, func(a, b member) int { return strings.Compare(a.Name, b.Name) })
	return ours, nil
}

// tagged returns the environment as its tags tell, nil where it isn't ours.
func (s *session) tagged(ctx context.Context, e envs.Env) *member {
	e, tags, err := s.identify(ctx, e)
	switch {
	case errors.Is(err, envs.ErrNotFound), errors.Is(err, envs.ErrNotOurs):
		return nil
	case err != nil:
		s.talk.say("%s is left out: %v", e.Name, err)
		return nil
	case tags == nil:
		return &member{e, nil}
	}
	kept := tags.Kept()
	return &member{s.committed(ctx, e), &kept}
}

// committed returns the environment with the commit that its running version was made of, as
// the ledger says. The description names that of the last try, which may have failed.
func (s *session) committed(ctx context.Context, e envs.Env) envs.Env {
	l, err := s.clients.ledger(ctx, s.cfg.Ledger.Bucket)
	if err != nil {
		return e
	}
	r, err := l.Read(ctx, e.Name)
	if err == nil && r.Environment == e.ID && r.Version == e.Version {
		e.Commit = r.Commit
	}
	return e
}

func environmentError(e envs.Env, err error) error {
	return fmt.Errorf("environment %s: %w", strings.TrimSpace(e.Name+" "+e.ID), err)
}
