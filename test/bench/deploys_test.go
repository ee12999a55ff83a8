package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/localcloud"
	"beansprout/test/lab"
	"beansprout/test/must"
)

// contest has the binary and a shell script of docker and aws commands deploy the same
// application to the same cloud, each to an environment of its own.
type contest struct {
	*workshop
	script   string
	path     string // with the real commands first
	platform string
	settled  *settlements
	commit   int
}

// settlements remembers when the cloud was done with something.
type settlements struct {
	slog.Handler
	mu   sync.Mutex
	last time.Time
}

func (s *settlements) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (s *settlements) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "environment settled" {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.last = r.Time
	}
	return nil
}

func (s *settlements) when() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func newContest(b *testing.B, cloudTime time.Duration) *contest {
	settled := &settlements{Handler: slog.DiscardHandler}
	w := newWorkshop(b, localcloud.Config{CreateTime: cloudTime, UpdateTime: cloudTime, Log: slog.New(settled)})
	script, err := filepath.Abs("testdata/deploy.sh")
	must.Succeed(b, err)
	c := &contest{workshop: w, script: script, settled: settled}
	c.path = strings.Join([]string{filepath.Dir(tool(b, "aws")), filepath.Dir(w.docker), os.Getenv("PATH")}, ":")
	c.platform = c.ecs()
	return c
}

// ecs is the platform that both use.
func (c *contest) ecs() string {
	c.Helper()
	out, err := elasticbeanstalk.NewFromConfig(c.Lab.Config()).ListPlatformVersions(c.b.Context(), &elasticbeanstalk.ListPlatformVersionsInput{
		Filters: []types.PlatformFilter{{Type: aws.String("PlatformBranchName"), Operator: aws.String("="), Values: []string{"ECS running on 64bit Amazon Linux 2023"}}},
	})
	if err != nil || len(out.PlatformSummaryList) == 0 {
		c.Fatalf("no platform: %v", err)
	}
	return *out.PlatformSummaryList[0].PlatformArn
}

// next is a commit that changes the image.
func (c *contest) next(size int) {
	c.commit++
	c.put(filepath.Join(c.Dir, "web", "page"), size)
}

// delivery is one deploy by the binary or the script.
type delivery struct {
	took, reportDelay time.Duration // in all, and from when the cloud was done
	calls             []localcloud.Entry
}

// up deploys with the binary.
func (c *contest) up() delivery {
	c.Helper()
	return c.watch(c.Command(c.Lab.Up(), "GIT_COMMIT="+c.sha()))
}

func (c *contest) sha() string { return fmt.Sprintf("%040x", c.commit) }

// deploy deploys with the script.
func (c *contest) deploy(environment string) delivery {
	c.Helper()
	cloud := c.Running()
	cmd := exec.Command(c.script, environment, c.sha())
	cmd.Dir = c.Dir
	cmd.Env = []string{
		"PATH=" + c.path, "HOME=" + c.config, "DOCKER_CONFIG=" + c.config, "DOCKER_HOST=" + os.Getenv("DOCKER_HOST"), "DOCKER_BUILDKIT=1", "PLATFORM=" + c.platform,
		"AWS_ENDPOINT_URL=" + cloud.Endpoint, "AWS_DEFAULT_REGION=" + lab.Region, "AWS_ACCESS_KEY_ID=" + cloud.Key, "AWS_SECRET_ACCESS_KEY=" + cloud.Secret, "AWS_PAGER=",
	}
	return c.watch(cmd)
}

func (c *contest) watch(cmd *exec.Cmd) delivery {
	c.Helper()
	before := len(c.Cloud.Calls())
	d := delivery{took: timed(c.b, func() error { return shell(cmd) })}
	d.calls, d.reportDelay = c.Cloud.Calls()[before:], time.Since(c.settled.when())
	return d
}

// beanstalk counts the calls to Beanstalk, and those of them that change something.
func (d delivery) beanstalk() (calls, writes int) {
	for _, e := range d.calls {
		if e.Service == "elasticbeanstalk" {
			if calls++; !reads(e.Action) {
				writes++
			}
		}
	}
	return calls, writes
}

// waiting counts the calls to Beanstalk after the update was asked for.
func (d delivery) waiting() int {
	i := slices.IndexFunc(d.calls, func(e localcloud.Entry) bool { return e.Action == "UpdateEnvironment" })
	calls, _ := delivery{calls: d.calls[i+1:]}.beanstalk()
	return calls
}

// BenchmarkDeploys compares whole deploys with a shell script of docker and aws commands.
func BenchmarkDeploys(b *testing.B) {
	for _, cloudTime := range []time.Duration{0, 3 * time.Second} {
		b.Run(fmt.Sprintf("updates of %s", cloudTime), func(b *testing.B) {
			c := newContest(b, cloudTime)
			t := newTable(fmt.Sprintf("Deploys, with updates that take the cloud %s", cloudTime), "Beansprout", "docker and aws commands")
			c.next(1000)
			c.up()
			c.deploy("script")
			for b.Loop() {
				c.round(t, cloudTime)
			}
			t.print()
		})
	}
}

func (c *contest) round(t *table, cloudTime time.Duration) {
	c.next(1000)
	us, them := c.up(), c.deploy("script")
	t.times("own overhead of a deploy", 0.1, us.took-cloudTime, them.took-cloudTime)
	t.counts("Ready to reported", "s", 0.5, us.reportDelay.Seconds(), them.reportDelay.Seconds())
	ours, _ := us.beanstalk()
	theirs, _ := them.beanstalk()
	t.compares("calls to Beanstalk until it is known to be Ready", "", 1, float64(us.waiting()), float64(them.waiting()))
	t.compares("calls to Beanstalk of the whole deploy", "", 1, float64(ours), float64(theirs))
	us, them = c.up(), c.deploy("script")
	t.times("nothing changed", 0.02, us.took, them.took)
	calls, writes := us.beanstalk()
	t.counts("nothing changed: calls to Beanstalk", "", 3, float64(calls))
	t.counts("nothing changed: writes to Beanstalk", "", 0, float64(writes))
}

// BenchmarkCold compares the way to a new feature's URL with what it consists of: build,
// push, and the cloud's own creation.
func BenchmarkCold(b *testing.B) {
	const create = 5 * time.Second
	c := newContest(b, create)
	t := newTable("A new feature, image and all", "Beansprout", "docker build + docker push + creation")
	for i := 0; b.Loop(); i++ {
		c.UpArgs = []string{"--feature", fmt.Sprint("cold-", i)}
		c.next(oneImage)
		parts := create + timed(b, c.withDocker(true, filepath.Join(c.Dir, "web")))
		c.next(oneImage)
		t.times("to the URL", 1.1, c.up().took, parts)
	}
	t.print()
}

func reads(action string) bool {
	return slices.ContainsFunc([]string{"Describe", "List", "Check", "Retrieve", "CreateStorageLocation"}, func(p string) bool { return strings.HasPrefix(action, p) })
}
