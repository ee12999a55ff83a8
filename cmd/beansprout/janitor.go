package main

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/secrets"
	"beansprout/cmd/internal/sweeping"
	"beansprout/daemon"
	"beansprout/janitor"
)

func listenFlag() cli.Flag {
	return &cli.StringFlag{Name: "listen", EnvVars: []string{"BEANSPROUT_LISTEN"},
		Usage: "serve the board, /livez, /healthz, /metrics, and /slack if SLACK_SIGNING_SECRET is set, on `[HOST]:PORT`; without a host on the loopback interface"}
}

func janitorCommand() *cli.Command {
	return verb(cli.Command{
		Name:  "janitor",
		Usage: "sweep on a schedule (expire.schedule) and answer the buttons of Slack's messages, until interrupted",
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "config", Aliases: []string{"c"}, EnvVars: []string{"BEANSPROUT_CONFIG"},
				Usage: "serve the application of `FILE`; may be repeated. Without it: the nearest beansprout.yaml, or without such a file all applications"},
			applicationFlag(), liveFlag(), listenFlag(), dryRunFlag(),
		}, boardFlags()...),
		Action: watch,
	})
}

// watch runs the daemon until the process is interrupted.
func watch(c *cli.Context) error {
	sweeping.BoundMemory(os.Getenv)
	live, err := isLive(c)
	if err != nil {
		return err
	}
	projects, err := readProjects(c)
	if err != nil {
		return err
	}
	connector := newConnector(c)
	connector.Metrics = daemon.NewMetrics()
	cfg := daemon.Config{
		Live: live, Metrics: connector.Metrics, Slack: connector.Presses(), Mask: connector.Secrets.Hide,
		Log:  slog.New(slog.NewJSONHandler(secrets.Writer{Writer: c.App.ErrWriter, Secrets: connector.Secrets}, nil)),
		Hint: func(err error) string { return strings.Join(failure.Hints(failure.Explain(err)), "; ") },
	}
	if cfg.Access, err = readAccess(c, connector); err != nil {
		return err
	}
	if cfg.Listener, err = listen(c, guarded(cfg.Access, cfg.Slack.SigningSecret)); err != nil {
		return err
	}
	for _, p := range projects {
		s, err := connectBy(c, connector, p)
		if err != nil {
			return err
		}
		defer s.talk.Close()
		if _, err := s.manager.Account(c.Context); err != nil { // a daemon without credentials would never sweep
			return err
		}
		s.warnWithoutToken()
		cfg.Applications = append(cfg.Applications, s.service.Application(s.options(c), cfg.Log))
	}
	d, err := daemon.New(cfg)
	if err != nil {
		return failure.Usagef("%w", err)
	}
	return d.Run(c.Context)
}

// readProjects reads the files that --config names, or the nearest one. Without any it returns the
// defaults, which are for all applications.
func readProjects(c *cli.Context) ([]*project.Project, error) {
	files := c.StringSlice("config")
	if application := c.String("application"); application != "" {
		if len(files) > 0 {
			return nil, failure.Usagef("--application and --config contradict each other")
		}
		return []*project.Project{project.OfApplication(application, ".", secretsOf(c).LookupEnv)}, nil
	}
	if len(files) == 0 {
		files = []string{""}
	}
	var projects []*project.Project
	for _, file := range files {
		p, err := project.Read(c.Context, ".", file, secretsOf(c).LookupEnv)
		if err != nil {
			return nil, err
		}
		if _, err := janitor.Schedule(p.Config.Expire.Schedule); err != nil {
			return nil, failure.WithHint(failure.Usagef("%s: expire.schedule: %w", p.Config.At("expire.schedule"), err),
				"five fields, such as 0 * * * *, or @every 10m; a time zone is one of the IANA database, such as CRON_TZ=Asia/Seoul")
		}
		projects = append(projects, p)
	}
	return projects, nil
}

// listen opens the port that --listen names, nil where it names none.
func listen(c *cli.Context, guarded bool) (net.Listener, error) {
	address := c.String("listen")
	if address == "" {
		return nil, nil
	}
	listener, err := daemon.Listen(c.Context, address, guarded)
	switch {
	case errors.Is(err, daemon.ErrExposed):
		return nil, failure.WithHint(failure.Usagef("--listen: %w", err),
			"set BEANSPROUT_BOARD_TOKENS, --board-tokens, --board-proxy-header or SLACK_SIGNING_SECRET, or name one address, such as 127.0.0.1:2328; with SLACK_APP_TOKEN buttons need no port")
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, failure.WithHint(err, "another process has that port, perhaps another janitor; name another with --listen")
	case err != nil:
		return nil, failure.WithHint(failure.Usagef("--listen: %w", err), "want [HOST]:PORT, such as 127.0.0.1:2328")
	}
	return listener, nil
}
