package main

import (
	"cmp"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/awsconfig"
	"beansprout/cmd/internal/commandline"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/project/config"
	"beansprout/cmd/internal/secrets"
	"beansprout/cmd/internal/service"
	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/pattern"
)

// session holds what a verb works with.
type session struct {
	manager  *envs.Manager
	project  *project.Project
	cfg      *config.Config // the project's
	talk     *terminal.Progress
	secrets  *secrets.Secrets
	local    bool
	loopback string // the local cloud's registry as host:port, "" on AWS
	service  *service.Service
}

// readProject finds and reads beansprout.yaml. Without one it returns the defaults.
func readProject(c *cli.Context, dir string) (*project.Project, error) {
	if application := c.String("application"); application != "" {
		if c.String("config") != "" {
			return nil, failure.Usagef("--application and --config contradict each other")
		}
		return project.OfApplication(application, dir, secretsOf(c).LookupEnv), nil
	}
	p, err := project.Read(c.Context, dir, c.String("config"), secretsOf(c).LookupEnv)
	if err != nil {
		return nil, err
	}
	if err := janitor.CheckSchedule(p.Config.Expire.Schedule); err != nil {
		return nil, failure.Usagef("%s: expire.schedule: %w", p.Config.At("expire.schedule"), err)
	}
	return p, nil
}

// directory returns the directory that the command line names, or else the current one.
func directory(c *cli.Context) (string, error) {
	return project.Directory(cmp.Or(c.Args().First(), "."))
}

// readFeature reads the beansprout.yaml of dir, which must exist. It also returns the feature that the
// argument, the flag or the checkout names.
func readFeature(c *cli.Context, dir, argument string) (*project.Project, string, error) {
	p, err := readProject(c, dir)
	if err != nil {
		return nil, "", err
	}
	if err := p.NeedFile(); err != nil {
		return nil, "", err
	}
	named, err := namedFeature(c, argument)
	if err != nil {
		return nil, "", err
	}
	feature, err := p.Feature(c.Context, named)
	return p, feature, err
}

// connect returns a session that is connected to AWS or the local cloud. It fails if the credentials
// are not valid. The caller closes the session's talk.
func connect(c *cli.Context, p *project.Project) (*session, error) {
	return connectBy(c, newConnector(c), p)
}

// connectBy is connect for a process with several projects.
func connectBy(c *cli.Context, connector *service.Connector, p *project.Project) (*session, error) {
	s := &session{project: p, cfg: p.Config, talk: newProgress(c), secrets: connector.Secrets, local: connector.Local}
	s.secrets.Learn(p.Config)
	account, err := s.account(c)
	if err == nil {
		s.service, err = connector.Connect(c.Context, p, account)
	}
	if err != nil {
		s.talk.Close()
		return nil, err
	}
	s.manager = s.service.Manager
	return s, nil
}

// newConnector returns what connects the projects of this process.
func newConnector(c *cli.Context) *service.Connector {
	return &service.Connector{Secrets: secretsOf(c), Getenv: os.Getenv, Local: c.Bool("local")}
}

var regionShape = pattern.New(`^[a-z0-9-]*$`)

// account returns the configuration of AWS, or of the local cloud, which it starts if it does not run.
func (s *session) account(c *cli.Context) (aws.Config, error) {
	region := cmp.Or(c.String("region"), s.cfg.Region)
	if !regionShape.MatchString(region) {
		return aws.Config{}, failure.Usagef("%q is no region", region)
	}
	if !s.local {
		a, wait, err := awsconfig.Load(c.Context, region)
		a.AppID = appID(c)
		if err == nil {
			c.App.Metadata[questionKey] = wait
		}
		return a, err
	}
	cloud, err := ensureLocal(c.Context, s.talk)
	if err != nil {
		return aws.Config{}, err
	}
	s.loopback = strings.TrimPrefix(cloud.Endpoint, "http://")
	a := awsconfig.Local(cloud, cmp.Or(region, localRegion))
	a.AppID = appID(c)
	return a, nil
}

// appID returns what the calls' user agent says of the caller, in CloudTrail too: beansprout-up.
func appID(c *cli.Context) string { return "beansprout-" + c.Command.Name }

// warnWithoutToken warns if a Slack channel is configured but the token is missing, and says why there is
// nothing in a pull request.
func (s *session) warnWithoutToken() {
	for _, sentence := range s.service.Notes {
		s.talk.Say("%s", sentence)
	}
	if s.cfg.Slack.Channel != "" && s.service.Slack == nil {
		s.talk.Say("warning: slack.channel is set, but SLACK_BOT_TOKEN is not: nothing is posted")
	}
}

// options returns the options of an operation that changes something.
func (s *session) options(c *cli.Context) envs.Options {
	return envs.Options{By: commandline.Caller(os.Getenv), DryRun: c.Bool("dry-run"), Progress: func(e envs.Event) {
		s.talk.Event(string(e.Kind), e.Step, e.Text, e.Err)
	}}
}

const secretsKey = "secrets"

// secretsOf returns the secrets of the process.
func secretsOf(c *cli.Context) *secrets.Secrets {
	s, _ := c.App.Metadata[secretsKey].(*secrets.Secrets)
	return s
}

// newProgress starts the progress of a verb on standard error. It shows no secrets.
func newProgress(c *cli.Context) *terminal.Progress {
	return terminal.NewProgress(os.Stderr, secretsOf(c).Hide)
}
