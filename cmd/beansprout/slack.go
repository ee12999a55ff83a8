package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/terminal"
	"beansprout/daemon"
	"beansprout/notify"
)

func slackCommand() *cli.Command {
	return &cli.Command{
		Name:         "slack",
		Usage:        "try Slack's side of Beansprout, or print what its app is made from",
		OnUsageError: wrongUsage, HideHelpCommand: true,
		Action: func(c *cli.Context) error { return noSubverb(c, "slack") },
		Subcommands: []*cli.Command{
			verb(cli.Command{
				Name:  "test",
				Usage: "post a message with a button, and print whether its press came back",
				Flags: []cli.Flag{configFlag(), listenFlag(), jsonFlag(), timeoutFlag(asking)}, Action: slackTest,
			}),
			verb(cli.Command{Name: "manifest", Usage: "print the manifest of the Slack app", Action: slackManifest}),
		},
	}
}

func slackManifest(c *cli.Context) error {
	talk := newProgress(c)
	defer talk.Close()
	talk.Say("make the app with it at https://api.slack.com/apps, and by hand an app-level token with the scope connections:write")
	_, err := io.WriteString(c.App.Writer, notify.Manifest())
	return err
}

func slackTest(c *cli.Context) error {
	p, err := readProject(c, ".")
	if err != nil {
		return err
	}
	if err := p.NeedFile(); err != nil {
		return err
	}
	connector := newConnector(c)
	talk := newProgress(c)
	defer talk.Close()
	trial := daemon.Trial{Slack: connector.Slack(p), Presses: connector.Presses(), Posted: func() {
		talk.Say("a message with a button is in %s: press it", p.Config.Slack.Channel)
	}}
	if trial.Slack == nil {
		return failure.WithHint(failure.Usagef("Slack is not configured"), "slack.channel in beansprout.yaml names the channel, and SLACK_BOT_TOKEN in the environment has the bot's token")
	}
	if trial.Listener, err = listen(c, trial.Presses.SigningSecret != ""); err != nil {
		return err
	}
	pressed, err := trial.Run(c.Context)
	if err != nil {
		return trialHint(err)
	}
	talk.Close()
	if c.Bool("json") {
		return terminal.PrintJSON(c.App.Writer, map[string]any{"by": pressed.By, "mode": pressed.Mode, "seconds": pressed.After.Seconds()})
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s pressed it after %s, and the press came back by %s\n", terminal.Sanitize(pressed.By), pressed.After.Round(time.Second/10), pressed.Mode)
	return err
}

// trialHint adds what to do about a trial that failed.
func trialHint(err error) error {
	switch {
	case errors.Is(err, daemon.ErrNoPresses):
		return failure.WithHint(failure.Usagef("%w", err), "set SLACK_APP_TOKEN for Socket Mode, or SLACK_SIGNING_SECRET and --listen for HTTP")
	case errors.Is(err, daemon.ErrNotPressed) && !errors.Is(err, context.Canceled):
		return failure.WithHint(err, "press the button that it posts. Where it was pressed, another janitor with the same app may have got the press: then the message says so. "+
			"Otherwise turn on Interactivity and Socket Mode in the app's settings")
	}
	return err
}
