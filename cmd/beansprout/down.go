package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"beansprout/envs"
	"beansprout/envs/ledger"
)

func downCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "down",
		Usage:     "remove a feature's environment with all that belongs to it, and print the receipt",
		ArgsUsage: "[FEATURE]",
		Flags: []cli.Flag{
			featureFlag(), configFlag(), jsonFlag(), dryRunFlag(),
			&cli.BoolFlag{Name: "force", Usage: "also when the environment is kept"}, timeoutFlag(changing),
			&cli.BoolFlag{Name: "no-wait", Usage: "return when AWS has begun, and leave the rest to the next sweep"},
		},
		Action: down,
	})
}

func down(c *cli.Context) error {
	ctx := c.Context
	s, feature, err := openFor(c)
	if err != nil {
		return err
	}
	defer s.talk.close()
	l, err := s.clients.ledger(ctx, s.cfg.Ledger.Bucket)
	if err != nil {
		return err
	}
	t, err := s.teardown(ctx, l, feature, c.Bool("force"))
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return printPlan(c.App.Writer, t.env, c.Bool("json"))
	}
	step := s.talk.step("down " + t.env.Name)
	t.leave = c.Bool("no-wait")
	receipt, err := t.run(ctx, l)
	var late superseded
	switch {
	case errors.As(err, &late):
		step.done("superseded: " + late.reason)
		err = nil
	case err != nil:
		step.fail(err)
	case len(receipt.Removed)+len(receipt.Kept) == 0:
		step.done("nothing was there")
	case t.leave:
		step.done("AWS is removing it")
	default:
		step.done("removed")
	}
	s.talk.close()
	return errors.Join(printReceipt(c.App.Writer, receipt, c.Bool("json")), err)
}

// teardown is a feature on its way out because somebody said so.
type teardown struct {
	remover
	env   envs.Env
	known bool // the ledger has a record of it
}

// teardown looks whether the feature may be taken down.
func (s *session) teardown(ctx context.Context, l *ledger.Ledger, feature string, force bool) (teardown, error) {
	spare := spareKept
	if force {
		spare = func(envs.Env, envs.Tags, ledger.Record) error { return nil }
	}
	t := teardown{remover: remover{session: s, verb: "down", patient: true, spare: spare}}
	rec, err := l.Read(ctx, envs.Name(s.account, s.cfg.Application, feature))
	if err != nil && !errors.Is(err, ledger.ErrGarbage) {
		return t, err
	}
	t.known = err != nil || rec.Counter > 0
	e, tags, err := s.find(ctx, feature)
	if errors.Is(err, envs.ErrNotFound) {
		// What an interrupted removal left is still to be taken away.
		t.env = envs.Env{Name: envs.Name(s.account, s.cfg.Application, feature), Application: s.cfg.Application, Feature: feature}
		return t, nil
	}
	t.env = e
	return t, cmp.Or(err, spare(e, tags, rec))
}

// run tells an up in progress that the feature is not wanted any more, waits for it, and
// removes. Where there is neither an environment nor a record, there is no up to be told.
func (t teardown) run(ctx context.Context, l *ledger.Ledger) (envs.Receipt, error) {
	if t.env.ID == "" && !t.known {
		m := newRemoval(t.session, t.env, l)
		err := m.run(ctx)
		return m.receipt, err
	}
	asked, err := l.Change(ctx, t.env.Name, func(r *ledger.Record) { r.Feature = t.env.Feature; r.Teardowns++ })
	if err != nil {
		return envs.Receipt{Environment: t.env.Name}, err
	}
	t.decide = func(now ledger.Record) error { return unwanted(asked, now) }
	return t.remove(ctx, t.env)
}

// spareKept is the spare of whoever removes because somebody said so.
func spareKept(e envs.Env, tags envs.Tags, rec ledger.Record) error {
	reason := keepReason(e, tags, rec)
	if reason == "" {
		return nil
	}
	return hint(fmt.Errorf("environment %s is kept: %s", e.Name, reason), "say --force to remove it all the same")
}

// keepReason says why an environment is kept: by its tag, or by the ledger while that speaks
// of this very environment. It is "" for one that isn't.
func keepReason(e envs.Env, tags envs.Tags, rec ledger.Record) string {
	switch {
	case tags.Kept():
		return fmt.Sprintf("its tag %s says so", envs.TagLifecycle)
	case rec.Kept == nil || rec.Environment != e.ID:
		return ""
	}
	if by := strings.TrimSpace(sanitize(rec.Kept.By)); by != "" {
		return cut(by, 100) + " keeps it"
	}
	return "beansprout keep said so"
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
