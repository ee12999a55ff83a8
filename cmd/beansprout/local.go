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
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/builder"
	"beansprout/cmd/internal/background"
	"beansprout/cmd/internal/commandline"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/terminal"
	"beansprout/localcloud"
)

const localRegion = "us-east-1"

func localCommand() *cli.Command {
	return &cli.Command{
		Name:         "local",
		Usage:        "the local cloud: AWS on this machine, running on its Docker Engine",
		OnUsageError: wrongUsage, HideHelpCommand: true,
		Action: func(c *cli.Context) error { return noSubverb(c, "local") },
		Subcommands: []*cli.Command{
			verb(cli.Command{Name: "start", Usage: "start it in the background and return when it answers", Flags: startFlags(), Action: localStart}),
			verb(cli.Command{Name: "stop", Usage: "stop it and its containers; its state stays", Flags: []cli.Flag{dirFlag()}, Action: localStop}),
			verb(cli.Command{Name: "status", Usage: "print whether it runs, and where", Flags: []cli.Flag{dirFlag(), jsonFlag()}, Action: localStatus}),
			verb(cli.Command{Name: "env", Usage: "print the variables with which aws, boto3 and others use it, for eval", Flags: []cli.Flag{dirFlag(), configFlag(), jsonFlag()}, Action: localEnv}),
			verb(cli.Command{Name: "board", Usage: "serve the page that shows its environments, print the URL and open it in a browser if there is one",
				Flags: []cli.Flag{localListenFlag(), configFlag(), applicationFlag(), jsonFlag()}, Action: localBoard}),
			verb(cli.Command{Name: "reset", Usage: "stop it and remove its state, environments and images; ask first on a terminal", Flags: []cli.Flag{dirFlag(), yesFlag()}, Action: localReset}),
			verb(cli.Command{Name: "engine", Usage: "print the platform of the Docker Engine that answers", Hidden: true, Action: localEngine}),
			verb(cli.Command{Name: "serve", Usage: "run it in the foreground", Hidden: true, Flags: startFlags(), Action: localServe}),
		},
	}
}

func localListenFlag() cli.Flag {
	return &cli.StringFlag{Name: "listen", Value: "127.0.0.1:0", DefaultText: "a free port of the loopback interface", Usage: "serve it on `[HOST]:PORT`"}
}

func dirFlag() cli.Flag {
	return &cli.StringFlag{Name: "dir", EnvVars: []string{"BEANSPROUT_LOCAL_DIR"}, Usage: "keep its state in `DIR`", DefaultText: "beansprout/local in the user's state directory"}
}

func localStart(c *cli.Context) error {
	o, err := readLocalOptions(c)
	if err != nil {
		return err
	}
	talk := newProgress(c)
	defer talk.Close()
	if running, err := localcloud.Status(o.Cloud.Dir); err == nil && len(o.Args) > 0 {
		return failure.WithHint(fmt.Errorf("the local cloud in %s runs already, at %s: %s would change nothing", o.Cloud.Dir, running.Endpoint, strings.Join(o.Args, " ")), "stop it first, or name another --dir")
	}
	cloud, err := background.Start(c.Context, o.Cloud, o.Args, talk)
	if err != nil {
		return err
	}
	if o.Elsewhere(cloud) {
		return failure.WithHint(fmt.Errorf("the local cloud in %s runs already, on ports %d and %d", o.Cloud.Dir, cloud.Port, cloud.URLPort), "stop it first, or name another --dir")
	}
	talk.Say("the local cloud answers at %s; its environments answer on port %d", cloud.Endpoint, cloud.URLPort)
	return nil
}

// ensureLocal returns the local cloud, and starts it if it does not run.
func ensureLocal(ctx context.Context, talk *terminal.Progress) (localcloud.Running, error) {
	dir, err := localDir("")
	if err != nil {
		return localcloud.Running{}, err
	}
	o := background.Options{Cloud: localcloud.Config{Dir: dir, Port: background.Port, URLPort: background.URLPort}}
	if err := o.ReadPorts(os.Getenv); err != nil {
		return localcloud.Running{}, failure.Usagef("%w", err)
	}
	return background.Start(ctx, o.Cloud, o.Args, talk)
}

func localStop(c *cli.Context) error {
	dir, err := localDir(c.String("dir"))
	if err != nil {
		return err
	}
	talk := newProgress(c)
	defer talk.Close()
	stopped, err := background.Stop(c.Context, dir)
	if err != nil {
		return err
	}
	if !stopped {
		talk.Say("the local cloud wasn't running")
	}
	return nil
}

func localReset(c *cli.Context) error {
	dir, err := localDir(c.String("dir"))
	if err != nil {
		return err
	}
	if err := confirm(c, "remove all that the local cloud in "+dir+" holds, its environments and images"); err != nil {
		return err
	}
	if _, err := background.Stop(c.Context, dir); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, background.Log)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	host, err := builder.Host()
	if err != nil {
		return err
	}
	return localcloud.ResetOn(c.Context, dir, host)
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
		return terminal.PrintJSON(c.App.Writer, map[string]any{
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
		return failure.WithHint(fmt.Errorf("the local cloud in %s doesn't run", dir), "beansprout local start")
	}
	if err != nil {
		return err
	}
	p, err := readProject(c, ".")
	if err != nil {
		return err
	}
	region := cmp.Or(c.String("region"), p.Config.Region, localRegion)
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
		return terminal.PrintJSON(c.App.Writer, all)
	}
	for _, v := range variables {
		fmt.Fprintf(c.App.Writer, "export %s=%s\n", v[0], commandline.Quote(v[1]))
	}
	// AWS_SESSION_TOKEN, if the caller has one, would break every signature.
	_, err = fmt.Fprintln(c.App.Writer, "unset AWS_SESSION_TOKEN AWS_PROFILE")
	return err
}

// localEngine prints the engine's platform. Scripts start an engine if it fails.
func localEngine(c *cli.Context) error {
	engine, err := builder.Connect(c.Context)
	if err != nil {
		return err
	}
	defer engine.Close()
	_, err = fmt.Fprintln(c.App.Writer, engine.Platform())
	return err
}

// localServe runs the local cloud until it is interrupted.
func localServe(c *cli.Context) error {
	o, err := readLocalOptions(c)
	if err != nil {
		return err
	}
	if o.Cloud.Docker {
		if o.Cloud.Host, err = builder.Host(); err != nil {
			return err
		}
	}
	o.Cloud.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	cloud, err := localcloud.Open(c.Context, o.Cloud)
	if errors.Is(err, syscall.EADDRINUSE) {
		return failure.WithHint(err, "name other ports: --port and --url-port of local start, or BEANSPROUT_LOCAL_PORT and BEANSPROUT_LOCAL_URL_PORT")
	}
	if errors.Is(err, localcloud.ErrOtherLoopback) {
		return failure.WithHint(err, "%s", failure.LoopbackHint)
	}
	if err != nil {
		return err
	}
	<-c.Context.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context), time.Minute)
	defer cancel()
	return cloud.Close(ctx)
}
