package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/envs/ledger"
)

// amend changes what the ledger says about the living environment of the feature that the
// command line names, and prints what has come of it; with --dry-run, what would be done. It
// waits for no lease: whoever changes the environment itself is not disturbed.
func amend(c *cli.Context, deed string, change func(*session, member, *ledger.Record) error, print func(io.Writer, *session, member) error) error {
	s, m, err := openEnvironment(c)
	if err != nil {
		return err
	}
	defer s.talk.close()
	m, err = s.amend(c.Context, m, c.Bool("dry-run"), func(r *ledger.Record) error { return change(s, m, r) })
	switch {
	case err != nil:
		return err
	case c.Bool("json"):
		return printJSON(c.App.Writer, s.newStatus(m))
	case c.Bool("dry-run"):
		_, err := fmt.Fprintf(c.App.Writer, "would %s %s\n", deed, m.Name)
		return err
	}
	return print(c.App.Writer, s, m)
}

var errGoing = errors.New("it is being terminated")

// amend returns the environment as it is, or would be, after the change of its record. A
// change that is refused changes nothing.
func (s *session) amend(ctx context.Context, m member, dry bool, change func(*ledger.Record) error) (member, error) {
	if m.State.Gone() {
		return m, hint(environmentError(m.Env, errGoing), "beansprout up makes a new one")
	}
	l, err := s.clients.ledger(ctx, s.cfg.Ledger.Bucket)
	if err != nil {
		return m, err
	}
	var refusal error
	alter := func(r *ledger.Record) {
		changed := *r
		changed.SpeakOf(m.ID)
		changed.Feature = m.Feature
		if refusal = change(&changed); refusal == nil {
			*r = changed
		}
	}
	var r ledger.Record
	if dry {
		if r, err = l.Read(ctx, m.Name); errors.Is(err, ledger.ErrGarbage) {
			err = nil
		}
		if r.At.IsZero() {
			r.At = time.Now()
		}
		alter(&r)
	} else {
		r, err = l.Change(ctx, m.Name, alter)
	}
	m.record, m.Env = &r, committed(m.Env, r)
	return m, errors.Join(err, refusal)
}
