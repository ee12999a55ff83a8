package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"beansprout/envs"
)

func downCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "down",
		Usage:     "remove a feature's environment with all that belongs to it, and print the receipt",
		ArgsUsage: "[FEATURE]",
		Flags: []cli.Flag{
			featureFlag(), configFlag(), jsonFlag(), dryRunFlag(),
			&cli.BoolFlag{Name: "force", Usage: "also when the environment is kept"}, timeoutFlag(),
		},
		Action: down,
	})
}

func down(c *cli.Context) error {
	ctx, cancel, err := deadline(c)
	if err != nil {
		return err
	}
	defer cancel()
	s, feature, err := openFor(c)
	if err != nil {
		return err
	}
	defer s.talk.close()
	e, tags, err := s.find(ctx, feature)
	switch {
	case errors.Is(err, envs.ErrNotFound):
		// What an interrupted removal left is still to be taken away.
		e = envs.Env{Name: envs.Name(s.account, s.cfg.Application, feature), Application: s.cfg.Application, Feature: feature}
	case err != nil:
		return err
	case tags.Kept() && !c.Bool("force"):
		return hint(fmt.Errorf("environment %s is kept: its tag %s says so", e.Name, envs.TagLifecycle), "say --force to remove it all the same")
	}
	if c.Bool("dry-run") {
		return printPlan(c.App.Writer, e, c.Bool("json"))
	}
	step := s.talk.step("down " + e.Name)
	receipt, err := remover{s, true}.remove(ctx, e)
	if err != nil {
		step.fail(err)
	} else if len(receipt.Removed) == 0 {
		step.done("nothing was there")
	} else {
		step.done("removed")
	}
	s.talk.close()
	return errors.Join(printReceipt(c.App.Writer, receipt, c.Bool("json")), explain(timedOut(ctx, err)))
}

func printPlan(w io.Writer, e envs.Env, asJSON bool) error {
	if asJSON {
		return printJSON(w, map[string]string{"environment": e.Name, "id": e.ID, "action": "remove"})
	}
	what := "would remove environment " + e.Name
	if e.ID == "" {
		what = "would remove what is left of environment " + e.Name
	}
	_, err := fmt.Fprintln(w, what)
	return err
}

func printReceipt(w io.Writer, r envs.Receipt, asJSON bool) error {
	if asJSON {
		return printJSON(w, r)
	}
	for _, item := range r.Removed {
		if _, err := fmt.Fprintln(w, "removed "+sanitize(item)); err != nil {
			return err
		}
	}
	for _, k := range r.Kept {
		if _, err := fmt.Fprintf(w, "kept    %s: %s\n", sanitize(k.Item), sanitize(k.Reason)); err != nil {
			return err
		}
	}
	return nil
}
