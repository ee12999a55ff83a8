package beanstalk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beansprout/envs/awsapi"
)

const deployScript = updateStarts + `
	60s INFO Environment update completed successfully.
	60s Ready v2 Green`

// deployed finds the environment, deploys to it and waits.
func deployed(ctx context.Context, c *Client) error {
	e, err := c.Find(ctx, envName, nil)
	if err != nil {
		return err
	}
	op, err := changer(c).Deploy(ctx, e, "v2", "")
	if err == nil {
		_, err = c.Wait(ctx, op, func(Event) {})
	}
	return err
}

// TestAPersistentFaultEndsInTime has each kind of fault strike each operation without end, from
// the first call of it or from the third.
func TestAPersistentFaultEndsInTime(t *testing.T) {
	for _, kind := range []string{"throttle", "error", "empty", "html", "timeout-before", "timeout-after", "reset-before", "reset-after", "malformed", "truncated", "page", "nothing", "slow"} {
		for _, operation := range []string{"UpdateEnvironment", "DescribeEnvironments", "DescribeEvents", "*"} {
			for _, from := range []int{0, 2} {
				text := fmt.Sprintf("%s %s %d 1000000", kind, operation, from)
				t.Run(text, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { stays(t, text) })
				})
			}
		}
	}
}

func stays(t *testing.T, fault string) {
	const deadline = 10 * time.Minute
	_, c := newStage(t, updating, deployScript, fault)
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	began := time.Now()
	err := deployed(ctx, c)
	if took := time.Since(began); took > deadline+5*time.Second {
		t.Errorf("it took %s", took)
	}
	var failure *Failure
	switch never := strings.HasPrefix(fault, "slow") || strings.Contains(fault, "UpdateEnvironment 2"); {
	case errors.As(err, &failure):
		t.Errorf("a false failure: %v", err)
	case never && err != nil:
		t.Errorf("it could have succeeded: %v", err)
	case strings.HasPrefix(fault, "throttle"):
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("throttled, but not until the deadline: %v", err)
		}
	case err != nil && !errors.Is(err, ErrUnanswered):
		t.Errorf("not given up: %v", err)
	}
	t.Log(err, time.Since(began))
}

func TestAThrottledCallIsRepeatedUntilTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newStage(t, updating, deployScript, "throttle UpdateEnvironment 0 100")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := deployed(ctx, c); err != nil {
			t.Errorf("throttled a hundred times, with an hour's time: %v", err)
		}
		if s.begun != 1 || s.calls["UpdateEnvironment"] != 101 {
			t.Errorf("%d of %d calls were carried out", s.begun, s.calls["UpdateEnvironment"])
		}
	})
}

func TestThrottlingEndsACallWithoutADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newStage(t, updating, "", "throttle DescribeEnvironments 0 1000000")
		began := time.Now()
		_, err := c.Find(t.Context(), envName, nil)
		if took := time.Since(began); !errors.Is(err, ErrUnanswered) || took < throttleTimeout || took > throttleTimeout+time.Minute {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

func TestExpiredCredentialsAreReported(t *testing.T) {
	for _, operation := range []string{"UpdateEnvironment", "DescribeEvents", "DescribeEnvironments"} {
		synctest.Test(t, func(t *testing.T) {
			s, c := newStage(t, updating, deployScript, fmt.Sprintf("expired %s 1 1000000", operation), "expired UpdateEnvironment")
			if operation != "UpdateEnvironment" {
				s.faults = s.faults[:1]
			}
			began := time.Now()
			if err := deployed(t.Context(), c); !errors.Is(err, awsapi.ErrCredentials) || time.Since(began) > time.Minute {
				t.Errorf("%s: %v after %s", operation, err, time.Since(began))
			}
		})
	}
}

type noCredentials struct{}

func (noCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New("the SSO session has expired")
}

func TestMissingCredentialsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newStage(t, updating, "")
		c := New(eb.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://beanstalk"), HTTPClient: s, Credentials: noCredentials{}}), nil)
		if _, err := c.Find(t.Context(), envName, nil); !errors.Is(err, awsapi.ErrCredentials) || !strings.Contains(err.Error(), "SSO session") {
			t.Errorf("Find: %v", err)
		}
	})
}

func TestErrorsSayWhyThereIsNoAnswer(t *testing.T) {
	for kind, want := range map[string]string{
		"error": "We encountered an internal error. (InternalFailure)", "empty": "500 Internal Server Error", "html": "502 Bad Gateway",
		"reset-before": "connection reset by peer", "timeout-before": "there is none after 30s", "malformed": "it isn't whole",
		"truncated": "unexpected EOF", "page": "it isn't whole", "refused": "403 Forbidden", "nothing": "it isn't whole",
	} {
		synctest.Test(t, func(t *testing.T) {
			_, c := newStage(t, updating, "", kind+" DescribeEnvironments 0 1000000")
			_, err := c.Get(t.Context(), envID)
			if want = "read environment " + envID + ": " + ErrUnanswered.Error() + ": " + want; err == nil || err.Error() != want {
				t.Errorf("%s: %q, want %q", kind, err, want)
			}
		})
	}
}

func TestAnInterruptedWaitEndsAtOnce(t *testing.T) {
	for _, fault := range []string{"slow DescribeEvents 100", "throttle * 2 1000000", "timeout-before * 2 1000000", "html * 2 1000000"} {
		synctest.Test(t, func(t *testing.T) {
			_, c := newStage(t, updating, strings.ReplaceAll(deployScript, "60s", "600s"), fault)
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(41*time.Second, cancel)
			began := time.Now()
			if err := deployed(ctx, c); !errors.Is(err, context.Canceled) || time.Since(began) > 42*time.Second {
				t.Errorf("%s: %v after %s", fault, err, time.Since(began))
			}
		})
	}
}

func TestAnUpdateByAnotherUserIsNotTakenForOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newStage(t, updating, deployScript, "reset-before UpdateEnvironment", "busy UpdateEnvironment")
		if err := deployed(t.Context(), c); !errors.Is(err, awsapi.ErrNotReady) || s.begun > 0 {
			t.Errorf("deployed %d times: %v", s.begun, err)
		}
	})
}

func TestALaunchOfTheNameByAnotherUserIsNotTakenForOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newStage(t, launching, "0s Launching v9 Grey", "reset-after CreateEnvironment")
		if _, err := changer(c).Launch(t.Context(), Launch{Name: envName, Application: application, Version: "v2"}); !errors.Is(err, awsapi.ErrTaken) {
			t.Errorf("launched: %v", err)
		}
	})
}

func TestTheFirstCallLearnsAWSsClock(t *testing.T) {
	for _, offset := range []time.Duration{72 * time.Hour, -72 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s, c := newStage(t, updating, deployScript)
			s.offset = offset
			op, err := changer(c).Deploy(t.Context(), Env{ID: envID, Name: envName}, "v2", "")
			if err == nil {
				_, err = c.Wait(t.Context(), op, func(Event) {})
			}
			if took := time.Since(s.called); err != nil || took > 70*time.Second {
				t.Errorf("%s ahead: %v after %s", offset, err, took)
			}
		})
	}
}
