package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/envs"
	"beansprout/envs/ledger"
	"beansprout/janitor"
)

func liveFlag() cli.Flag {
	return &cli.BoolFlag{Name: "live", Usage: "remove, instead of only saying what would be removed"}
}

func maxFlag() cli.Flag {
	return &cli.IntFlag{Name: "max", Usage: "remove up to `N` environments, even where that is most of them"}
}

func sweepCommand() *cli.Command {
	return verb(cli.Command{
		Name:   "sweep",
		Usage:  "say which environments are past their days and why others are kept; with --live remove them",
		Flags:  []cli.Flag{configFlag(), jsonFlag(), liveFlag(), maxFlag(), dryRunFlag()},
		Action: sweep,
	})
}

func janitorCommand() *cli.Command {
	return verb(cli.Command{
		Name:   "janitor",
		Usage:  "sweep by the clock (expire.schedule) until told to stop",
		Flags:  []cli.Flag{configFlag(), liveFlag(), dryRunFlag()},
		Action: watch,
	})
}

func sweep(c *cli.Context) error {
	s, live, err := openJanitor(c)
	if err != nil {
		return err
	}
	defer s.talk.close()
	j := s.janitor(c.Int("max"), nil)
	report, err := j.Sweep(c.Context, live)
	switch {
	case errors.Is(err, janitor.ErrTooMany):
		err = hint(err, "look at the list; if it is right, say how many may go: --max N")
	case errors.Is(err, janitor.ErrShrunk), errors.Is(err, ledger.ErrGarbage) && report.Refused != "":
		err = hint(err, "look whether beansprout list shows all; if it does, say how many may go: --max N")
	}
	if report.Refused != "" {
		s.talk.say("a live sweep would be refused: %s", report.Refused)
	}
	if c.Bool("json") {
		return errors.Join(printJSON(c.App.Writer, decisions(report)), err)
	}
	s.talk.close()
	return errors.Join(printReport(c.App.Writer, report, s.talk), err)
}

func watch(c *cli.Context) error {
	s, live, err := openJanitor(c)
	if err != nil {
		return err
	}
	defer s.talk.close()
	log := slog.New(slog.NewJSONHandler(c.App.ErrWriter, nil))
	log.Info("janitor", "live", live, "schedule", s.cfg.Expire.Schedule, "application", s.cfg.Application)
	return s.janitor(0, log).Run(c.Context, s.cfg.Expire.Schedule, live)
}

// openJanitor opens a session for what removes by age, and says whether it is to act.
func openJanitor(c *cli.Context) (*session, bool, error) {
	cfg, err := readConfig(c, ".")
	if err != nil {
		return nil, false, err
	}
	if err := needFile(cfg); err != nil {
		return nil, false, err
	}
	if c.IsSet("max") && c.Int("max") < 1 {
		return nil, false, usageErrorf("--max %d is no number of environments", c.Int("max"))
	}
	live := c.Bool("live")
	if live && c.Bool("dry-run") {
		return nil, false, usageErrorf("--live and --dry-run contradict each other")
	}
	s, err := connect(c, cfg)
	return s, live, err
}

// janitor returns one that removes at most so many environments at once as the configuration
// allows, or most when that is more.
func (s *session) janitor(most int, log *slog.Logger) *janitor.Janitor {
	return &janitor.Janitor{
		Cloud:        inventory{s},
		Account:      s.account,
		Lifetime:     s.lifetime(),
		MaxDeletions: max(s.cfg.Expire.MaxDeletions, most),
		Max:          most,
		Remove:       remover{session: s, verb: "janitor", undo: true, spare: s.spare}.remove,
		Kept:         s.keptByLedger,
		Last:         s.lastSweep,
		Note:         s.noteSweep,
		Attic:        attic{s},
		RestoreFor:   s.cfg.Expire.RestoreFor.Std(),
		Log:          log,
		Now:          time.Now,
	}
}

// keptByLedger returns the ledger's reason to leave an environment to later sweeps.
func (s *session) keptByLedger(ctx context.Context, e envs.Env) (string, error) {
	l, err := s.clients.ledger(ctx, s.cfg.Ledger.Bucket)
	if err != nil {
		return "", err
	}
	rec, err := l.Read(ctx, e.Name)
	if err == nil && rec.Lease != nil {
		return holder(*rec.Lease) + " is at work on it: next sweep", nil
	}
	return s.lasting(e, nil, rec), err
}

// lastSweep returns how many environments of ours the last sweep left.
func (s *session) lastSweep(ctx context.Context) (int, error) {
	l, err := s.clients.ledger(ctx, s.cfg.Ledger.Bucket)
	if err != nil {
		return 0, err
	}
	last, err := l.LastSweep(ctx, s.cfg.Application)
	return last.Ours, err
}

func (s *session) noteSweep(ctx context.Context, ours int) error {
	l, err := s.clients.ledger(ctx, s.cfg.Ledger.Bucket)
	if err != nil {
		return err
	}
	return l.NoteSweep(ctx, s.cfg.Application, ledger.Sweep{Ours: ours})
}

// spare keeps what somebody has protected or extended since the janitor looked.
func (s *session) spare(e envs.Env, tags envs.Tags, rec ledger.Record) error {
	if reason := s.lasting(e, tags, rec); reason != "" {
		return fmt.Errorf("environment %s is kept: %w: %s", e.Name, envs.ErrNotReady, reason)
	}
	return nil
}

// lasting says why an environment whose days are over stays: somebody keeps it, or has given
// it more days.
func (s *session) lasting(e envs.Env, tags envs.Tags, rec ledger.Record) string {
	m := member{Env: e, record: &rec}
	if until := s.expires(m); until.After(rec.At) && m.memory().Extended.Equal(until) {
		return "its days were extended to " + until.Format(time.RFC3339)
	}
	return keepReason(e, tags, rec)
}

// inventory is what the janitor may ask: our application's environments and nothing else.
type inventory struct{ *session }

func (i inventory) Environments(ctx context.Context) ([]envs.Env, time.Time, error) {
	return i.beanstalk.Environments(ctx, i.cfg.Application)
}

func (i inventory) Fresh(ctx context.Context, id string) (envs.Env, envs.Tags, error) {
	return i.beanstalk.Fresh(ctx, id)
}

// decisions is never nil, so that JSON has an empty list where there is none.
func decisions(report janitor.Report) []janitor.Decision {
	return append(append([]janitor.Decision{}, report.Decisions...), report.Leftovers...)
}

func printReport(w io.Writer, report janitor.Report, talk *progress) error {
	decisions := decisions(report)
	if len(decisions) == 0 {
		talk.say("environments: %d, none past its days", report.Environments)
		return nil
	}
	rows := [][]string{{"ENVIRONMENT", "FEATURE", "EXPIRED", "ACTION", "REASON"}}
	for _, d := range decisions {
		reason := d.Reason
		if d.Err != nil {
			reason = d.Err.Error()
		}
		rows = append(rows, []string{d.Env.Name, d.Env.Feature, d.Expiry.UTC().Format(time.RFC3339), string(d.Action), reason})
	}
	if err := printTable(w, rows); err != nil {
		return err
	}
	for _, d := range decisions {
		if d.Receipt == nil {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", d.Env.Name)
		if err := printReceipt(w, *d.Receipt, false); err != nil {
			return err
		}
	}
	return nil
}
