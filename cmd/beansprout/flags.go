package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/commandline"
	"beansprout/cmd/internal/failure"
	"beansprout/envs"
)

func jsonFlag() cli.Flag { return &cli.BoolFlag{Name: "json", Usage: "print JSON"} }

func dryRunFlag() cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", Usage: "print what would be done, and change nothing"}
}

func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Aliases: []string{"c"}, EnvVars: []string{"BEANSPROUT_CONFIG"}, Usage: "read `FILE` instead of the nearest beansprout.yaml"}
}

func applicationFlag() cli.Flag {
	return &cli.StringFlag{Name: "application", Usage: "the application `NAME`, where there is no beansprout.yaml"}
}

func featureFlag() cli.Flag {
	return &cli.StringFlag{Name: "feature", Aliases: []string{"f"}, EnvVars: []string{"BEANSPROUT_FEATURE"}, Usage: "the feature's `NAME`, instead of the branch's"}
}

// The default timeouts of verbs that change something, and of verbs that only ask AWS.
const (
	changing = 30 * time.Minute
	asking   = 2 * time.Minute
)

func timeoutFlag(unset time.Duration) cli.Flag {
	usage := "give up after `DURATION`"
	if unset == changing {
		usage += fmt.Sprintf("; the record, Slack and logs may then take %s more", envs.Overtime)
	}
	return &cli.GenericFlag{Name: "timeout", Value: (*commandline.DurationValue)(&unset), EnvVars: []string{"BEANSPROUT_TIMEOUT"}, Usage: usage}
}

// deadline applies --timeout to a verb that has the flag. With --follow it applies it only if it was
// set.
func deadline(c *cli.Context) (context.CancelFunc, error) {
	timeout, ok := c.Generic("timeout").(*commandline.DurationValue)
	switch {
	case !ok, c.Bool("follow") && !c.IsSet("timeout"):
		return func() {}, nil
	case *timeout == 0:
		return nil, failure.Usagef("--timeout 0s leaves no time")
	}
	ctx, cancel := context.WithTimeoutCause(c.Context, time.Duration(*timeout), failure.ErrTimeout)
	c.Context = ctx
	return cancel, nil
}

// timedOut adds failure.ErrTimeout to an error that --timeout has caused.
func timedOut(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, failure.ErrTimeout) || !errors.Is(context.Cause(ctx), failure.ErrTimeout) {
		return err
	}
	return fmt.Errorf("%w: %w", failure.ErrTimeout, err)
}

// namedFeature returns the feature that the argument or the flag names, or "" if neither does.
func namedFeature(c *cli.Context, argument string) (string, error) {
	flag := c.String("feature")
	if inherited, ok := os.LookupEnv("BEANSPROUT_FEATURE"); c.IsSet("feature") && isBlank(flag) && !(ok && inherited == "") {
		return "", emptyFeature()
	}
	if flag == os.Getenv("BEANSPROUT_FEATURE") && argument != "" {
		flag = argument // the command line wins over the environment variable
	}
	if flag != "" && argument != "" && flag != argument {
		return "", failure.Usagef("two features are named: %q and %q", flag, argument)
	}
	return cmp.Or(argument, flag), nil
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// emptyFeature refuses an empty name. A script with an unset variable must not act on the branch.
func emptyFeature() error {
	return failure.WithHint(failure.Usagef("the feature's name is empty"), "leave it out to mean the branch")
}
