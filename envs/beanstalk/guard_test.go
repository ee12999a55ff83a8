package beanstalk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/smithy-go"

	"beansprout/localcloud"
	"beansprout/localcloud/fault"
	"beansprout/test/must"
)

// throttledClient returns a client of a cloud that throttles an operation this often; it tries ten times.
func throttledClient(t *testing.T, operation string, times int) *Client {
	t.Helper()
	c, local := cloud(t, localcloud.Config{})
	if times == 0 {
		return c
	}
	must.Succeed(t, local.Inject(fault.Rule{Service: "elasticbeanstalk", Operation: operation, Kind: "throttle", Count: times}))
	c.api = eb.New(c.api.Options(), func(o *eb.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 10, 1 })
	})
	return c
}

func TestEnsureIsCalledBeforeEachAttempt(t *testing.T) {
	create := func(ctx context.Context, c *Changer) error { return c.CreateApplication(ctx, "a") }
	for _, tt := range []struct {
		name      string
		operation string
		throttled int
		call      func(context.Context, *Changer) error
		calls     int
	}{
		{"a change", "CreateApplication", 0, create, 1},
		{"a change that is tried again", "CreateApplication", 3, create, 4},
		{"a read", "DescribeEnvironments", 3, func(ctx context.Context, c *Changer) error { _, _, err := c.client.Environments(ctx, ""); return err }, 0},
		{"the bucket", "CreateStorageLocation", 1, func(ctx context.Context, c *Changer) error { _, err := c.client.Bucket(ctx); return err }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			c := throttledClient(t, tt.operation, tt.throttled).Changing(func(context.Context) error { calls++; return nil })
			if err := tt.call(t.Context(), c); err != nil || calls != tt.calls {
				t.Errorf("called %d times, want %d: %v", calls, tt.calls, err)
			}
		})
	}
}

func TestAnErrorOfEnsureIsNotRetried(t *testing.T) {
	lost := errors.New("lost")
	for name, refusal := range map[string]error{
		"plain":           lost,
		"like a network":  fmt.Errorf("%w: %w", lost, &net.OpError{Op: "dial", Err: errors.New("connection reset by peer")}),
		"like a throttle": fmt.Errorf("%w: %w", lost, &smithy.GenericAPIError{Code: "Throttling", Message: "Environment x already exists."}),
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			c := throttledClient(t, "CreateApplication", 2)
			err := c.Changing(func(context.Context) error {
				if calls++; calls > 1 {
					return refusal
				}
				return nil
			}).CreateApplication(t.Context(), "guarded")
			if !errors.Is(err, lost) || calls != 2 || err.Error() != `create application "guarded": `+refusal.Error() {
				t.Errorf("called %d times: %v", calls, err)
			}
			out, err := c.api.DescribeApplications(t.Context(), &eb.DescribeApplicationsInput{ApplicationNames: []string{"guarded"}})
			if err != nil || len(out.Applications) > 0 {
				t.Errorf("it exists all the same: %v, %v", out, err)
			}
		})
	}
}

func TestEveryMethodOfAChangerIsGuarded(t *testing.T) {
	refused := errors.New("refused")
	c, _ := cloud(t, localcloud.Config{})
	e, err := launch(t, c, "shop-x")
	must.Succeed(t, err)
	from, err := c.Copy(t.Context(), application, e.Name)
	must.Succeed(t, err)
	arguments := map[reflect.Type]any{
		reflect.TypeFor[context.Context](): t.Context(), reflect.TypeFor[Env](): e,
		reflect.TypeFor[Launch](): Launch{Application: application, Name: "shop-y", Base: Base{Copy: from}},
	}
	changer := reflect.ValueOf(c.Changing(func(context.Context) error { return refused }))
	for m := range changer.Type().Methods() {
		call := changer.MethodByName(m.Name)
		var in []reflect.Value
		for parameter := range call.Type().Ins() {
			if argument, ok := arguments[parameter]; ok {
				in = append(in, reflect.ValueOf(argument))
			} else {
				in = append(in, reflect.Zero(parameter))
			}
		}
		out := call.Call(in)
		if err, _ := out[len(out)-1].Interface().(error); !errors.Is(err, refused) {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	if now, err := c.Get(t.Context(), e.ID); err != nil || now.State != Ready || !now.Updated.Equal(e.Updated) {
		t.Errorf("something was changed: %+v, %v", now, err)
	}
}
