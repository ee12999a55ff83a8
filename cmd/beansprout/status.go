package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/envs"
	"beansprout/envs/ledger"
)

func statusCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "status",
		Usage:     "show the environment of one feature",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), jsonFlag(), timeoutFlag(asking)},
		Action:    status,
	})
}

func status(c *cli.Context) error {
	s, m, err := openEnvironment(c)
	if err != nil {
		return err
	}
	defer s.talk.close()
	m = s.recalled(c.Context, m)
	if c.Bool("json") {
		return printJSON(c.App.Writer, s.newStatus(m))
	}
	return printStatus(c.App.Writer, s.newStatus(m), time.Now())
}

// state is an environment with what the ledger says about it, as --json shows it.
type state struct {
	view
	Kept     *keeping   `json:"kept"`     // who keeps it, null where nobody does but perhaps its tag
	Extended *time.Time `json:"extended"` // the expiry that extend has given it
	Before   string     `json:"before"`   // label of the version that rollback goes back to
	Lease    *holding   `json:"lease"`    // who is at work on it, null where nobody is
	Outcome  *ending    `json:"outcome"`  // of the last up, rollback or restore
}

type keeping struct {
	By    string     `json:"by"`
	Since *time.Time `json:"since"`
}

type holding struct {
	Verb  string     `json:"verb"`
	By    string     `json:"by"`
	Since *time.Time `json:"since"`
}

type ending struct {
	Verb    string     `json:"verb"`
	Result  string     `json:"result"`
	Reason  string     `json:"reason"`
	Version string     `json:"version"`
	At      *time.Time `json:"at"`
}

func (s *session) newStatus(m member) state {
	r := m.memory()
	v := state{view: newView(m.Env, s.expires(m), m.kept()), Extended: instant(r.Extended), Before: m.ran("").Version}
	if k := r.Kept; k != nil {
		v.Kept = &keeping{k.By, instant(k.Since)}
	}
	if o := r.Outcome; o != nil {
		v.Outcome = &ending{o.Verb, o.Result, o.Reason, o.Version, instant(o.At)}
	}
	// A lease is held on the name, also before the ledger speaks of the environment.
	if m.record != nil && m.record.Lease != nil {
		h := m.record.Lease
		v.Lease = &holding{h.Verb, h.By, instant(h.Since)}
	}
	return v
}

// openFor opens a session for the feature that the command line names.
func openFor(c *cli.Context) (*session, string, error) {
	cfg, err := readConfig(c, ".")
	if err != nil {
		return nil, "", err
	}
	if err := needFile(cfg); err != nil {
		return nil, "", err
	}
	if c.Args().Present() && c.Args().First() == "" {
		return nil, "", emptyFeature()
	}
	feature, _, err := subject(c, c.Args().First(), ".")
	if err != nil {
		return nil, "", err
	}
	s, err := connect(c, cfg)
	return s, feature, err
}

// openEnvironment opens a session for the environment of the feature that the command line
// names. It exists, and is ours.
func openEnvironment(c *cli.Context) (*session, member, error) {
	s, feature, err := openFor(c)
	if err != nil {
		return nil, member{}, err
	}
	e, tags, err := s.find(c.Context, feature)
	if err != nil {
		s.talk.close()
		return nil, member{}, s.absent(c.Context, feature, err)
	}
	return s, member{Env: e, tags: tags}, nil
}

// absent explains that a feature has no environment, or not yet.
func (s *session) absent(ctx context.Context, feature string, err error) error {
	if !errors.Is(err, envs.ErrNotFound) {
		return err
	}
	err = fmt.Errorf("feature %q has no environment: %w", feature, err)
	m := s.recalled(ctx, member{Env: envs.Env{Name: envs.Name(s.account, s.cfg.Application, feature)}})
	if m.record != nil && m.record.Lease != nil {
		return hint(err, "%s is at work on it; beansprout status shows how far it is as soon as it is there", holder(*m.record.Lease))
	}
	if m.record != nil && m.record.Removed != nil {
		return hint(err, "beansprout restore brings back the one that the janitor removed; beansprout up makes a new one")
	}
	return hint(err, "beansprout list shows those that there are; beansprout up makes one")
}

func printStatus(w io.Writer, v state, now time.Time) error {
	rows := [][]string{
		{"feature", v.Feature}, {"url", v.URL}, {"status", v.Status}, {"health", v.Health},
		{"version", v.Version}, {"commit", v.Commit}, {"owner", v.Owner},
		{"age", past(v.Created, now, "")}, {"expires", v.end(now)}, {"environment", v.Name + " " + v.ID},
	}
	if l := v.Lease; l != nil {
		rows = append(rows, []string{"at work", strings.TrimSpace(holder(ledger.Held{Verb: l.Verb, By: l.By}) + past(l.Since, now, ", for "))})
	}
	if o := v.Outcome; o != nil {
		rows = append(rows, []string{"last", o.line(now)})
	}
	return printTable(w, rows)
}

// past says how long ago t was, behind a word; nothing of what isn't known.
func past(t *time.Time, now time.Time, word string) string {
	if t == nil {
		return ""
	}
	return word + ago(*t, now)
}

// end says when and why the environment's days are over, or why not.
func (v state) end(now time.Time) string {
	switch {
	case v.Kept != nil && v.Kept.By != "":
		return "never: " + v.Kept.By + " keeps it"
	case v.Keep != nil && *v.Keep:
		return "never: it is kept"
	case v.Expires == nil:
		return ""
	}
	return fmt.Sprintf("%s (%s)", v.Expires.Format(time.RFC3339), until(*v.Expires, now))
}

// line is what came of the last verb.
func (o ending) line(now time.Time) string {
	line := strings.TrimSpace(o.Verb + " " + o.Result)
	if o.At != nil {
		line += " " + ago(*o.At, now) + " ago"
	}
	if o.Reason != "" {
		line += ": " + o.Reason
	}
	return line
}
