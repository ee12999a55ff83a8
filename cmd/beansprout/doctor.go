package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/doctor"
	"beansprout/cmd/internal/terminal"
)

func doctorCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "doctor",
		Usage:     "check what up, janitor and Slack need, and print what to do about what is missing",
		ArgsUsage: "[DIR]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), applicationFlag(), jsonFlag(), timeoutFlag(asking)},
		Action:    examine,
	})
}

func examine(c *cli.Context) error {
	s, err := subject(c)
	if err != nil {
		return err
	}
	talk := newProgress(c)
	defer talk.Close()
	hide := secretsOf(c).Hide
	s.Connect = func(context.Context) (aws.Config, error) {
		connected := &session{cfg: s.Project.Config, talk: talk, local: s.Local}
		return connected.account(c)
	}
	findings := doctor.Hide(doctor.Examine(c.Context, s), hide)
	talk.Close()
	if err := context.Cause(c.Context); err != nil && c.Context.Err() == context.Canceled {
		return err
	}
	if c.Bool("json") {
		err = terminal.PrintJSON(c.App.Writer, findings)
	} else {
		err = doctor.Print(c.App.Writer, findings, terminal.Columns(c.App.Writer))
	}
	if failed := doctor.Count(findings, doctor.Failed); err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d checks failed", failed, len(findings))
	}
	return err
}

// subject returns the project that the command line names, as what is to be examined.
func subject(c *cli.Context) (s doctor.Subject, err error) {
	dir, err := directory(c)
	if err != nil {
		return s, err
	}
	if s.Feature, err = namedFeature(c, ""); err != nil {
		return s, err
	}
	if s.Project, err = readProject(c, dir); err != nil {
		return s, err
	}
	if err := s.Project.NeedFile(); err != nil {
		return s, err
	}
	secretsOf(c).Learn(s.Project.Config)
	s.Connector = newConnector(c)
	s.Local, s.Getenv = s.Connector.Local, os.Getenv
	return s, nil
}
