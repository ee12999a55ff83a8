package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/envs"
)

func logsCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "logs",
		Usage:     "print the last lines of a feature's logs",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), jsonFlag(), timeoutFlag(asking), followFlag()},
		Action:    logs,
	})
}

func logs(c *cli.Context) error {
	s, m, err := openEnvironment(c)
	if err != nil {
		return err
	}
	defer s.talk.close()
	if c.Bool("follow") {
		print := func(text string) error { return printLog(c.App.Writer, text) }
		if c.Bool("json") {
			print = func(text string) error { return printJSONLine(c.App.Writer, logView(m.Env, text)) }
		}
		return s.followLog(c.Context, m.Env, print)
	}
	text, err := s.tail(c.Context, m.Env)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, logView(m.Env, text))
	}
	return printLog(c.App.Writer, text)
}

func logView(e envs.Env, text string) map[string]string {
	return map[string]string{"feature": e.Feature, "name": e.Name, "log": text}
}

func printLog(w io.Writer, text string) error {
	_, err := io.WriteString(w, sanitizeLines(text))
	return err
}

const (
	// tailTime is how long AWS may take to gather logs.
	tailTime = time.Minute
	// tailPause is how long a follower of logs waits until it has them gathered again.
	tailPause = 10 * time.Second
)

func (s *session) tail(ctx context.Context, e envs.Env) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tailTime)
	defer cancel()
	return s.beanstalk.Tail(ctx, e)
}

// followLog prints the environment's log, and then what each new tail adds, until the
// environment has gone. While AWS changes the environment it gathers none.
func (s *session) followLog(ctx context.Context, e envs.Env, print func(string) error) error {
	var log tailed
	for waiting := false; ; {
		text, err := s.tail(ctx, e)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, envs.ErrNotFound):
			s.talk.say("environment %s has gone", e.Name)
			return nil
		case errors.Is(err, envs.ErrNotReady), errors.Is(err, context.DeadlineExceeded):
			if !waiting {
				s.talk.say("AWS gathers no logs now: waiting (%v)", err)
			}
			waiting = true
		case err != nil:
			return err
		default:
			waiting = false
			if news := log.add(text); news != "" {
				if err := print(news); err != nil {
					return err
				}
			}
		}
		if err := pause(ctx, tailPause); err != nil {
			return err
		}
	}
}
