package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
)

func eventsCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "events",
		Usage:     "print what AWS says about a feature's environment, oldest first",
		ArgsUsage: "[FEATURE]",
		Flags: []cli.Flag{
			featureFlag(), configFlag(), jsonFlag(), timeoutFlag(asking), followFlag(),
			durationFlag("since", "only what is younger than `DURATION`, such as 1h"),
		},
		Action: events,
	})
}

func followFlag() cli.Flag {
	return &cli.BoolFlag{Name: "follow", Usage: "go on with what comes, until interrupted or the environment has gone; with --json one object a line"}
}

// told is an event as --json shows it.
type told struct {
	Time     time.Time `json:"time"`
	Severity string    `json:"severity"`
	Message  string    `json:"message"`
	Request  string    `json:"request"`
}

func events(c *cli.Context) error {
	s, m, err := openEnvironment(c)
	if err != nil {
		return err
	}
	defer s.talk.close()
	since := m.Created.Add(-time.Minute) // AWS's own dates need not agree to the second
	if back, ok := duration(c, "since"); ok {
		since = time.Now().Add(-back)
	}
	if c.Bool("follow") {
		print := printEvent
		if c.Bool("json") {
			print = func(w io.Writer, e beanstalk.Event) error { return printJSONLine(w, tell(e)) }
		}
		return s.follow(c.Context, m.Env, since, func(e beanstalk.Event) error { return print(c.App.Writer, e) })
	}
	all, err := s.beanstalk.Events(c.Context, m.ID, since)
	if err != nil {
		return err
	}
	return printEvents(c.App.Writer, all, c.Bool("json"))
}

func printEvents(w io.Writer, all []beanstalk.Event, asJSON bool) error {
	if asJSON {
		views := make([]told, 0, len(all))
		for _, e := range all {
			views = append(views, tell(e))
		}
		return printJSON(w, views)
	}
	for _, e := range all {
		if err := printEvent(w, e); err != nil {
			return err
		}
	}
	return nil
}

func tell(e beanstalk.Event) told { return told{e.Time.UTC(), e.Severity, e.Message, e.Request} }

// printEvent prints an event with its time as the clock here shows it.
func printEvent(w io.Writer, e beanstalk.Event) error {
	_, err := fmt.Fprintf(w, "%s  %-5s  %s\n", e.Time.Local().Format(time.DateTime), sanitize(e.Severity), sanitize(e.Message))
	return err
}

const (
	// eventPause is how long a follower of events waits between two looks: the whole account
	// shares two describes a second.
	eventPause = 4 * time.Second
	// late is how long AWS may take to deliver an event.
	late = time.Minute
	// proof is how many looks pass until the environment itself is looked for.
	proof = 8
)

// follow shows the events since a time and those that come, each once, until the environment
// has gone.
func (s *session) follow(ctx context.Context, e envs.Env, since time.Time, show func(beanstalk.Event) error) error {
	shown := map[beanstalk.Event]bool{}
	for look := 1; ; look++ {
		gone := false
		if look%proof == 0 {
			_, err := s.beanstalk.Get(ctx, e.ID)
			gone = errors.Is(err, envs.ErrNotFound)
		}
		news, err := s.beanstalk.Events(ctx, e.ID, since)
		if err != nil {
			return interrupted(ctx, err)
		}
		for _, event := range news {
			if shown[event] {
				continue
			}
			shown[event] = true
			if err := show(event); err != nil {
				return err
			}
			if from := event.Time.Add(-late); from.After(since) {
				since = from
			}
			gone = gone || event.Terminated()
		}
		if gone {
			s.talk.say("environment %s has gone", e.Name)
			return nil
		}
		if err := pause(ctx, eventPause); err != nil {
			return err
		}
	}
}

// interrupted is the plain interruption where that is what an error is about.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
