package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
	"beansprout/envs/store"
)

func statusCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "status",
		Usage:     "show the environment of one feature",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), applicationFlag(), jsonFlag(), timeoutFlag(asking)},
		Action:    status,
	})
}

func status(c *cli.Context) error {
	s, e, err := openEnvironment(c)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	v := newStatus(e)
	images := s.manager.Images(c.Context, e)
	for _, i := range images {
		v.Images = append(v.Images, statusImage(i))
	}
	if c.Bool("json") {
		return terminal.PrintJSON(c.App.Writer, v)
	}
	return printStatus(c.App.Writer, v, envs.ImageTrouble(images), time.Now())
}

// state is an environment with its record, as --json shows it.
type state struct {
	view
	Protected *keeping   `json:"kept"`     // who ran keep; null without. Its tag may protect it all the same
	Extended  *time.Time `json:"extended"` // the expiry that extend has set
	Before    string     `json:"before"`   // label of the version that rollback deploys
	Lease     *holding   `json:"lease"`    // the operation that changes it now; null if there is none
	Outcome   *ending    `json:"outcome"`  // of the last up, rollback or restore

	Images []statusImage `json:"images"` // those that it runs, according to its record
}

// statusImage is the state of one image.
type statusImage struct {
	Tag    string `json:"tag"` // its live tag
	State  string `json:"state"`
	Reason string `json:"reason"`
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

func newStatus(e envs.Environment) state {
	r := e.Own()
	v := state{view: newView(e), Extended: instant(r.Extended), Before: e.Previous().Version, Images: []statusImage{}}
	if k := r.Protected; k != nil {
		v.Protected = &keeping{k.By, instant(k.Since)}
	}
	if o := r.Outcome; o != nil {
		v.Outcome = &ending{o.Verb, o.Result, o.Reason, o.Version, instant(o.At)}
	}
	// The lease belongs to the name: it may be older than the environment.
	if e.Record != nil && e.Record.Lease != nil {
		h := e.Record.Lease
		v.Lease = &holding{h.Verb, h.By, instant(h.Since)}
	}
	return v
}

// openFor opens a session for the feature that the command line names.
func openFor(c *cli.Context) (*session, string, error) {
	if c.Args().Present() && isBlank(c.Args().First()) {
		return nil, "", emptyFeature()
	}
	p, feature, err := readFeature(c, ".", c.Args().First())
	if err != nil {
		return nil, "", err
	}
	s, err := connect(c, p)
	return s, feature, err
}

// openEnvironment opens a session for the environment of the feature that the command line
// names. The environment exists and is ours.
func openEnvironment(c *cli.Context) (*session, envs.Environment, error) {
	return open(c, (*envs.Manager).Get)
}

// openLiving is like openEnvironment but does not read the record.
func openLiving(c *cli.Context) (*session, envs.Environment, error) {
	return open(c, (*envs.Manager).Living)
}

func open(c *cli.Context, read func(*envs.Manager, context.Context, string, string) (envs.Environment, error)) (*session, envs.Environment, error) {
	s, feature, err := openFor(c)
	if err != nil {
		return nil, envs.Environment{}, err
	}
	e, err := read(s.manager, c.Context, s.cfg.Application, feature)
	if e.Unread != nil && err == nil {
		s.talk.Say("warning: %v: what the record knows is missing", e.Unread)
	}
	if err != nil {
		s.talk.Close()
	}
	return s, e, err
}

func printStatus(w io.Writer, v state, trouble string, now time.Time) error {
	rows := [][]string{
		{"feature", v.Feature}, {"url", v.URL}, {"status", v.Status}, {"health", v.Health},
		{"version", v.Version}, {"commit", v.Commit}, {"owner", v.Owner},
		{"age", past(v.Created, now, "")}, {"expires", v.end(now)}, {"environment", v.Name + " " + v.ID},
	}
	if l := v.Lease; l != nil {
		rows = append(rows, []string{"at work", envs.Owner(store.LeaseOwner{Verb: l.Verb, By: l.By}) + past(l.Since, now, ", for ")})
	}
	if o := v.Outcome; o != nil {
		rows = append(rows, []string{"last", o.line(now)})
	}
	if trouble != "" {
		rows = append(rows, []string{"warning", trouble})
	}
	return terminal.PrintTable(w, rows)
}

// end returns when the environment expires, or why it does not.
func (v state) end(now time.Time) string {
	switch {
	case v.Protected != nil && v.Protected.By != "":
		return "never: " + v.Protected.By + " keeps it"
	case v.Keep != nil && *v.Keep:
		return "never: it is kept"
	case v.Expires == nil:
		return ""
	}
	return fmt.Sprintf("%s (%s)", terminal.LocalTime(*v.Expires), envs.Until(*v.Expires, now))
}

// line describes how the last verb ended.
func (o ending) line(now time.Time) string {
	line := strings.TrimSpace(o.Verb + " " + o.Result)
	if o.At != nil {
		line += " " + envs.Ago(*o.At, now) + " ago"
	}
	if o.Reason != "" {
		line += ": " + o.Reason
	}
	return line
}
