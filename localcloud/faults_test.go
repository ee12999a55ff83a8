package localcloud

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/localcloud/fault"
	"beansprout/test/must"
)

func inject(t *testing.T, c *Cloud, rules ...string) {
	t.Helper()
	for _, text := range rules {
		r, err := fault.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Inject(r); err != nil {
			t.Fatal(err)
		}
	}
}

// attempts returns the configuration of a client that tries n times, hardly waits between, and
// gives each attempt a minute.
func attempts(t *testing.T, c *Cloud, n int) aws.Config {
	t.Helper()
	cfg := sdk(t, c)
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = n, time.Millisecond })
	}
	cfg.HTTPClient = &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}} // a connection that breaks is not tried again in silence
	return cfg
}

// impatient is attempts for a client that waits for no answer that is held back.
func impatient(t *testing.T, c *Cloud, n int) aws.Config {
	t.Helper()
	cfg := attempts(t, c, n)
	cfg.HTTPClient.(*http.Client).Timeout = time.Second
	return cfg
}

// createSpoiled creates an application in n attempts, of which the first fails.
func createSpoiled(t *testing.T, c *Cloud, n int, app, kind string) error {
	t.Helper()
	r, err := fault.Parse("elasticbeanstalk:CreateApplication:" + kind)
	if err != nil {
		t.Fatal(err)
	}
	r.Count = 1
	if err := c.Inject(r); err != nil {
		t.Fatal(err)
	}
	client := attempts
	if strings.HasPrefix(kind, "timeout") || strings.HasSuffix(kind, "s") && !strings.HasSuffix(kind, "ms") {
		client = impatient
	}
	_, err = elasticbeanstalk.NewFromConfig(client(t, c, n)).CreateApplication(t.Context(), &elasticbeanstalk.CreateApplicationInput{ApplicationName: &app})
	return err
}

func exists(t *testing.T, c *Cloud, app string) bool {
	t.Helper()
	out, err := elasticbeanstalk.NewFromConfig(sdk(t, c)).DescribeApplications(t.Context(),
		&elasticbeanstalk.DescribeApplicationsInput{ApplicationNames: []string{app}})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Applications) == 1
}

// faulty returns the logged calls that failed. It waits for n of them, because a call whose
// connection was cut is logged after the client notices.
func faulty(t *testing.T, c *Cloud, n int) (calls []Entry) {
	t.Helper()
	must.Wait(t, "the calls that failed are logged", func() bool {
		calls = slices.DeleteFunc(c.Calls(), func(call Entry) bool { return call.Fault == "" })
		return len(calls) >= n
	})
	return calls
}

// TestEffectsOfFaultsOnAClient injects each kind once, into a write, for a client that tries once
// and for one that tries again.
func TestEffectsOfFaultsOnAClient(t *testing.T) {
	const (
		already = "InvalidParameterValue" // the first attempt had an effect that the client did not see
		never   = "-"                     // the SDK does not try again, or both attempts would race
	)
	for _, tt := range []struct {
		fault  string
		once   string // in the error of a single attempt
		effect bool
		again  string // code of the error of the second attempt, "" for success
		status int    // in the log
	}{
		{"throttle", "StatusCode: 400, RequestID: ", false, "", 400},
		{"error", "InternalFailure: The request processing has failed", false, "", 500},
		{"empty", "StatusCode: 500", false, "", 500},
		{"html", "StatusCode: 502", false, "", 502},
		{"timeout-before", "Client.Timeout", false, "", 0},
		{"timeout-before:for=50ms", "EOF", false, "", 0},
		{"timeout-after", "Client.Timeout", true, already, 0},
		{"reset-before", "connection reset by peer", false, "", 0},
		{"reset-after", "connection reset by peer", true, already, 0},
		{"slow:for=50ms", "", true, "", 200},
		{"slow:for=3s", "Client.Timeout", true, never, 200},
		{"truncated", "unexpected EOF", true, never, 0},
		{"malformed", "deserialization failed", true, never, 200},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			if tt.fault == "slow:for=3s" && testing.Short() {
				t.Skip("takes seconds")
			}
			c := start(t, Config{})
			err := createSpoiled(t, c, 1, "once", tt.fault)
			if tt.once == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.once) {
				t.Errorf("single attempt: %v, want %q", err, tt.once)
			}
			calls := faulty(t, c, 1)
			if len(calls) != 1 || !strings.HasPrefix(tt.fault, string(calls[0].Fault)) || calls[0].Status != tt.status || calls[0].Action != "CreateApplication" {
				t.Errorf("logged %+v, want status %d", calls, tt.status)
			}
			if got := exists(t, c, "once"); got != tt.effect {
				t.Errorf("it took effect: %v, want %v", got, tt.effect)
			}
			if tt.again == never {
				return
			}
			err = createSpoiled(t, c, 3, "twice", tt.fault)
			if code(err) != tt.again || (err == nil) != (tt.again == "") {
				t.Errorf("with retries: %v, want code %q", err, tt.again)
			}
			if !exists(t, c, "twice") {
				t.Error("with retries it did not take effect")
			}
		})
	}
}

func TestFaultsInEachProtocol(t *testing.T) {
	c := start(t, Config{})
	cfg := attempts(t, c, 1)
	calls := map[string]func() error{
		"elasticbeanstalk": func() error {
			_, err := elasticbeanstalk.NewFromConfig(cfg).DescribeEvents(t.Context(), &elasticbeanstalk.DescribeEventsInput{})
			return err
		},
		"ecr": func() error {
			_, err := ecr.NewFromConfig(cfg).DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
			return err
		},
		"s3": func() error {
			_, err := awss3.NewFromConfig(cfg).ListBuckets(t.Context(), &awss3.ListBucketsInput{})
			return err
		},
	}
	for _, tt := range []struct {
		service, kind, want string
		status              int
	}{
		{"elasticbeanstalk", "throttle", "Throttling", 400}, {"elasticbeanstalk", "error", "InternalFailure", 500},
		{"ecr", "throttle", "ThrottlingException", 400}, {"ecr", "error", "ServerException", 500},
		{"s3", "throttle", "SlowDown", 503}, {"s3", "error", "InternalError", 500},
	} {
		inject(t, c, tt.service+":reads:"+tt.kind+":count=1")
		err := calls[tt.service]()
		if code(err) != tt.want {
			t.Errorf("%s %s: %v, want %s", tt.service, tt.kind, err, tt.want)
		}
		if last := c.Calls()[len(c.Calls())-1]; last.Status != tt.status {
			t.Errorf("%s %s: status %d, want %d", tt.service, tt.kind, last.Status, tt.status)
		}
		if err := calls[tt.service](); err != nil {
			t.Errorf("%s after the fault: %v", tt.service, err)
		}
	}
	for kind, want := range map[string]string{"throttle": "429 TOOMANYREQUESTS", "error": "500 UNKNOWN"} {
		inject(t, c, "registry:GET /v2/*:"+kind+":count=1")
		status, code, _ := strings.Cut(want, " ")
		resp, err := http.Get(c.Endpoint() + "/v2/")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.HasPrefix(resp.Status, status) || !strings.Contains(string(body), `"code":"`+code+`"`) {
			t.Errorf("registry %s: %s %s, want %s", kind, resp.Status, body, want)
		}
	}
}

func TestFaultsOfObjects(t *testing.T) {
	c := start(t, Config{})
	if err := c.objects.EnsureBucket("bkt"); err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("0123456789"), 20) // fits into all buffers between
	put := func(n int, key string) error {
		_, err := awss3.NewFromConfig(impatient(t, c, n)).PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String("bkt"), Key: &key, Body: bytes.NewReader(want)})
		return err
	}
	get := func(key string) ([]byte, error) {
		out, err := awss3.NewFromConfig(attempts(t, c, 1)).GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("bkt"), Key: &key})
		if err != nil {
			return nil, err
		}
		return io.ReadAll(out.Body)
	}
	for kind, effect := range map[string]bool{"timeout-before": false, "timeout-after": true, "reset-before": false, "reset-after": true} {
		inject(t, c, "s3:PutObject:"+kind+":count=1")
		if err := put(1, kind); err == nil {
			t.Errorf("%s of a put: no error", kind)
		}
		if _, err := get(kind); (err == nil) != effect {
			t.Errorf("%s of a put: %v, took effect: want %v", kind, err, effect)
		}
		inject(t, c, "s3:PutObject:"+kind+":count=1")
		if err := put(3, kind); err != nil {
			t.Errorf("%s of a put, with retries: %v", kind, err)
		}
	}
	inject(t, c, "s3:GetObject:truncated:count=1")
	if got, err := get("reset-after"); !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != len(want)/2 {
		t.Errorf("truncated: %d bytes, %v", len(got), err)
	}
	inject(t, c, "s3:GetObject:malformed:count=1")
	if got, err := get("reset-after"); len(got) != len(want)/2 {
		t.Errorf("malformed: %d bytes, %v", len(got), err)
	}
}

func TestStaleReads(t *testing.T) {
	c := start(t, Config{})
	eb := elasticbeanstalk.NewFromConfig(attempts(t, c, 1))
	count := func(names ...string) int {
		out, err := eb.DescribeApplications(t.Context(), &elasticbeanstalk.DescribeApplicationsInput{ApplicationNames: names})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Applications)
	}
	create := func(name string) {
		if _, err := eb.CreateApplication(t.Context(), &elasticbeanstalk.CreateApplicationInput{ApplicationName: &name}); err != nil {
			t.Fatal(err)
		}
	}
	create("one")
	inject(t, c, "elasticbeanstalk:*:stale:count=2")
	var got []int
	got = append(got, count()) // kept
	create("two")
	got = append(got, count("two")) // another read, which has no previous answer
	got = append(got, count(), count(), count())
	for i, want := range []int{1, 1, 1, 1, 2} {
		if got[i] != want {
			t.Errorf("applications seen: %v", got)
			break
		}
	}
	if calls := faulty(t, c, 2); len(calls) != 2 || calls[0].Fault != fault.Stale {
		t.Errorf("logged %+v", calls)
	}
	c.Clear()
	if got := count(); got != 2 {
		t.Errorf("after clear: %d applications", got)
	}
}

func TestAStaleAnswerHasTheDateOfItsRepetition(t *testing.T) {
	c := start(t, Config{})
	inject(t, c, "sts:*:stale")
	_, first := queryCall(c).send(t, c)
	c.Advance(day)
	resp, second := queryCall(c).send(t, c)
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || time.Until(date) < day/2 || second != first {
		t.Errorf("Date = %v, %v; %s after %s", date, err, second, first)
	}
}
