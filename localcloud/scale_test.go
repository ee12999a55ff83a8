package localcloud

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/localcloud/cloudtest"
)

const (
	many     = 10_000
	heapRoom = 200 << 20 // bytes
)

// TestTenThousandEnvironments checks memory and completeness. The benchmarks below measure times.
func TestTenThousandEnvironments(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	c := crowded(t, many)
	eb := crowdClient(t, c)
	all := describeAll(t, eb, 0)
	pages := describeAll(t, eb, 1000)
	if len(all) != many || len(pages) != many {
		t.Fatalf("%d environments in one piece, %d in pages, want %d", len(all), len(pages), many)
	}
	for i, e := range all {
		if want := fmt.Sprintf("e-%010d", i); *e.EnvironmentId != want || *pages[i].EnvironmentId != want || e.Status != ebtypes.EnvironmentStatusReady {
			t.Fatalf("environment %d is %s in one piece, %s in pages, %s; want %s, Ready", i, *e.EnvironmentId, *pages[i].EnvironmentId, e.Status, want)
		}
	}
	one := describeNamed(t, eb, "load-9999")
	if len(one) != 1 || *one[0].EnvironmentId != "e-0000009999" {
		t.Errorf("load-9999 is %v", one)
	}
	if status, body := askURL(t, c, "load-9999"); status != http.StatusOK {
		t.Errorf("its URL answers %d %s", status, body)
	}
	runtime.KeepAlive([][]ebtypes.EnvironmentDescription{all, pages})
	all, pages = nil, nil
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	t.Logf("%d environments: heap in use %d MB, from the system %d MB, %s", many, m.HeapInuse>>20, m.Sys>>20, resident())
	if m.HeapInuse > heapRoom {
		t.Errorf("the heap holds %d MB, want at most %d", m.HeapInuse>>20, heapRoom>>20)
	}
}

func BenchmarkDescribeTenThousandEnvironments(b *testing.B) {
	eb := crowdClient(b, crowded(b, many))
	for _, of := range []int{0, 1000, 100} {
		b.Run(fmt.Sprintf("pages of %d", of), func(b *testing.B) {
			for b.Loop() {
				if got := len(describeAll(b, eb, of)); got != many {
					b.Fatalf("%d environments, want %d", got, many)
				}
			}
		})
	}
	b.Run("one by name", func(b *testing.B) {
		for b.Loop() {
			describeNamed(b, eb, "load-9999")
		}
	})
	b.Log(resident())
}

// crowded opens a cloud without Docker that has n environments.
func crowded(t testing.TB, n int) *Cloud {
	t.Helper()
	dir := t.TempDir()
	c := start(t, Config{Dir: dir})
	eb := elasticbeanstalk.NewFromConfig(sdk(t, c))
	if _, err := eb.CreateApplication(t.Context(), &elasticbeanstalk.CreateApplicationInput{ApplicationName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	launchOne(t, eb, "shop-seed", "")
	awaitStatus(t, eb, ebtypes.EnvironmentStatusReady, 1)
	stop(t, c)
	if err := cloudtest.Multiply(dir, n, nil); err != nil {
		t.Fatal(err)
	}
	return start(t, Config{Dir: dir})
}

// crowdClient returns a client that makes one attempt per call, so that no retry hides a failure.
func crowdClient(t testing.TB, c *Cloud) *elasticbeanstalk.Client {
	cfg := sdk(t, c)
	cfg.RetryMaxAttempts, cfg.HTTPClient = 1, wholeBodies{}
	return elasticbeanstalk.NewFromConfig(cfg)
}

// describeAll reads all environments in pages of the given size; 0 means one page.
func describeAll(t testing.TB, eb *elasticbeanstalk.Client, size int) []ebtypes.EnvironmentDescription {
	t.Helper()
	in := &elasticbeanstalk.DescribeEnvironmentsInput{}
	if size > 0 {
		in.MaxRecords = aws.Int32(int32(size))
	}
	var all []ebtypes.EnvironmentDescription
	for {
		out, err := eb.DescribeEnvironments(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if size > 0 && len(out.Environments) > size {
			t.Fatalf("a page has %d environments, want at most %d", len(out.Environments), size)
		}
		all = append(all, out.Environments...)
		if in.NextToken = out.NextToken; aws.ToString(out.NextToken) == "" {
			return all
		}
	}
}

func describeNamed(t testing.TB, eb *elasticbeanstalk.Client, name string) []ebtypes.EnvironmentDescription {
	t.Helper()
	out, err := eb.DescribeEnvironments(t.Context(), &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Environments
}

// launchOne creates an environment of the application shop. Without a version it runs the sample
// application.
func launchOne(t testing.TB, eb *elasticbeanstalk.Client, name, version string) {
	t.Helper()
	in := &elasticbeanstalk.CreateEnvironmentInput{
		ApplicationName: aws.String("shop"), EnvironmentName: &name, CNAMEPrefix: &name, SolutionStackName: aws.String(stackOf(t, eb, "ECS")),
		OptionSettings: []ebtypes.ConfigurationOptionSetting{
			{Namespace: aws.String("aws:autoscaling:launchconfiguration"), OptionName: aws.String("IamInstanceProfile"), Value: aws.String("aws-elasticbeanstalk-ec2-role")},
			{Namespace: aws.String("aws:elasticbeanstalk:application:environment"), OptionName: aws.String("VERSION"), Value: &name},
		}}
	if version != "" {
		in.VersionLabel = &version
	}
	if _, err := eb.CreateEnvironment(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// awaitStatus waits until there are n environments, all of them with that status and none Red.
func awaitStatus(t testing.TB, eb *elasticbeanstalk.Client, status ebtypes.EnvironmentStatus, n int) {
	t.Helper()
	var arrived []string
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		arrived = nil
		for _, e := range describeAll(t, eb, 0) {
			if e.Health == ebtypes.EnvironmentHealthRed {
				t.Fatalf("%s is Red", *e.EnvironmentName)
			}
			if e.Status == status {
				arrived = append(arrived, *e.EnvironmentName)
			}
		}
		if len(arrived) == n {
			return
		}
	}
	t.Fatalf("%s are only %d of %d environments: %q", status, len(arrived), n, arrived)
}

// askURL gets the page of an environment.
func askURL(t testing.TB, c *Cloud, prefix string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.urls.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = prefix + ".localhost"
	response, body := exchange(t, r)
	return response.StatusCode, body
}

// wholeBodies is an HTTP client for the SDK that sends a copy of each body. The SDK closes its own
// body when an answer begins, and net/http then drops the connection of a long one.
type wholeBodies struct{}

func (wholeBodies) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultClient.Do(r)
}

// resident returns how much memory the operating system counts for this process, including that of
// the test.
func resident() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "resident size unknown: " + err.Error()
	}
	var sizes []string
	for line := range strings.Lines(string(status)) {
		if name, size, _ := strings.Cut(line, ":"); name == "VmRSS" || name == "VmHWM" {
			sizes = append(sizes, name+" "+strings.TrimSpace(size))
		}
	}
	return strings.Join(sizes, ", ")
}
