package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/beansprout/checkout"
	"beansprout/cmd/beansprout/config"
	"beansprout/envs"
	"beansprout/janitor"
)

func jsonFlag() cli.Flag { return &cli.BoolFlag{Name: "json", Usage: "print JSON"} }

func dryRunFlag() cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", Usage: "say what would be done, and change nothing"}
}

func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Aliases: []string{"c"}, EnvVars: []string{"BEANSPROUT_CONFIG"}, Usage: "read `FILE` instead of the nearest beansprout.yaml"}
}

func featureFlag() cli.Flag {
	return &cli.StringFlag{Name: "feature", Aliases: []string{"f"}, EnvVars: []string{"BEANSPROUT_FEATURE"}, Usage: "the feature's `NAME`, instead of the branch's"}
}

// The times after which a verb gives up: one that waits for AWS, and one that only asks.
const (
	changing = 30 * time.Minute
	asking   = 2 * time.Minute
)

func timeoutFlag(unset time.Duration) cli.Flag {
	return &cli.GenericFlag{Name: "timeout", Value: (*durationValue)(&unset), EnvVars: []string{"BEANSPROUT_TIMEOUT"}, Usage: "give up after `DURATION`"}
}

var errTimeout = errors.New("the time that --timeout gives is over")

// deadline gives a verb that has a --timeout no more time than that. One that follows what
// happens has all the time unless it is told otherwise.
func deadline(c *cli.Context) (context.CancelFunc, error) {
	timeout, ok := c.Generic("timeout").(*durationValue)
	switch {
	case !ok, c.Bool("follow") && !c.IsSet("timeout"):
		return func() {}, nil
	case *timeout == 0:
		return nil, usageErrorf("--timeout 0s leaves no time")
	}
	ctx, cancel := context.WithTimeoutCause(c.Context, time.Duration(*timeout), errTimeout)
	c.Context = ctx
	return cancel, nil
}

// timedOut says of an error that --timeout was the cause, where it was.
func timedOut(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, errTimeout) || !errors.Is(context.Cause(ctx), errTimeout) {
		return err
	}
	return fmt.Errorf("%w: %w", errTimeout, err)
}

// session is what a verb works with: its configuration, the doors, and whose they are.
type session struct {
	*clients
	cfg     *config.Config
	account string
	talk    *progress
	local   bool
	ensure  func(context.Context) error // makes sure of the lease; nil without one
}

// connect opens the doors. The caller closes the talk.
func connect(c *cli.Context, cfg *config.Config) (*session, error) {
	s := &session{cfg: cfg, talk: newProgress(os.Stderr, nil), local: c.Bool("local")}
	for _, notice := range cfg.Notices() {
		s.talk.say("%s", notice)
	}
	if err := s.connect(c); err != nil {
		s.talk.close()
		return nil, err
	}
	return s, nil
}

var regionShape = regexp.MustCompile(`^[a-z0-9-]*$`)

func (s *session) connect(c *cli.Context) (err error) {
	region := cmp.Or(c.String("region"), s.cfg.Region)
	if !regionShape.MatchString(region) {
		return usageErrorf("%q is no region", region)
	}
	if s.local {
		cloud, err := ensureLocal(c.Context, s.talk)
		if err != nil {
			return err
		}
		s.clients = localClients(cloud, cmp.Or(region, localRegion))
	} else if s.clients, err = awsClients(c.Context, region); err != nil {
		return err
	}
	s.account, err = s.clients.account(c.Context)
	return err
}

// readConfig finds and reads beansprout.yaml. Where there is none, the defaults serve.
func readConfig(c *cli.Context, dir string) (*config.Config, error) {
	path := c.String("config")
	if path == "" {
		found, ok, err := config.Find(dir)
		if err != nil {
			return nil, usageErrorf("%w", err)
		}
		if !ok {
			return config.Defaults(dir), nil
		}
		path = found
	}
	cfg, err := config.Load(path)
	if err != nil {
		return nil, usageErrorf("%w", err)
	}
	if _, err := janitor.Schedule(cfg.Expire.Schedule); err != nil {
		return nil, usageErrorf("%s: expire.schedule: %w", cfg.At("expire.schedule"), err)
	}
	return cfg, nil
}

// needFile refuses to go on without a beansprout.yaml.
func needFile(cfg *config.Config) error {
	if cfg.File != "" {
		return nil
	}
	return hint(usageErrorf("there is no beansprout.yaml here or above"), "go to the application's directory, or name the file with --config")
}

// subject returns which feature a command is about: the flag or the argument, then the
// CI's variables, then git. Where one of the former names it, git isn't needed.
func subject(c *cli.Context, argument, dir string) (string, checkout.Checkout, error) {
	co, err := checkout.Read(c.Context, dir, os.Getenv)
	flag := c.String("feature")
	if inherited, ok := os.LookupEnv("BEANSPROUT_FEATURE"); c.IsSet("feature") && flag == "" && !(ok && inherited == "") {
		return "", co, emptyFeature()
	}
	if flag == os.Getenv("BEANSPROUT_FEATURE") && argument != "" {
		flag = argument // what the command line says wins over the environment
	}
	if flag != "" && argument != "" && flag != argument {
		return "", co, usageErrorf("two features are named: %q and %q", flag, argument)
	}
	feature := cmp.Or(argument, flag, co.Branch)
	if feature == "" {
		problem := usageErrorf("no feature is named, and %s is on no branch", dir)
		if err != nil {
			problem = usageErrorf("no feature is named, and git doesn't tell: %w", err)
		}
		return "", co, hint(problem, "say --feature NAME")
	}
	if err := envs.CheckFeature(feature); err != nil {
		return "", co, usageErrorf("%w", err)
	}
	return feature, co, nil
}

// emptyFeature refuses what an unset variable of a script leaves: it must not mean the branch.
func emptyFeature() error {
	return hint(usageErrorf("the feature's name is empty"), "leave it out to mean the branch")
}

// find returns the living environment of a feature, proved to be ours.
func (s *session) find(ctx context.Context, feature string) (envs.Env, envs.Tags, error) {
	name := envs.Name(s.account, s.cfg.Application, feature)
	e, err := s.beanstalk.Find(ctx, name)
	if err != nil {
		return e, nil, err
	}
	return s.identify(ctx, e)
}

// identify reads an environment's tags and returns it with what they and its description
// say, or why it isn't ours. The tags of one that is going away may have gone before it:
// then they are nil, and its description serves.
func (s *session) identify(ctx context.Context, e envs.Env) (envs.Env, envs.Tags, error) {
	tags, err := s.beanstalk.Tags(ctx, e)
	if known, ok := envs.Recognize(s.account, e); ok && e.State.Gone() && errors.Is(err, envs.ErrNotFound) {
		return known, nil, nil
	}
	if err != nil {
		return e, nil, err
	}
	if e, err = envs.Verify(s.account, e, tags); err != nil {
		return e, tags, hint(environmentError(e, err), "it is left alone; look at it in the console, and give it another name or remove it there")
	}
	return envs.ParseDeployed(e, e.Feature), tags, nil
}

func directory(path string) (string, error) {
	dir, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(dir)
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return "", usageErrorf("directory %q: %w", path, err)
	}
	if !info.IsDir() {
		return "", usageErrorf("%q is not a directory", path)
	}
	return dir, nil
}
