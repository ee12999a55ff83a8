package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
)

func rollbackCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "rollback",
		Usage:     "deploy the version that ran before, wait, announce; print the URL",
		ArgsUsage: "[FEATURE]",
		Flags: []cli.Flag{
			featureFlag(), configFlag(), applicationFlag(), jsonFlag(), dryRunFlag(), timeoutFlag(changing),
			&cli.StringFlag{Name: "to", Usage: "deploy the version with this `LABEL` instead of the one before"},
		},
		Action: rollback,
	})
}

func rollback(c *cli.Context) error {
	if c.IsSet("to") && c.String("to") == "" {
		return failure.WithHint(failure.Usagef("the version's label is empty"), "leave --to out to mean the version before")
	}
	started := time.Now()
	s, e, err := openEnvironment(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	s.warnWithoutToken()
	r, err := s.manager.Rollback(c.Context, e, envs.RollbackOptions{Options: s.options(c), To: c.String("to"), Check: s.project.HealthCheck()})
	if err != nil {
		return err
	}
	s.talk.Close()
	if c.Bool("dry-run") {
		return printRollback(c, r)
	}
	return printResult(c, s, r, imageViews(c, s, r.Images), time.Since(started))
}

// printRollback prints what rollback would do.
func printRollback(c *cli.Context, r envs.Result) error {
	e, v := r.Environment, r.Version
	if c.Bool("json") {
		return terminal.PrintJSON(c.App.Writer, map[string]string{
			"name": e.Name, "feature": e.Feature, "action": "roll back", "version": v.Label, "commit": v.Commit,
		})
	}
	age := ""
	if registered := envs.Ago(v.Created, time.Now()); registered != "" {
		age = ", registered " + registered + " ago"
	}
	_, err := fmt.Fprintf(c.App.Writer, "would roll environment %s back to %s%s\n", e.Name, terminal.Sanitize(v.String()), age)
	return err
}
