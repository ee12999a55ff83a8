package main

import (
	"errors"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/views"
	"beansprout/envs"
)

func upCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "up",
		Usage:     "build, push, create or reuse, deploy, wait, announce; print the URL",
		ArgsUsage: "[DIR]",
		Flags: []cli.Flag{
			featureFlag(), configFlag(), jsonFlag(), dryRunFlag(), timeoutFlag(changing),
			&cli.BoolFlag{Name: "rebuild", Usage: "build and push images even if the registry has them already"},
			&cli.BoolFlag{Name: "abort", Usage: "when interrupted, have AWS abort the running deploy instead of letting it finish"},
		},
		Action: up,
	})
}

func up(c *cli.Context) error {
	started := time.Now()
	p, feature, err := openProject(c) // finds mistakes before AWS is called
	if err != nil {
		return err
	}
	defer p.Close()
	s, err := connect(c, p)
	if err != nil {
		return err
	}
	defer s.talk.Close()
	if err := s.greet(c); err != nil {
		return err
	}
	d := s.deployment(c, feature)
	if c.Bool("dry-run") {
		return dryRun(c, s, d)
	}
	s.warnWithoutToken()
	r, err := s.manager.Deploy(c.Context, d, s.options(c))
	if err != nil {
		return p.Locate(err)
	}
	if r.StaysOn != "" {
		s.talk.Say("it stays on the platform %q: environment.platform is only for launches; to change it, run beansprout down and then up", r.StaysOn)
	}
	s.talk.Close()
	return printResult(c, s, r, views.BuiltImages(p.Built()), time.Since(started))
}

// openProject opens the project in the directory that the command line names, for the feature that
// the command line or the checkout names. The caller closes the project.
func openProject(c *cli.Context) (*project.Project, string, error) {
	arg := c.Args().First()
	if arg == "" {
		arg = "."
	}
	dir, err := project.Directory(arg)
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
