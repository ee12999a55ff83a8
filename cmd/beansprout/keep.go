package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/envs"
	"beansprout/envs/ledger"
)

func keepCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "keep",
		Usage:     "protect a feature's environment: the janitor leaves it, and down wants --force",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), jsonFlag(), timeoutFlag(asking), dryRunFlag()},
		Action:    keep,
	})
}

func unkeepCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "unkeep",
		Usage:     "take the protection of keep away",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), jsonFlag(), timeoutFlag(asking), dryRunFlag()},
		Action:    unkeep,
	})
}

func keep(c *cli.Context) error {
	return amend(c, "keep environment", func(_ *session, _ member, r *ledger.Record) error {
		if r.Kept == nil { // who said so first stays
			r.Kept = &ledger.Keeping{By: whoami(os.Getenv), Since: r.At.UTC()}
		}
		return nil
	}, printFuture)
}

func unkeep(c *cli.Context) error {
	return amend(c, "no longer keep environment", func(_ *session, _ member, r *ledger.Record) error {
		r.Kept = nil
		return nil
	}, func(w io.Writer, s *session, m member) error {
		if m.tags.Kept() {
			return hint(environmentError(m.Env, fmt.Errorf("its tag %s=%s, which somebody set by hand, still keeps it", envs.TagLifecycle, envs.Keep)),
				"take the tag away in the console: a change of tags updates the environment, so it is left to you")
		}
		return printFuture(w, s, m)
	})
}

// printFuture says in a sentence what becomes of an environment.
func printFuture(w io.Writer, s *session, m member) error {
	future := "expires at " + s.expires(m).Format(time.RFC3339)
	if m.protected() {
		future = "is kept"
	}
	_, err := fmt.Fprintf(w, "environment %s %s\n", m.Name, future)
	return err
}
