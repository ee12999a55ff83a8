// Command beansprout gives every feature branch its own environment on AWS Elastic
// Beanstalk, with its own URL, and takes it away again.
//
// A verb prints its result to standard output and everything else to standard error. The exit code
// is 0 on success, 1 on failure, 2 for wrong usage or configuration, and 130 after an interruption.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // for expire.schedule on machines without time zones

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/commandline"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/secrets"
	"beansprout/cmd/internal/terminal"
)

// questionKey is the metadata's key of what waits for the end of a question on the terminal.
const questionKey = "question"

func main() { os.Exit(run(os.Args)) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal kills the process
	terminal.OutliveReaders()
	logrus.SetOutput(io.Discard) // libraries write their warnings there
	return execute(ctx, args, os.Stdout, os.Stderr)
}

// execute carries out a command line and returns the exit code.
func execute(ctx context.Context, args []string, out, stderr io.Writer) int {
	known := secrets.Take()
	stdout := &terminal.Touched{Writer: terminal.Answers{Writer: out}}
	app := newApp(stdout, stderr)
	app.Metadata = map[string]any{secretsKey: known}
	ordered := commandline.Reorder(app, args)
	app.Flags = append(app.Flags, cli.HelpFlag) // the package adds it only with its own help
	err := app.RunContext(ctx, ordered)
	if wait, ok := app.Metadata[questionKey].(func()); ok {
		wait()
	}
	if err != nil && !failure.OnlyUnread(err) {
		fmt.Fprint(stderr, inColor(stderr, known.Hide(failure.Render(err))))
		if commandline.AsksFor("json", args) && (!stdout.Written || commandline.AsksFor("follow", args)) {
			_ = failure.PrintJSON(out, known, err)
		}
	}
	return failure.ExitCode(err)
}

// inColor paints what an error's lines begin with.
func inColor(w io.Writer, text string) string {
	p := terminal.PaletteOf(w)
	if rest, ok := strings.CutPrefix(text, "error:"); ok {
		text = p.Paint(terminal.Red, "error:") + rest
	}
	return strings.ReplaceAll(text, "\nhint:", "\n"+p.Paint(terminal.Bold, "hint:"))
}

func newApp(stdout, stderr io.Writer) *cli.App {
	return &cli.App{
		Name:                      "beansprout",
		Usage:                     "an environment on AWS Elastic Beanstalk for every feature branch, for a few days",
		UsageText:                 "beansprout [--local] [--region REGION] VERB [options] [arguments]",
		Version:                   thisBuild().Version,
		HideHelpCommand:           true, // helpCommand serves it
		Writer:                    stdout,
		ErrWriter:                 stderr,
		DisableSliceFlagSeparator: true,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "local", EnvVars: []string{"BEANSPROUT_LOCAL"}, Usage: "use the local cloud on this machine instead of AWS"},
			&cli.StringFlag{Name: "region", EnvVars: []string{"BEANSPROUT_REGION"}, Usage: "AWS `REGION` (default: beansprout.yaml's, then the AWS configuration's)"},
		},
		Commands: []*cli.Command{
			initCommand(), upCommand(), listCommand(), statusCommand(), versionsCommand(), eventsCommand(), logsCommand(), openCommand(),
			extendCommand(), keepCommand(), unkeepCommand(), rollbackCommand(), downCommand(), restoreCommand(),
			sweepCommand(), janitorCommand(), doctorCommand(), slackCommand(), localCommand(), iamPolicyCommand(), schemaCommand(), completionCommand(), versionCommand(), helpCommand(),
		},
		Action:         noVerb,
		OnUsageError:   wrongUsage,
		ExitErrHandler: func(*cli.Context, error) {},
	}
}

// noVerb refuses a command line that has no verb or an unknown one.
func noVerb(c *cli.Context) error {
	if verb := c.Args().First(); verb != "" {
		return noSuchVerb(c.App.Name, verb, c.App.Commands)
	}
	c.App.Writer = c.App.ErrWriter
	_ = cli.ShowAppHelp(c)
	return failure.Usagef("no verb is named")
}

// wrongUsage refuses flags that do not parse.
func wrongUsage(c *cli.Context, err error, _ bool) error {
	name := c.App.Name
	if c.Command != nil && c.Command.HelpName != "" {
		name = c.Command.HelpName
	}
	if near := meantFlag(c, err); near != "" {
		return failure.WithHint(failure.Usagef("%w", err), "did you mean --%s? %s --help shows what there is", near, name)
	}
	return failure.WithHint(failure.Usagef("%w", err), "%s --help shows what there is", name)
}

// offline lists the verbs that connect to nothing.
var offline = []string{"completion", "iam-policy", "schema", "version"}

// verb adds to a command what all verbs have in common.
func verb(c cli.Command) *cli.Command {
	c.OnUsageError = wrongUsage
	c.HideHelpCommand = true // "help" and "h" may be a feature's name
	most := 0
	if c.ArgsUsage != "" {
		most = 1
	}
	action := c.Action
	c.Action = func(ctx *cli.Context) error {
		if extra := ctx.Args().Slice(); len(extra) > most {
			name := strings.TrimPrefix(ctx.Command.HelpName, ctx.App.Name+" ")
			return failure.WithHint(failure.Usagef("%s takes no argument %q", name, extra[most]), "beansprout %s --help shows what there is", name)
		}
		stop, err := deadline(ctx)
		if err != nil {
			return err
		}
		defer stop()
		if !slices.Contains(offline, ctx.Command.Name) {
			bringRoots()
		}
		return failure.Explain(timedOut(ctx.Context, action(ctx)))
	}
	return &c
}
