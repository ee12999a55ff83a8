package main

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"runtime"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"beansprout/cmd/internal/background"
	"beansprout/cmd/internal/commandline"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/secrets"
	"beansprout/cmd/internal/terminal"
	"beansprout/daemon"
	"beansprout/daemon/access"
)

// localBoard serves the board of the local cloud until the process is interrupted. The URL that it prints logs
// in who has started it, once.
func localBoard(c *cli.Context) error {
	nearest, err := readProject(c, ".")
	if err != nil {
		return err
	}
	p := project.OfApplication(c.String("application"), ".", secretsOf(c).LookupEnv)
	p.Config.Region = nearest.Config.Region
	connector := newConnector(c)
	connector.Local = true
	s, err := connectBy(c, connector, p)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	cfg := daemon.Config{
		Live: true, BoardOnly: true, Mask: connector.Secrets.Hide,
		Access: access.Config{Invitation: access.Invitation{Name: commandline.Caller(os.Getenv), Token: rand.Text()}},
		Log:    slog.New(slog.NewTextHandler(secrets.Writer{Writer: c.App.ErrWriter, Secrets: connector.Secrets}, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	cfg.Applications = append(cfg.Applications, s.service.Application(s.options(c), cfg.Log))
	if cfg.Listener, err = daemon.Listen(c.Context, c.String("listen"), false); err != nil {
		return failure.WithHint(failure.Usagef("--listen: %w", err), "the board of the local cloud is for this machine; want 127.0.0.1:PORT")
	}
	d, err := daemon.New(cfg)
	if err != nil {
		return err
	}
	url := invitation(cfg.Listener.Addr(), cfg.Access.Invitation.Token)
	if err := announceBoard(c, url); err != nil {
		return err
	}
	s.talk.Say("the board is there until it is interrupted")
	return d.Run(c.Context)
}

// announceBoard prints where the board is, and opens it if there is a terminal and a browser.
func announceBoard(c *cli.Context, url string) error {
	if command := background.Browser(runtime.GOOS, os.Getenv, url); command != nil && term.IsTerminal(int(os.Stdout.Fd())) {
		if err := background.Detach(command); err != nil {
			fmt.Fprintf(c.App.ErrWriter, "warning: open a browser: %v\n", err)
		}
	}
	if c.Bool("json") {
		return terminal.PrintJSON(c.App.Writer, map[string]string{"url": url})
	}
	_, err := fmt.Fprintln(c.App.Writer, url)
	return err
}
