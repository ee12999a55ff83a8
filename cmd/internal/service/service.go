// Package service connects projects to AWS and Slack: it makes their environment managers and janitors,
// and of several of them the janitor's daemon.
package service

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"beansprout/cmd/internal/awsconfig"
	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/project/checkout"
	"beansprout/cmd/internal/secrets"
	"beansprout/cmd/internal/sweeping"
	"beansprout/daemon"
	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/notify"
)

// A Connector connects the projects of one process.
type Connector struct {
	Secrets *secrets.Secrets
	Getenv  func(string) string
	Local   bool            // to a local cloud
	Metrics *daemon.Metrics // count what the managers do; nil counts nothing
	Change  checkout.Change // what this process builds; the zero one for all verbs that build nothing

	bot *notify.Slack // of all channels, which share what counts for Slack's limits
}

// A Service is a project that is connected to AWS, and to Slack where that is configured.
type Service struct {
	Project *project.Project
	Manager *envs.Manager
	Slack   *notify.Slack // nil where Slack is not configured
	Notes   []string      // sentences about what is not told where the change is discussed

	getenv   func(string) string
	warnings *daemon.Announcer // by which the manager tells Slack; nil without metrics or Slack
}

// Connect connects a project to an account.
func (c *Connector) Connect(ctx context.Context, p *project.Project, account aws.Config) (*Service, error) {
	s := &Service{Project: p, Slack: c.Slack(p), getenv: c.Getenv}
	awsconfig.Tell(&account, c.Secrets.Hear)
	config := p.ManagerConfig()
	config.HTTP, config.Mask, config.HTTPS = awsconfig.Plain(), c.Secrets.Hide, config.HTTPS && !c.Local
	where := c.displays(p)
	config.Displays, s.Notes = where.all, where.notes
	if s.Slack != nil {
		config.Announcers = map[string]envs.Announcer{"Slack": s.Slack}
	}
	if m := c.Metrics; m != nil {
		config.LeaseWait = m.LeaseWait
		awsconfig.Observe(&account, func(call awsconfig.Call) {
			m.Call(call.Service, call.Operation, call.Took, call.Failed, call.Throttled)
		})
		if s.Slack != nil {
			s.warnings = daemon.Observe(s.Slack, m)
			config.Announcers["Slack"] = s.warnings
		}
	}
	var err error
	s.Manager, err = envs.New(ctx, account, config)
	return s, err
}

// Slack returns the client that posts to the channel of a project, or nil if Slack is not configured. A
// process without a file, which serves all applications, has its channel from a variable.
func (c *Connector) Slack(p *project.Project) *notify.Slack {
	channel, token := p.Config.Slack.Channel, c.Secrets.Token("SLACK_BOT_TOKEN")
	if p.Config.File == "" {
		channel = c.Getenv("BEANSPROUT_SLACK_CHANNEL")
	}
	if channel == "" || token == "" {
		return nil
	}
	if c.bot == nil {
		c.bot = notify.New(token, c.slackAPI(), "", &http.Client{})
	}
	return c.bot.In(channel)
}

func (c *Connector) slackAPI() string { return c.Getenv("BEANSPROUT_SLACK_API_URL") }

// Presses returns how the presses of Slack's buttons arrive.
func (c *Connector) Presses() daemon.Presses {
	return daemon.Presses{
		AppToken: c.Secrets.Token("SLACK_APP_TOKEN"), SigningSecret: c.Secrets.Token("SLACK_SIGNING_SECRET"), API: c.slackAPI(),
	}
}

// Janitor returns a janitor that removes per sweep at most as many environments as the configuration
// allows, or override if that is more.
func (s *Service) Janitor(o envs.Options, override int, log *slog.Logger) *janitor.Janitor {
	expire := s.Project.Config.Expire
	return &janitor.Janitor{
		Environments: s.Manager,
		Options:      o,
		Warn:         expire.WarnBefore.Std(),
		Branches:     sweeping.Branches(expire.Branches, s.getenv),
		MaxDeletions: max(expire.MaxDeletions, override),
		Max:          override,
		Log:          log,
	}
}

// Tell posts what a live sweep did to Slack, where that is configured.
func (s *Service) Tell(ctx context.Context, report janitor.Report, mask func(string) string) error {
	if s.Slack == nil || !report.Live {
		return nil
	}
	return s.Slack.Digest(context.WithoutCancel(ctx), daemon.Digest(s.Manager, report, mask))
}

// Application returns what a daemon does for the project.
func (s *Service) Application(o envs.Options, log *slog.Logger) daemon.Application {
	return daemon.Application{
		Manager: s.Manager, Janitor: s.Janitor(o, 0, log), Schedule: s.Project.Config.Expire.Schedule,
		Slack: s.Slack, Warnings: s.warnings, Users: s.Project.Config.Slack.Users, Check: s.Project.HealthCheck(),
	}
}
