package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/commandline"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/project/config"
	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
)

// longest is the longest time that extend adds. An environment that must live longer can be protected.
const longest = 365 * 24 * time.Hour

func extendCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "extend",
		Usage:     "give a feature's environment more time and print the new expiry",
		ArgsUsage: "[FEATURE]",
		Flags: []cli.Flag{
			featureFlag(), configFlag(), applicationFlag(), jsonFlag(), timeoutFlag(asking), dryRunFlag(),
			commandline.DurationFlag("by", "add `DURATION`, such as 3d, to the expiry, or to now if it has expired"),
		},
		Action: extend,
	})
}

func extend(c *cli.Context) error {
	by, ok := commandline.Duration(c, "by")
	switch {
	case !ok || by <= 0:
		return failure.WithHint(failure.Usagef("extend needs --by with a duration above zero"), "for example --by 3d")
	case by > longest:
		return failure.WithHint(failure.Usagef("--by %s is more than a year", config.Duration(by)), "beansprout keep protects an environment for good")
	}
	s, e, err := openEnvironment(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	e, err = s.manager.Extend(c.Context, e, by, s.options(c))
	if done, err := printAmended(c, s, "extend by "+config.Duration(by).String()+" environment", e, err); done {
		return err
	}
	if e.Protected() {
		s.talk.Say("environment %s is kept: it does not expire while it is protected", e.Name)
	}
	_, err = fmt.Fprintln(c.App.Writer, terminal.LocalTime(e.Expires))
	return err
}

// printAmended prints an environment whose record was changed with --json, or the change with
// --dry-run. If done is true, the caller has nothing else to print and returns the error.
func printAmended(c *cli.Context, s *session, what string, e envs.Environment, err error) (done bool, _ error) {
	switch {
	case err != nil:
		return true, err
	case c.Bool("json"):
		return true, terminal.PrintJSON(c.App.Writer, newStatus(e))
	case c.Bool("dry-run"):
		_, err := fmt.Fprintf(c.App.Writer, "would %s %s\n", what, e.Name)
		return true, err
	}
	return false, nil
}
