package main

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

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
	views := make([]view, 0, len(ours))
	for _, e := range ours {
		views = append(views, newView(e, s.expiry(e), false))
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
		rows = append(rows, []string{
			e.Feature, string(e.State), e.Health, short(e.Commit), e.Owner,
			ago(e.Created, now), until(s.expiry(e), now), views[i].URL,
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

func environmentError(e envs.Env, err error) error {
	return fmt.Errorf("environment %s: %w", strings.TrimSpace(e.Name+" "+e.ID), err)
}
