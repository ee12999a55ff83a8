package main

import (
	"io"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
)

func logsCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "logs",
		Usage:     "print the last lines of a feature's logs",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), applicationFlag(), jsonFlag(), timeoutFlag(asking), followFlag()},
		Action:    logs,
	})
}

func logs(c *cli.Context) error {
	s, e, err := openLiving(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	if c.Bool("follow") {
		err := s.manager.FollowLogs(c.Context, e, func(text string) error {
			if c.Bool("json") {
				return terminal.PrintJSONLine(c.App.Writer, logView(e.Env, text))
			}
			return printLog(c.App.Writer, text)
		}, s.options(c))
		if err == nil {
			s.talk.Say("environment %s has gone", e.Name)
		}
		return err
	}
	text, err := s.manager.Logs(c.Context, e)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return terminal.PrintJSON(c.App.Writer, logView(e.Env, text))
	}
	return printLog(c.App.Writer, text)
}

func logView(e envs.Env, text string) map[string]string {
	return map[string]string{"feature": e.Feature, "name": e.Name, "log": text}
}

func printLog(w io.Writer, text string) error {
	_, err := io.WriteString(w, terminal.SanitizeLines(text))
	return err
}
