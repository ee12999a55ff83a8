package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"beansprout/cmd/internal/account"
	"beansprout/janitor"
)

// checkRegion reads the configuration of AWS, or finds the local cloud, and asks whether the engine
// reaches its registry.
func (e *examination) checkRegion(ctx context.Context) Finding {
	cfg, err := e.Connect(ctx)
	if err != nil {
		return broken(ctx, err)
	}
	s, err := e.Connector.Connect(ctx, e.Project, cfg)
	if err != nil {
		return broken(ctx, err)
	}
	e.manager, e.account = s.Manager, account.New(cfg, e.Getenv)
	if !e.Local {
		return ok("%s", cfg.Region)
	}
	endpoint := aws.ToString(cfg.BaseEndpoint)
	if err := e.checkReach(ctx, strings.TrimPrefix(endpoint, "http://")); err != nil {
		return broken(ctx, err)
	}
	return ok("answers at %s, as %s", endpoint, cfg.Region)
}

func (e *examination) checkReach(ctx context.Context, registry string) error {
	if !e.Project.HasImages() {
		return nil
	}
	engine, err := e.Engine(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	return engine.CheckReach(ctx, registry)
}

func (e *examination) checkCredentials(ctx context.Context) Finding {
	caller, err := e.manager.Caller(ctx)
	if err != nil {
		return broken(ctx, err)
	}
	e.caller = caller
	return ok("account %s, %s", caller.Account, caller.ARN)
}

func (e *examination) checkClock(ctx context.Context) Finding {
	skew, err := e.account.Skew(ctx)
	if err != nil {
		return broken(ctx, fmt.Errorf("ask AWS for its time: %w", err))
	}
	if skew.Abs() <= janitor.MaxSkew {
		return ok("agrees with AWS's")
	}
	side := "behind"
	if skew < 0 {
		side = "ahead of"
	}
	fix := command("timedatectl", "set-ntp", "true")
	if e.Local {
		fix = "beansprout local stop && beansprout local start"
	}
	return fail(fmt.Sprintf("this machine's clock is %s %s AWS's: every end would be wrong", skew.Abs().Round(time.Second), side), fix)
}

var errFederated = errors.New("the policies of federated users can't be read")

// readPrincipal returns the ARN of the user or role whose policies the caller has. A session of a role
// names the role without its path, which IAM knows.
func (e *examination) readPrincipal(ctx context.Context) (string, error) {
	a, err := arn.Parse(e.caller.ARN)
	if err != nil {
		return "", fmt.Errorf("read the caller's ARN %q: %w", e.caller.ARN, err)
	}
	kind, rest, _ := strings.Cut(a.Resource, "/")
	if a.Service == "iam" {
		return e.caller.ARN, nil
	}
	if kind != "assumed-role" {
		return "", errFederated
	}
	name, _, _ := strings.Cut(rest, "/")
	role, err := e.account.Role(ctx, name)
	if errors.Is(err, account.ErrDenied) {
		a.Service, a.Resource = "iam", "role/"+name
		return a.String(), nil
	}
	return role.ARN, err
}
