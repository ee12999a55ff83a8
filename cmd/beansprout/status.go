package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/envs"
)

func statusCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "status",
		Usage:     "show the environment of one feature",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), jsonFlag()},
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
	v := newView(m.Env, s.expires(m), m.kept())
	if c.Bool("json") {
		return printJSON(c.App.Writer, v)
	}
	return printStatus(c.App.Writer, v, time.Now())
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
		return nil, member{}, absent(feature, err)
	}
	return s, member{Env: e, tags: tags}, nil
}

// absent explains that a feature has no environment.
func absent(feature string, err error) error {
	if !errors.Is(err, envs.ErrNotFound) {
		return err
	}
	return hint(fmt.Errorf("feature %q has no environment: %w", feature, err), "beansprout list shows those that there are; beansprout up makes one")
}

func printStatus(w io.Writer, v view, now time.Time) error {
	age, expires := "", ""
	if v.Created != nil {
		age = ago(*v.Created, now)
	}
	if v.Expires != nil {
		expires = fmt.Sprintf("%s (%s)", v.Expires.Format(time.RFC3339), until(*v.Expires, now))
	}
	if v.Keep != nil && *v.Keep {
		expires = "never: it is kept"
	}
	return printTable(w, [][]string{
		{"feature", v.Feature}, {"url", v.URL}, {"status", v.Status}, {"health", v.Health},
		{"version", v.Version}, {"commit", v.Commit}, {"owner", v.Owner},
		{"age", age}, {"expires", expires}, {"environment", v.Name + " " + v.ID},
	})
}
