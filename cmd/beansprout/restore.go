package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
)

func restoreCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "restore",
		Usage:     "bring back a removed environment with a new expiry; print the URL",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), applicationFlag(), jsonFlag(), dryRunFlag(), timeoutFlag(changing)},
		Action:    restore,
	})
}

func restore(c *cli.Context) error {
	started := time.Now()
	s, feature, err := openFor(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	e, err := s.manager.Restorable(c.Context, s.cfg.Application, feature)
	if err != nil {
		return failure.RestoreHint(err, s.cfg.Expire.RestoreFor.String())
	}
	s.warnWithoutToken()
	r, err := s.manager.Restore(c.Context, e, envs.RestoreOptions{Options: s.options(c), Check: s.project.HealthCheck()})
	if err != nil {
		return failure.RestoreHint(err, s.cfg.Expire.RestoreFor.String())
	}
	s.talk.Close()
	if c.Bool("dry-run") {
		return printRestore(c, e)
	}
	return printResult(c, s, r, imageViews(c, s, r.Images), time.Since(started))
}

// printRestore prints what restore would do.
func printRestore(c *cli.Context, e envs.Environment) error {
	if c.Bool("json") {
		return terminal.PrintJSON(c.App.Writer, map[string]string{
			"name": e.Name, "feature": e.Feature, "action": "restore", "id": e.ID, "version": e.Version, "commit": e.Commit,
		})
	}
	_, err := fmt.Fprintf(c.App.Writer, "would restore environment %s (%s) with version %s\n", e.Name, e.ID, e.Version)
	return err
}
