package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/builder"
	"beansprout/localcloud"
)

const (
	localLog    = "cloud.log"
	localRegion = "us-east-1"
	// The ports spell BEAN on a telephone's keys, and the next one.
	localPort    = 2326
	localURLPort = 2327
)

func localCommand() *cli.Command {
	return &cli.Command{
		Name:         "local",
		Usage:        "the local cloud: AWS on this machine, running on its Docker Engine",
		OnUsageError: wrongUsage,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return hint(usageErrorf("local has no verb %q", c.Args().First()), "beansprout local --help lists them")
			}
			c.App.Writer = c.App.ErrWriter
			_ = cli.ShowSubcommandHelp(c)
			return usageErrorf("no verb of local is named")
		},
		Subcommands: []*cli.Command{
			verb(cli.Command{Name: "start", Usage: "start it in the background and return when it answers", Flags: startFlags(), Action: localStart}),
			verb(cli.Command{Name: "stop", Usage: "stop it and its containers; what it knows stays", Flags: []cli.Flag{dirFlag()}, Action: localStop}),
			verb(cli.Command{Name: "status", Usage: "say whether and where it runs", Flags: []cli.Flag{dirFlag(), jsonFlag()}, Action: localStatus}),
			verb(cli.Command{Name: "env", Usage: "print what aws, boto3 and others need to speak to it, for eval", Flags: []cli.Flag{dirFlag(), configFlag(), jsonFlag()}, Action: localEnv}),
			verb(cli.Command{Name: "reset", Usage: "stop it and remove everything that it holds", Flags: []cli.Flag{dirFlag()}, Action: localReset}),
			verb(cli.Command{Name: "engine", Usage: "say which Docker Engine answers", Hidden: true, Action: localEngine}),
			verb(cli.Command{Name: "serve", Usage: "run it in the foreground", Hidden: true, Flags: startFlags(), Action: localServe}),
		},
	}
}

func dirFlag() cli.Flag {
	return &cli.StringFlag{Name: "dir", EnvVars: []string{"BEANSPROUT_LOCAL_DIR"}, Usage: "keep its state in `DIR`", DefaultText: "beansprout/local in the user's state directory"}
}

// localDir is the directory of the local cloud that the command line or the environment names.
func localDir(flag string) (string, error) {
	dir := cmp.Or(flag, os.Getenv("BEANSPROUT_LOCAL_DIR"))
	if dir == "" {
		state := os.Getenv("XDG_STATE_HOME")
		if state == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", hint(usageErrorf("no directory for the local cloud: %w", err), "set HOME or BEANSPROUT_LOCAL_DIR")
			}
			state = filepath.Join(home, ".local", "state")
		}
		dir = filepath.Join(state, "beansprout", "local")
	}
	return filepath.Abs(dir)
}

func localStart(c *cli.Context) error {
	o, err := readLocalOptions(c)
	if err != nil {
		return err
	}
	talk := newProgress(os.Stderr, nil)
	defer talk.close()
	cloud, err := startLocal(c.Context, o, talk)
	if err != nil {
		return err
	}
	if o.elsewhere(cloud) {
		return hint(fmt.Errorf("the local cloud in %s runs already, on ports %d and %d", o.cloud.Dir, cloud.Port, cloud.URLPort), "stop it first, or name another --dir")
	}
	talk.say("the local cloud answers at %s; its environments answer on port %d", cloud.Endpoint, cloud.URLPort)
	return nil
}

// ensureLocal returns the running local cloud, started where it doesn't run.
func ensureLocal(ctx context.Context, talk *progress) (localcloud.Running, error) {
	o, err := defaultLocalOptions()
	if err != nil {
		return localcloud.Running{}, err
	}
	return startLocal(ctx, o, talk)
}

func localStop(c *cli.Context) error {
	dir, err := localDir(c.String("dir"))
	if err != nil {
		return err
	}
	talk := newProgress(os.Stderr, nil)
	defer talk.close()
	stopped, err := stopLocal(c.Context, dir)
	if err != nil {
		return err
	}
	if !stopped {
		talk.say("the local cloud wasn't running")
	}
	return nil
}

func localReset(c *cli.Context) error {
	dir, err := localDir(c.String("dir"))
	if err != nil {
		return err
	}
	if _, err := stopLocal(c.Context, dir); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, localLog)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return localcloud.Reset(c.Context, dir)
}

func localStatus(c *cli.Context) error {
	dir, err := localDir(c.String("dir"))
	if err != nil {
		return err
	}
	cloud, err := localcloud.Status(dir)
	if err != nil && !errors.Is(err, localcloud.ErrStopped) {
		return err
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, map[string]any{
			"running": err == nil, "dir": dir, "pid": cloud.PID, "endpoint": cloud.Endpoint, "urlPort": cloud.URLPort,
		})
	}
	if err != nil {
		_, err = fmt.Fprintf(c.App.Writer, "stopped (%s)\n", dir)
		return err
	}
	_, err = fmt.Fprintf(c.App.Writer, "running: %s, environments on port %d, process %d, state in %s\n", cloud.Endpoint, cloud.URLPort, cloud.PID, dir)
	return err
}

func localEnv(c *cli.Context) error {
	dir, err := localDir(c.String("dir"))
	if err != nil {
		return err
	}
	cloud, err := localcloud.Status(dir)
	if errors.Is(err, localcloud.ErrStopped) {
		return hint(fmt.Errorf("the local cloud in %s doesn't run", dir), "beansprout local start")
	}
	if err != nil {
		return err
	}
	cfg, err := readConfig(c, ".")
	if err != nil {
		return err
	}
	region := cmp.Or(c.String("region"), cfg.Region, localRegion)
	variables := [][2]string{
		{"AWS_ENDPOINT_URL", cloud.Endpoint},
		{"AWS_REGION", region},
		{"AWS_DEFAULT_REGION", region},
		{"AWS_ACCESS_KEY_ID", cloud.Key},
		{"AWS_SECRET_ACCESS_KEY", cloud.Secret},
	}
	if c.Bool("json") {
		all := map[string]string{}
		for _, v := range variables {
			all[v[0]] = v[1]
		}
		return printJSON(c.App.Writer, all)
	}
	for _, v := range variables {
		fmt.Fprintf(c.App.Writer, "export %s=%s\n", v[0], shellQuote(v[1]))
	}
	// A session token of the caller's own would spoil every signature.
	_, err = fmt.Fprintln(c.App.Writer, "unset AWS_SESSION_TOKEN AWS_PROFILE")
	return err
}

// localEngine says which Docker Engine answers, for scripts that would start one otherwise.
func localEngine(c *cli.Context) error {
	engine, err := builder.Connect(c.Context)
	if err != nil {
		return hint(err, "%s", engineHint)
	}
	defer engine.Close()
	_, err = fmt.Fprintln(c.App.Writer, engine.Platform())
	return err
}

// localServe runs the local cloud until it is told to stop.
func localServe(c *cli.Context) error {
	o, err := readLocalOptions(c)
	if err != nil {
		return err
	}
	o.cloud.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	cloud, err := localcloud.Open(c.Context, o.cloud)
	if errors.Is(err, syscall.EADDRINUSE) {
		return hint(err, "name other ports: --port and --url-port of local start, or BEANSPROUT_LOCAL_PORT and BEANSPROUT_LOCAL_URL_PORT")
	}
	if err != nil {
		return err
	}
	<-c.Context.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context), time.Minute)
	defer cancel()
	return cloud.Close(ctx)
}
