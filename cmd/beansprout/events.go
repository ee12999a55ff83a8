package main

import (
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/commandline"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/terminal"
	"beansprout/cmd/internal/views"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
)

func eventsCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "events",
		Usage:     "print AWS's events of a feature's environment, or what was done with it, oldest first",
		ArgsUsage: "[FEATURE]",
		Flags: []cli.Flag{
			featureFlag(), configFlag(), applicationFlag(), jsonFlag(), timeoutFlag(asking), followFlag(),
			commandline.DurationFlag("since", "print only events of the last `DURATION`, such as 1h"),
			&cli.BoolFlag{Name: "ours", Usage: "print what was done with the feature's environments, by whom and when: the last 50 deploys, extensions, removals and so on, also of those that have gone"},
		},
		Action: events,
	})
}

func followFlag() cli.Flag {
	return &cli.BoolFlag{Name: "follow", Usage: "also print what comes later, until interrupted or the environment has gone; with --json, one object per line"}
}

func events(c *cli.Context) error {
	if c.Bool("ours") {
		return printHistory(c)
	}
	s, e, err := openLiving(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	var all []views.Event
	o := envs.EventOptions{Follow: c.Bool("follow"), Show: func(event beanstalk.Event) error {
		switch {
		case !c.Bool("json"):
			return views.PrintEvent(c.App.Writer, event)
		case c.Bool("follow"):
			return terminal.PrintJSONLine(c.App.Writer, views.NewEvent(event))
		}
		all = append(all, views.NewEvent(event))
		return nil
	}}
	if back, ok := commandline.Duration(c, "since"); ok {
		o.Since = time.Now().Add(-back)
	}
	if err := s.manager.Events(c.Context, e, o); err != nil {
		return err
	}
	switch {
	case o.Follow:
		s.talk.Say("environment %s has gone", e.Name)
	case c.Bool("json"):
		return terminal.PrintJSON(c.App.Writer, append([]views.Event{}, all...))
	}
	return nil
}

func printHistory(c *cli.Context) error {
	if c.Bool("follow") || c.IsSet("since") {
		return failure.WithHint(failure.Usagef("--ours takes neither --follow nor --since"), "leave them out: there are at most 50 entries")
	}
	s, feature, err := openFor(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	all, err := s.manager.History(c.Context, s.cfg.Application, feature)
	if err != nil {
		return err
	}
	return views.PrintHistory(c.App.Writer, all, time.Now(), c.Bool("json"))
}
