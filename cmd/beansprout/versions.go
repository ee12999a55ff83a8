package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
)

func versionsCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "versions",
		Usage:     "list a feature's versions, newest first, and whether rollback or restore can deploy each",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), applicationFlag(), jsonFlag(), timeoutFlag(asking)},
		Action:    versions,
	})
}

// versionView is a version as --json shows it.
type versionView struct {
	Label   string     `json:"label"`
	Commit  string     `json:"commit"`
	Created *time.Time `json:"created"`
	Owner   string     `json:"owner"`
	State   string     `json:"state"`
	Reason  string     `json:"reason"` // why it is lost, or why its state is not known
}

func versions(c *cli.Context) error {
	s, feature, err := openFor(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	e, err := s.manager.Last(c.Context, s.cfg.Application, feature)
	if err != nil {
		return err
	}
	all, err := s.manager.Versions(c.Context, e)
	if err != nil {
		return err
	}
	s.talk.Close()
	if c.Bool("json") {
		views := make([]versionView, 0, len(all))
		for _, v := range all {
			views = append(views, versionView{v.Label, v.Commit, instant(v.Created), v.Owner, string(v.State), v.Reason})
		}
		return terminal.PrintJSON(c.App.Writer, views)
	}
	rows := [][]string{{"STATE", "COMMIT", "AGE", "OWNER", "VERSION"}}
	for _, v := range all {
		state := string(v.State)
		if v.Reason != "" {
			state += ": " + v.Reason
		}
		rows = append(rows, []string{state, short(v.Commit), envs.Ago(v.Created, time.Now()), v.Owner, v.Label})
	}
	return terminal.PrintTable(c.App.Writer, rows)
}
