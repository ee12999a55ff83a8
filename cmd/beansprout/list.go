package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
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
	kept, err := s.kept(c.Context, ours)
	if err != nil {
		return err
	}
	views := make([]view, 0, len(ours))
	for _, e := range ours {
		views = append(views, newView(e, s.expiry(e), kept[e.ID]))
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, views)
	}
	if len(ours) == 0 {
		s.talk.say("there are no environments")
		return nil
	}
	now := time.Now()
	rows := [][]string{{"FEATURE", "STATUS", "HEALTH", "COMMIT", "OWNER", "AGE", "EXPIRES", "URL"}}
	for i, e := range ours {
		expires := until(s.expiry(e), now)
		if kept[e.ID] {
			expires = "kept"
		}
		rows = append(rows, []string{
			e.Feature, string(e.State), e.Health, short(e.Commit), e.Owner,
			ago(e.Created, now), expires, views[i].URL,
		})
	}
	return printTable(c.App.Writer, rows)
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

// ours returns the environments that are ours, by name, in one describe. Their
// descriptions name the features; the tags are asked only of those whose description was
// cut off or changed by hand while the name has the shape that we give.
func (s *session) ours(ctx context.Context) ([]envs.Env, error) {
	rows, _, err := s.beanstalk.Environments(ctx, s.cfg.Application)
	if err != nil {
		return nil, err
	}
	var ours []envs.Env
	for _, e := range rows {
		known, ok := envs.Recognize(s.account, e)
		if !ok && envs.Named(e) {
			tags, err := s.beanstalk.Tags(ctx, e)
			if err != nil {
				s.talk.say("%s is left out: %v", e.Name, err)
				continue
			}
			known, err = envs.Verify(s.account, e, tags)
			ok = err == nil
		}
		if ok {
			ours = append(ours, known)
		}
	}
	sort.Slice(ours, func(i, j int) bool { return ours[i].Name < ours[j].Name })
	return ours, nil
}

// kept finds out which environments a human protects. Tags cost a call each out of the
// account's two a second, so they are asked only of those that would have gone by now if
// nobody did: of the others that is status's to say.
func (s *session) kept(ctx context.Context, ours []envs.Env) (map[string]bool, error) {
	var mu sync.Mutex
	kept := map[string]bool{}
	now := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, e := range ours {
		if expiry := s.expiry(e); expiry.IsZero() || now.Before(expiry) {
			continue
		}
		g.Go(func() error {
			tags, err := s.beanstalk.Tags(ctx, e)
			if errors.Is(err, envs.ErrNotFound) { // it has gone meanwhile
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			kept[e.ID] = tags.Kept()
			return err
		})
	}
	return kept, g.Wait()
}

func environmentError(e envs.Env, err error) error {
	return fmt.Errorf("environment %s: %w", strings.TrimSpace(e.Name+" "+e.ID), err)
}
