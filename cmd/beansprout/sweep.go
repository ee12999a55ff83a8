package main

import (
	"errors"
	"os"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/sweeping"
	"beansprout/cmd/internal/terminal"
	"beansprout/envs/store"
)

func liveFlag() cli.Flag {
	return &cli.BoolFlag{Name: "live", Usage: "remove environments; without it, only print what would be removed"}
}

func maxFlag() cli.Flag {
	return &cli.IntFlag{Name: "max", Usage: "remove up to `N` environments, even if that is most of them"}
}

func sweepCommand() *cli.Command {
	return verb(cli.Command{
		Name:   "sweep",
		Usage:  "print which environments have expired and why others are kept; with --live, remove the expired",
		Flags:  []cli.Flag{configFlag(), applicationFlag(), jsonFlag(), liveFlag(), maxFlag(), dryRunFlag(), yesFlag()},
		Action: sweep,
	})
}

func sweep(c *cli.Context) error {
	s, live, err := openSweep(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	j := s.service.Janitor(s.options(c), c.Int("max"), nil)
	if live && asks(c) {
		plan, err := j.Sweep(c.Context, false)
		if err != nil {
			return err
		}
		if err := confirm(c, sweeping.Deed(plan)); err != nil {
			return err
		}
	}
	report, err := j.Sweep(c.Context, live)
	if errors.Is(err, store.ErrGarbage) && report.Refused != "" {
		err = failure.WithHint(err, failure.ShrunkHint)
	}
	sweeping.Hide(report, s.secrets.Hide)
	sweeping.Say(s.talk, report, err)
	if untold := s.service.Tell(c.Context, report, s.secrets.Hide); untold != nil {
		s.talk.Say("warning: %v", untold)
	}
	if c.Bool("json") {
		return errors.Join(terminal.PrintJSONList(c.App.Writer, sweeping.Decisions(report)), err)
	}
	s.talk.Close()
	return errors.Join(sweeping.Print(c.App.Writer, report), err)
}

// openSweep opens a session for a sweep and reports whether it is live.
func openSweep(c *cli.Context) (*session, bool, error) {
	sweeping.BoundMemory(os.Getenv)
	p, err := readProject(c, ".")
	if err != nil {
		return nil, false, err
	}
	if c.IsSet("max") && c.Int("max") < 1 {
		return nil, false, failure.Usagef("--max must be at least 1, not %d", c.Int("max"))
	}
	live, err := isLive(c)
	if err != nil {
		return nil, false, err
	}
	s, err := connect(c, p)
	return s, live, err
}

// isLive reports whether a sweep may remove something.
func isLive(c *cli.Context) (bool, error) {
	if c.Bool("live") && c.Bool("dry-run") {
		return false, failure.Usagef("--live and --dry-run contradict each other")
	}
	return c.Bool("live"), nil
}
