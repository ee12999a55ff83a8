package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/envs"
)

func listCommand() *cli.Command {
	return verb(cli.Command{
		Name:   "list",
		Usage:  "list the application's environments, or without a beansprout.yaml all of ours in the region",
		Flags:  append(filterFlags(), configFlag(), jsonFlag(), timeoutFlag(asking)),
		Action: list,
	})
}

func list(c *cli.Context) error {
	f, err := readFilter(c)
	if err != nil {
		return err
	}
	cfg, err := readConfig(c, ".")
	if err == nil && f.expires {
		err = needFile(cfg)
	}
	if err != nil {
		return err
	}
	s, err := connect(c, cfg)
	if err != nil {
		return err
	}
	defer s.talk.close()
	ours, now, err := s.ours(c.Context, f)
	if err != nil {
		return err
	}
	s.talk.close()
	if c.Bool("json") {
		views := make([]view, 0, len(ours))
		for _, m := range ours {
			views = append(views, newView(m.Env, s.expires(m), m.kept()))
		}
		return printJSON(c.App.Writer, views)
	}
	if len(ours) == 0 {
		s.talk.say("there are no environments%s", map[bool]string{true: " that fit"}[f.asks()])
		return nil
	}
	return printTable(c.App.Writer, s.table(ours, now))
}

func (s *session) table(ours []member, now time.Time) [][]string {
	rows := [][]string{{"FEATURE", "STATUS", "HEALTH", "COMMIT", "OWNER", "AGE", "EXPIRES", "URL"}}
	for _, m := range ours {
		expires := until(s.expires(m), now)
		if m.protected() {
			expires = "kept"
		}
		rows = append(rows, []string{
			m.Feature, string(m.State), m.Health, short(m.Commit), m.Owner, ago(m.Created, now), expires, m.URL(),
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

func environmentError(e envs.Env, err error) error {
	return fmt.Errorf("environment %s: %w", strings.TrimSpace(e.Name+" "+e.ID), err)
}
