package localcloud

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/localcloud/fault"
)

func TestDescribesAreThrottledAsOnAWS(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	c := start(t, Config{Now: func() time.Time { return now }, Describes: fault.Rate{PerSecond: 2, Burst: 15}})
	eb := elasticbeanstalk.NewFromConfig(attempts(t, c, 1))
	through := func(n int) (ok int) {
		for range n {
			_, err := eb.DescribeEnvironments(t.Context(), &elasticbeanstalk.DescribeEnvironmentsInput{})
			if err != nil && code(err) != "Throttling" {
				t.Fatal(err)
			}
			if err == nil {
				ok++
			}
		}
		return ok
	}
	got := []int{through(20)}
	for _, d := range []time.Duration{500 * time.Millisecond, 2 * time.Second, time.Hour} {
		c.Advance(d)
		got = append(got, through(20))
	}
	for i, want := range []int{15, 1, 4, 15} {
		if got[i] != want {
			t.Fatalf("calls let through: %v", got)
		}
	}
}

func TestFaultsOfTheConfiguration(t *testing.T) {
	c := start(t, Config{Faults: []fault.Rule{{Service: "s3", Operation: "*", Kind: fault.Internal}}})
	if _, err := awss3.NewFromConfig(attempts(t, c, 1)).ListBuckets(t.Context(), &awss3.ListBucketsInput{}); code(err) != "InternalError" {
		t.Errorf("err = %v", err)
	}
	_, err := Open(t.Context(), Config{Dir: t.TempDir(), Faults: []fault.Rule{{Service: "s4", Operation: "*", Kind: fault.Internal}}})
	if err == nil || !strings.Contains(err.Error(), `no service is called "s4"`) {
		t.Errorf("wrong rule: %v", err)
	}
}

func TestAnotherProcessInjectsFaultsAndMovesTheClock(t *testing.T) {
	c := start(t, Config{})
	control := func(form url.Values) (*http.Response, string) {
		r := queryCall(c)
		form.Set("Version", "1")
		r.service, r.body = "beansprout", form.Encode()
		return r.send(t, c)
	}
	if resp, body := control(url.Values{"Action": {"InjectFaults"}, "Faults.member.1": {"*:*:empty"}}); resp.StatusCode != 200 {
		t.Fatalf("%s %s", resp.Status, body)
	}
	if resp, _ := queryCall(c).send(t, c); resp.StatusCode != 500 {
		t.Errorf("with a fault: %s", resp.Status)
	}
	if resp, body := control(url.Values{"Action": {"InjectFaults"}, "Faults.member.1": {"s3:*:fire"}}); resp.StatusCode != 400 || !strings.Contains(body, "no kind is called") {
		t.Errorf("wrong fault: %s %s", resp.Status, body)
	}
	if resp, body := control(url.Values{"Action": {"ClearFaults"}}); resp.StatusCode != 200 {
		t.Errorf("clear: %s %s", resp.Status, body)
	}
	before := c.clock.Now()
	if resp, body := control(url.Values{"Action": {"AdvanceClock"}, "Seconds": {"86400"}}); resp.StatusCode != 200 {
		t.Errorf("advance: %s %s", resp.Status, body)
	}
	if moved := c.clock.Now().Sub(before); moved < 24*time.Hour {
		t.Errorf("clock moved by %s", moved)
	}
	if resp, body := queryCall(c).send(t, c); resp.StatusCode != 200 {
		t.Errorf("after clear: %s %s", resp.Status, body)
	}
	r := queryCall(c)
	r.service, r.body, r.key = "beansprout", "Action=ClearFaults&Version=1", "AKIAFOREIGNFOREIGN00"
	if resp, _ := r.send(t, c); resp.StatusCode != 403 {
		t.Errorf("foreign key: %s", resp.Status)
	}
}

func TestCloseEndsDelayedAnswers(t *testing.T) {
	c := start(t, Config{})
	inject(t, c, "sts:*:timeout-before:count=1", "ecr:*:timeout-after:count=1", "s3:*:slow:for=1h")
	ended := make(chan error, 3)
	for _, r := range []request{queryCall(c), jsonCall(c), objectCall(c)} {
		go func() {
			resp, err := http.DefaultClient.Do(r.signed(t, c))
			if err == nil {
				resp.Body.Close()
			}
			ended <- err
		}()
	}
	for strings.Count(stacks(), "fault.exchange.wait(") < 3 {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	stop(t, c)
	if d := time.Since(began); d > patience {
		t.Errorf("close took %s", d)
	}
	for range 3 {
		<-ended
	}
	noGoroutineOfOurs(t)
}

func TestAClientThatLeavesEndsTheDelay(t *testing.T) {
	c := start(t, Config{})
	inject(t, c, "s3:PutObject:timeout-before")
	ctx, cancel := context.WithCancel(t.Context())
	r := objectCall(c)
	r.method, r.path, r.body = "PUT", "/bkt/k", strings.Repeat("x", 1<<20)
	go func() {
		time.Sleep(50 * time.Millisecond)
		cancel()
	}()
	if _, err := http.DefaultClient.Do(r.signed(t, c).WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if calls := faulty(t, c, 1); len(calls) != 1 || calls[0].Status != 0 {
		t.Errorf("logged %+v", calls)
	}
}
