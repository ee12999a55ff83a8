// Command beansprout gives every feature branch its own environment on AWS Elastic
// Beanstalk, with its own URL, and takes it away again.
//
// What a verb answers goes to standard output, everything else to standard error. The
// exit code is 0 when it is done, 1 when it failed, 2 for wrong usage or configuration,
// and 130 when it was interrupted.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

// version is set by the linker.
var version = "development"

func main() { os.Exit(run(os.Args)) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends what doesn't end by itself
	app := newApp(os.Stdout, os.Stderr)
	err := app.RunContext(ctx, reorder(app, args))
	if err != nil {
		fmt.Fprint(os.Stderr, render(err))
	}
	return exitCode(err)
}

func newApp(stdout, stderr io.Writer) *cli.App {
	return &cli.App{
		Name:                      "beansprout",
		Usage:                     "an environment on AWS Elastic Beanstalk for every feature branch, for a few days",
		UsageText:                 "beansprout [--local] [--region REGION] VERB [options] [arguments]",
		Version:                   version,
		HideVersion:               true,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		DisableSliceFlagSeparator: true,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "local", EnvVars: []string{"BEANSPROUT_LOCAL"}, Usage: "use the local cloud on this machine instead of AWS"},
			&cli.StringFlag{Name: "region", EnvVars: []string{"BEANSPROUT_REGION"}, Usage: "AWS `REGION` (default: beansprout.yaml's, then the AWS configuration's)"},
		},
		Commands: []*cli.Command{
			upCommand(), listCommand(), statusCommand(), eventsCommand(), logsCommand(), openCommand(),
			extendCommand(), keepCommand(), unkeepCommand(), rollbackCommand(), downCommand(), restoreCommand(),
			sweepCommand(), janitorCommand(), localCommand(), versionCommand(),
		},
		Action:         noVerb,
		OnUsageError:   wrongUsage,
		ExitErrHandler: func(*cli.Context, error) {},
	}
}

// noVerb answers a command line without a verb, or with one that doesn't exist.
func noVerb(c *cli.Context) error {
	if verb := c.Args().First(); verb != "" {
		return hint(usageErrorf("there is no verb %q", verb), "beansprout --help lists the verbs")
	}
	c.App.Writer = c.App.ErrWriter
	_ = cli.ShowAppHelp(c)
	return usageErrorf("no verb is named")
}

// wrongUsage answers flags that don't parse.
func wrongUsage(c *cli.Context, err error, _ bool) error {
	name := c.App.Name
	if c.Command != nil && c.Command.HelpName != "" {
		name = c.Command.HelpName
	}
	return hint(usageErrorf("%w", err), "%s --help shows what there is", name)
}

// verb fills in what all verbs have in common.
func verb(c cli.Command) *cli.Command {
	c.OnUsageError = wrongUsage
	most := 0
	if c.ArgsUsage != "" {
		most = 1
	}
	action := c.Action
	c.Action = func(ctx *cli.Context) error {
		if extra := ctx.Args().Slice(); len(extra) > most {
			return hint(usageErrorf("%s takes no argument %q", c.Name, extra[most]), "beansprout %s --help shows what there is", c.Name)
		}
		stop, err := deadline(ctx)
		if err != nil {
			return err
		}
		defer stop()
		return explain(timedOut(ctx.Context, action(ctx)))
	}
	return &c
}

func versionCommand() *cli.Command {
	return verb(cli.Command{
		Name:  "version",
		Usage: "print the version of this program",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if c.Bool("json") {
				return printJSON(c.App.Writer, map[string]string{"version": version})
			}
			_, err := fmt.Fprintln(c.App.Writer, version)
			return err
		},
	})
}
