package beanstalk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/smithy-go"

	"beansprout/envs"
	"beansprout/localcloud"
	"beansprout/localcloud/fault"
)

// throttled is a cloud that throttles an operation so often, and a client that would try ten times.
func throttled(t *testing.T, operation string, times int) *Client {
	t.Helper()
	c, local := cloud(t, localcloud.Config{})
	if times == 0 {
		return c
	}
	if err := local.Inject(fault.Rule{Service: "elasticbeanstalk", Operation: operation, Kind: "throttle", Count: times}); err != nil {
		t.Fatal(err)
	}
	c.api = eb.New(c.api.Options(), func(o *eb.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 10, 1 })
	})
	return c
}

func TestTheGuardIsAskedBeforeEachAttempt(t *testing.T) {
	for _, tt := range []struct {
		name      string
		operation string
		throttled int
		call      func(context.Context, *Client) error
		asked     int
	}{
		{"a change", "CreateApplication", 0, func(ctx context.Context, c *Client) error { return c.CreateApplication(ctx, "a") }, 1},
		{"a change that is tried again", "CreateApplication", 3, func(ctx context.Context, c *Client) error { return c.CreateApplication(ctx, "a") }, 4},
		{"a read", "DescribeEnvironments", 3, func(ctx context.Context, c *Client) error { _, _, err := c.Environments(ctx, ""); return err }, 0},
		{"the bucket", "CreateStorageLocation", 1, func(ctx context.Context, c *Client) error { _, err := c.Bucket(ctx); return err }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			c := throttled(t, tt.operation, tt.throttled).Guarded(func(context.Context) error { asked++; return nil })
			if err := tt.call(t.Context(), c); err != nil || asked != tt.asked {
				t.Errorf("asked %d times, want %d: %v", asked, tt.asked, err)
			}
		})
	}
}

func TestWhatTheGuardRefusesIsNotTriedAgain(t *testing.T) {
	lost := errors.New("lost")
	for name, refusal := range map[string]error{
		"plain":           lost,
		"like a network":  fmt.Errorf("%w: %w", lost, &net.OpError{Op: "dial", Err: errors.New("connection reset by peer")}),
		"like a throttle": fmt.Errorf("%w: %w", lost, &smithy.GenericAPIError{Code: "Throttling", Message: "Environment x already exists."}),
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			c := throttled(t, "CreateApplication", 2)
			err := c.Guarded(func(context.Context) error {
				if asked++; asked > 1 {
					return refusal
				}
				return nil
			}).CreateApplication(t.Context(), "guarded")
			if !errors.Is(err, lost) || asked != 2 || err.Error() != `create application "guarded": `+refusal.Error() {
				t.Errorf("asked %d times: %v", asked, err)
			}
			out, err := c.api.DescribeApplications(t.Context(), &eb.DescribeApplicationsInput{ApplicationNames: []string{"guarded"}})
			if err != nil || len(out.Applications) > 0 {
				t.Errorf("it exists all the same: %v, %v", out, err)
			}
		})
	}
}

func TestEveryCallThatMayChangeSomethingIsGuarded(t *testing.T) {
	refused := errors.New("refused")
	c, _ := cloud(t, localcloud.Config{})
	e, err := launch(t, c, "shop-x")
	if err != nil {
		t.Fatal(err)
	}
	guarded := c.Guarded(func(context.Context) error { return refused })
	for name, call := range map[string]func(context.Context, *Client) error{
		"Launch": func(ctx context.Context, c *Client) error {
			_, err := c.Launch(ctx, Launch{Application: application, Name: "shop-y"})
			return err
		},
		"Deploy":    func(ctx context.Context, c *Client) error { _, err := c.Deploy(ctx, e, "v", ""); return err },
		"Configure": func(ctx context.Context, c *Client) error { _, err := c.Configure(ctx, e, Difference{}); return err },
		"Terminate": func(ctx context.Context, c *Client) error { _, err := c.Terminate(ctx, e); return err },
		"Rebuild":   func(ctx context.Context, c *Client) error { _, err := c.Rebuild(ctx, e); return err },
		"Abort":     func(ctx context.Context, c *Client) error { return c.Abort(ctx, e) },
		"Register": func(ctx context.Context, c *Client) error {
			return c.Register(ctx, Version{Application: application, Label: "v", Bucket: "b", Key: "k"})
		},
		"DeleteVersion":     func(ctx context.Context, c *Client) error { return c.DeleteVersion(ctx, application, "v") },
		"CreateApplication": func(ctx context.Context, c *Client) error { return c.CreateApplication(ctx, "other") },
	} {
		if err := call(t.Context(), guarded); !errors.Is(err, refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if now, err := c.Get(t.Context(), e.ID); err != nil || now.State != envs.Ready || !now.Updated.Equal(e.Updated) {
		t.Errorf("something was changed: %+v, %v", now, err)
	}
	if _, err := guarded.Find(t.Context(), e.Name); err != nil {
		t.Errorf("Find: %v", err)
	}
}
