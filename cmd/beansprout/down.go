package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/sweeping"
	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
)

func downCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "down",
		Usage:     "remove a feature's environment and print the receipt; what restore needs stays for expire.restore_for",
		ArgsUsage: "[FEATURE]",
		Flags: []cli.Flag{
			featureFlag(), configFlag(), applicationFlag(), jsonFlag(), dryRunFlag(), yesFlag(),
			&cli.BoolFlag{Name: "force", Usage: "remove the environment even if it is protected"}, timeoutFlag(changing),
			&cli.BoolFlag{Name: "purge", Usage: "also remove what restore needs"},
			&cli.BoolFlag{Name: "no-wait", Usage: "return when AWS has begun the removal; a sweep removes versions and images after expire.restore_for"},
		},
		Action: down,
	})
}

func down(c *cli.Context) error {
	if c.Bool("purge") && c.Bool("no-wait") {
		return failure.WithHint(failure.Usagef("--purge and --no-wait contradict each other: a purge must wait until the environment has gone"), "leave --no-wait out")
	}
	s, feature, err := openFor(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	e, err := s.manager.Find(c.Context, s.cfg.Application, feature)
	if err != nil {
		return err
	}
	o := envs.RemoveOptions{Options: s.options(c), Force: c.Bool("force"), NoWait: c.Bool("no-wait"), Purge: c.Bool("purge")}
	if o.DryRun {
		if _, err := s.manager.Remove(c.Context, e, o); err != nil {
			return err
		}
		return printPlan(c.App.Writer, e.Env, c.Bool("json"))
	}
	if err := confirm(c, "remove environment "+e.Name+" of feature "+feature); err != nil {
		return err
	}
	s.warnWithoutToken()
	step := s.talk.Step("down " + e.Name)
	receipt, err := s.manager.Remove(c.Context, e, o)
	if errors.Is(err, envs.ErrReplaced) { // an up, for which this one has waited, has launched another
		if e, err = s.manager.Find(c.Context, s.cfg.Application, feature); err == nil {
			receipt, err = s.manager.Remove(c.Context, e, o)
		}
	}
	err = endRemoval(step, receipt, o.NoWait, err)
	s.talk.Close()
	if err != nil && len(receipt.Removed)+len(receipt.Retained) == 0 {
		return err
	}
	return errors.Join(sweeping.PrintReceipt(c.App.Writer, receipt, c.Bool("json")), err)
}

// endRemoval shows how the removal has ended. It returns no error if a later request has superseded it.
func endRemoval(step *terminal.Step, receipt envs.Receipt, noWait bool, err error) error {
	late, superseded := errors.AsType[*envs.SupersededError](err)
	switch {
	case superseded:
		step.Done("superseded: " + late.Reason)
		return nil
	case err != nil:
		step.Fail(err)
	case len(receipt.Removed)+len(receipt.Retained) == 0:
		step.Done("nothing was there")
	case noWait:
		step.Done("AWS is removing it")
	case len(receipt.Removed) == 0:
		step.Done("nothing was left to be removed")
	default:
		step.Done("removed")
	}
	return err
}

func printPlan(w io.Writer, e envs.Env, asJSON bool) error {
	if asJSON {
		return terminal.PrintJSON(w, map[string]string{"environment": e.Name, "id": e.ID, "action": "remove"})
	}
	what := "would remove environment " + e.Name
	if e.ID == "" {
		what = "would remove what is left of environment " + e.Name
	}
	_, err := fmt.Fprintln(w, what)
	return err
}
