package main

import (
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/background"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
)

func openCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "open",
		Usage:     "print a feature's URL and open it in a browser if there is one",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), applicationFlag(), jsonFlag(), timeoutFlag(asking)},
		Action:    browse,
	})
}

func browse(c *cli.Context) error {
	s, e, err := openLiving(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	url := e.URL()
	if url == "" {
		return failure.WithHint(environmentError(e.Env, fmt.Errorf("it is %s and has no URL yet", e.State)), "beansprout events --follow shows how far it is")
	}
	if command := background.Browser(runtime.GOOS, os.Getenv, url); command != nil {
		if err := background.Detach(command); err != nil {
			s.talk.Say("warning: open a browser: %v", err)
		}
	}
	return printURL(c.App.Writer, e, c.Bool("json"))
}

func printURL(w io.Writer, e envs.Environment, asJSON bool) error {
	if asJSON {
		return terminal.PrintJSON(w, map[string]string{"feature": e.Feature, "name": e.Name, "url": e.URL()})
	}
	_, err := fmt.Fprintln(w, e.URL())
	return err
}
