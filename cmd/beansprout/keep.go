package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
)

func keepCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "keep",
		Usage:     "protect a feature's environment: the janitor never removes it, and down needs --force",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), applicationFlag(), jsonFlag(), timeoutFlag(asking), dryRunFlag()},
		Action:    keep,
	})
}

func unkeepCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "unkeep",
		Usage:     "remove the protection that keep has set",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), applicationFlag(), jsonFlag(), timeoutFlag(asking), dryRunFlag()},
		Action:    unkeep,
	})
}

func keep(c *cli.Context) error {
	s, e, err := openEnvironment(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	e, err = s.manager.Protect(c.Context, e, "", s.options(c))
	if done, err := printAmended(c, s, "keep environment", e, err); done {
		return err
	}
	return printFuture(c.App.Writer, e)
}

func unkeep(c *cli.Context) error {
	s, e, err := openEnvironment(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	e, err = s.manager.Unprotect(c.Context, e, s.options(c))
	if done, err := printAmended(c, s, "no longer keep environment", e, err); done {
		return err
	}
	if e.Tags.Protected() {
		return failure.WithHint(environmentError(e.Env, fmt.Errorf("its tag %s=%s, which was set by hand, still protects it", envs.TagLifecycle, envs.Keep)),
			"remove the tag in the console: beansprout does not, because a change of tags updates the environment")
	}
	return printFuture(c.App.Writer, e)
}

// printFuture prints when an environment expires, or that it is kept.
func printFuture(w io.Writer, e envs.Environment) error {
	future := "expires at " + terminal.LocalTime(e.Expires)
	if e.Protected() {
		future = "is kept"
	}
	_, err := fmt.Fprintf(w, "environment %s %s\n", e.Name, future)
	return err
}
