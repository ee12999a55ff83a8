package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/envfile"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/views"
	"beansprout/envs"
)

func upCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "up",
		Usage:     "build and push the images, deploy them, wait until the URL answers, tell Slack; print the URL",
		ArgsUsage: "[DIR]",
		Flags: []cli.Flag{
			featureFlag(), configFlag(), jsonFlag(), dryRunFlag(), timeoutFlag(changing),
			&cli.BoolFlag{Name: "rebuild", Usage: "build and push images even if the registry has them already"},
			&cli.BoolFlag{Name: "abort", Usage: "when interrupted, have AWS abort the running deploy instead of letting it finish"},
			&cli.StringFlag{Name: "output-env", Usage: "write BEANSPROUT_OUTCOME, _URL and others to `FILE`, for the next steps of the CI"},
		},
		Action: up,
	})
}

func up(c *cli.Context) error {
	file, err := openEnvFile(c)
	if err != nil {
		return err
	}
	ended, err := deploy(c)
	if unwritten := file.Write(ended); unwritten != nil {
		return errors.Join(err, fmt.Errorf("write %s for --output-env: %w", c.String("output-env"), unwritten))
	}
	return err
}

// openEnvFile opens the file of --output-env. It returns nil without the flag.
func openEnvFile(c *cli.Context) (*envfile.File, error) {
	const hint = "name a new file in a directory that exists, or one that up has written; on GitHub $GITHUB_OUTPUT"
	path := c.String("output-env")
	switch {
	case !c.IsSet("output-env"):
		return nil, nil
	case path == "":
		return nil, failure.WithHint(failure.Usagef("--output-env names no file"), hint)
	case c.Bool("dry-run"):
		return nil, failure.WithHint(failure.Usagef("--dry-run deploys nothing that --output-env could tell about"), "leave one of the two out")
	}
	file, err := envfile.Open(c.Context, path, os.Getenv("GITHUB_OUTPUT"), os.Getenv("GITHUB_ENV"))
	if err != nil {
		return nil, failure.WithHint(failure.Usagef("--output-env %s: %w", path, err), hint)
	}
	return file, nil
}

// deploy does what up is for, and returns how it ended.
func deploy(c *cli.Context) (envfile.Deploy, error) {
	started, ended := time.Now(), envfile.Deploy{Outcome: envfile.Failed}
	p, feature, err := openProject(c) // finds mistakes before AWS is called
	if err != nil {
		return ended, err
	}
	defer p.Close()
	ended.Commit = p.Checkout.Commit
	connector := newConnector(c)
	connector.Change = p.Checkout.Change
	s, err := connectBy(c, connector, p)
	if err != nil {
		return ended, err
	}
	defer s.talk.Close()
	if err := s.greet(c); err != nil {
		return ended, err
	}
	d := s.deployment(c, feature)
	if c.Bool("dry-run") {
		return ended, dryRun(c, s, d)
	}
	s.warnWithoutToken()
	r, err := s.manager.Deploy(c.Context, d, s.options(c))
	ended.Environment = r.Environment.Name
	if err != nil {
		return ended, p.Locate(err)
	}
	if ended.Outcome = r.Outcome; r.Outcome != envs.Superseded {
		ended.URL, ended.Expires = r.Environment.URL(), r.Environment.Expires
	}
	if r.StaysOn != "" {
		s.talk.Say("it stays on the platform %q: environment.platform is only for launches; to change it, run beansprout down and then up", r.StaysOn)
	}
	s.talk.Close()
	return ended, printResult(c, s, r, views.BuiltImages(p.Built()), time.Since(started))
}

// openProject opens the project in the directory that the command line names, for the feature that
// the command line or the checkout names. The caller closes the project.
func openProject(c *cli.Context) (*project.Project, string, error) {
	dir, err := directory(c)
	if err != nil {
		return nil, "", err
	}
	p, feature, err := readFeature(c, dir, "")
	if err != nil {
		return nil, "", err
	}
	if err := p.Open(c.Context); err != nil {
		return nil, "", errors.Join(err, p.Close())
	}
	return p, feature, nil
}

// greet refuses an engine that cannot push to the local cloud, and prints the project's notes.
func (s *session) greet(c *cli.Context) error {
	if s.loopback != "" {
		if err := s.project.CheckReach(c.Context, s.loopback); err != nil {
			return err
		}
	}
	for _, sentence := range s.project.Notes() {
		s.talk.Say("%s", sentence)
	}
	return nil
}

// deployment returns what the manager is to deploy.
func (s *session) deployment(c *cli.Context, feature string) envs.Deployment {
	s.project.Rebuild, s.project.Mask = c.Bool("rebuild"), s.secrets.Known()
	d := s.project.Deployment(feature)
	d.AbortOnCancel = c.Bool("abort")
	if s.local { // the local cloud has no HTTPS
		d.Scheme = envs.HTTP
	}
	return d
}
