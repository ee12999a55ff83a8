package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/builder"
	"beansprout/builder/ecr"
	"beansprout/cmd/beansprout/checkout"
	"beansprout/cmd/beansprout/config"
	"beansprout/dockerrun"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ledger"
	"beansprout/notify"
)

func upCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "up",
		Usage:     "build, push, create or reuse, deploy, wait, announce; print the URL",
		ArgsUsage: "[DIR]",
		Flags: []cli.Flag{
			featureFlag(), configFlag(), jsonFlag(), dryRunFlag(), timeoutFlag(changing),
			&cli.BoolFlag{Name: "rebuild", Usage: "build and push images although the registry has what they would be made from"},
			&cli.BoolFlag{Name: "abort", Usage: "when interrupted, have AWS abort a deploy in progress instead of leaving it to itself"},
		},
		Action: up,
	})
}

// deployment is one run of up: a branch on its way to a URL.
type deployment struct {
	*session
	feature  string
	checkout checkout.Checkout
	name     string // the environment's
	template *dockerrun.Template
	settings []beanstalk.Setting
	arch     string           // of the instances, for which images are built
	engine   *builder.Builder // like the template, nil where an artifact is deployed
	ledger   *ledger.Ledger
	asked    ledger.Record      // as it was when this run drew its ticket
	record   ledger.Record      // as it was read last
	took     map[string]float64 // seconds that AWS took for what was waited for
	slack    *announcer
	rebuilds bool // images that the registry has
	aborts   bool // an interruption aborts the deploy in progress
	started  time.Time
}

func up(c *cli.Context) error {
	d, err := prepare(c)
	if err != nil {
		return err
	}
	defer d.talk.close()
	if d.engine != nil {
		defer d.engine.Close()
	}
	if c.Bool("dry-run") {
		return d.plan(c.Context, c)
	}
	r, err := d.run(c.Context)
	if err != nil {
		return d.failed(c.Context, r.env, err)
	}
	d.slack.close()
	d.talk.close()
	return d.print(c, r)
}

// prepare reads everything and refuses what can be refused before anything is built.
func prepare(c *cli.Context) (*deployment, error) {
	d := &deployment{started: time.Now(), took: map[string]float64{}, rebuilds: c.Bool("rebuild"), aborts: c.Bool("abort")}
	arg := c.Args().First()
	if arg == "" {
		arg = "."
	}
	dir, err := directory(arg)
	if err != nil {
		return nil, err
	}
	cfg, err := readConfig(c, dir)
	if err != nil {
		return nil, err
	}
	if err := needFile(cfg); err != nil {
		return nil, err
	}
	if d.feature, d.checkout, err = subject(c, "", dir); err != nil {
		return nil, err
	}
	if err := d.inspect(c.Context, cfg); err != nil {
		return nil, err
	}
	if d.session, err = connect(c, cfg); err != nil {
		return nil, err
	}
	d.name = envs.Name(d.account, cfg.Application, d.feature)
	d.settings = wish(cfg).Settings()
	return d, nil
}

// inspect reads what the bundle is to be made of, and connects the engine where that takes one.
func (d *deployment) inspect(ctx context.Context, cfg *config.Config) (err error) {
	if cfg.Artifact != "" {
		return checkArtifact(cfg)
	}
	if d.template, err = readTemplate(cfg); err != nil {
		return err
	}
	if err := cmp.Or(checkSecrets(cfg), checkIncludes(cfg)); err != nil {
		return err
	}
	if d.engine, err = builder.Connect(ctx); err != nil {
		return hint(err, "%s", engineHint)
	}
	return nil
}

const engineHint = "start Docker, or point DOCKER_HOST at an engine; on Debian and Ubuntu: apt-get install docker.io"

// run takes the branch to its URL. The environment of the result is filled in as far as
// the run came.
func (d *deployment) run(ctx context.Context) (r result, err error) {
	var ahead *target
	if d.arch, ahead, err = d.architecture(ctx); err != nil {
		return r, err
	}
	if d.ledger, err = d.clients.ledger(ctx, d.cfg.Ledger.Bucket); err != nil {
		return r, err
	}
	if err := d.begin(ctx); err != nil {
		return r, err
	}
	r, err = d.deploy(ctx, ahead)
	if errors.Is(err, ecr.ErrNoImage) || errors.Is(err, errNoVersion) {
		d.talk.say("what was just pushed has been removed by somebody else: once more")
		r, err = d.deploy(ctx, nil)
	}
	return d.concluded(r, err)
}

// begin draws a ticket for the commit, and tells Slack.
func (d *deployment) begin(ctx context.Context) (err error) {
	d.asked, err = d.ledger.Change(ctx, d.name, func(r *ledger.Record) {
		r.Feature = d.feature
		r.Draw(d.checkout.Commit)
	})
	if err != nil {
		return err
	}
	d.record = d.asked
	d.slack = d.announcer(ctx, d.ledger, d.name, d.asked.Message)
	d.slack.tell(d.post(notify.Building, envs.Env{}))
	return nil
}

// concluded tells how a run ended that did not fail.
func (d *deployment) concluded(r result, err error) (result, error) {
	var late superseded
	if errors.As(err, &late) {
		d.talk.say("superseded: %s", late.reason)
		return result{outcome: overtaken, env: envs.Env{Name: d.name, Application: d.cfg.Application, Feature: d.feature}}, nil
	}
	if err != nil {
		return r, err
	}
	if branch := otherPlatform(d.cfg.Environment.Platform, r.env.Platform); branch != "" {
		d.talk.say("it stays on the platform %q: what environment.platform names is for launches, so beansprout down, and up again", branch)
	}
	d.slack.tell(d.post(notify.Ready, r.env))
	return r, nil
}

// post is what Slack is told.
func (d *deployment) post(state notify.State, e envs.Env) notify.Post {
	return notify.Post{
		State: state, Application: d.cfg.Application, Feature: d.feature,
		Commit: d.checkout.Commit, Owner: d.checkout.Author, BuildURL: d.checkout.BuildURL,
		URL: e.URL(), Expires: d.expires(member{Env: e, record: &d.record}),
	}
}

// failed adds to an error what helps to understand it, and tells Slack.
func (d *deployment) failed(ctx context.Context, e envs.Env, err error) error {
	err = timedOut(ctx, err)
	p := d.post(notify.Failed, e)
	p.Reason = plainReason(err)
	var failure *beanstalk.Failure
	switch {
	case errors.Is(err, context.Canceled):
		p.Reason = "interrupted"
		if e.ID != "" && !d.aborts {
			d.talk.say("AWS goes on with what it has begun; the next up takes it from there")
		}
	case errors.As(err, &failure):
		p.Reason += failure.Story() + d.showTail(ctx, e)
	case e.ID != "" && (errors.Is(err, errCheck) || errors.Is(err, errTimeout)):
		p.Reason += d.showTail(ctx, e)
	}
	d.slack.tell(p)
	d.slack.close()
	return located(d.cfg, err)
}

// showTail prints the end of the environment's logs and returns it for Slack.
func (d *deployment) showTail(ctx context.Context, e envs.Env) string {
	text, err := d.tail(context.WithoutCancel(ctx), e)
	if err != nil {
		d.talk.say("its logs can't be had: %v", err)
		return ""
	}
	d.talk.say("the end of its logs:")
	for line := range lastLines(text, 40) {
		d.talk.say("    %s", line)
	}
	return "\n" + text
}
