package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"beansprout/envs"
	"beansprout/envs/store"
	"beansprout/localcloud"
	"beansprout/localcloud/cloudtest"
	"beansprout/test/lab"
)

const (
	sweepCrowd = 10_000
	sweepDue   = 100
)

// estate is a cloud with thousands of environments, some of them due.
type estate struct {
	*testing.B
	cloud *localcloud.Cloud
	dir   string
}

func newEstate(b *testing.B, crowd, due int) *estate {
	e := &estate{B: b, dir: b.TempDir()}
	e.open()
	client := elasticbeanstalk.NewFromConfig(e.config())
	_, err := client.CreateApplication(b.Context(), &elasticbeanstalk.CreateApplicationInput{ApplicationName: aws.String("shop")})
	stacks, unlisted := client.ListAvailableSolutionStacks(b.Context(), &elasticbeanstalk.ListAvailableSolutionStacksInput{})
	if unlisted != nil {
		b.Fatal(unlisted)
	}
	stack := stacks.SolutionStacks[slices.IndexFunc(stacks.SolutionStacks, func(s string) bool { return strings.Contains(s, "Corretto 21") })]
	if err == nil {
		_, err = client.CreateEnvironment(b.Context(), &elasticbeanstalk.CreateEnvironmentInput{
			ApplicationName: aws.String("shop"), EnvironmentName: aws.String("seed"), CNAMEPrefix: aws.String("seed"),
			SolutionStackName: &stack,
			OptionSettings: []types.ConfigurationOptionSetting{{
				Namespace: aws.String("aws:autoscaling:launchconfiguration"), OptionName: aws.String("IamInstanceProfile"), Value: aws.String("aws-elasticbeanstalk-ec2-role"),
			}},
		})
	}
	if err != nil {
		b.Fatal(err)
	}
	for {
		out, err := client.DescribeEnvironments(b.Context(), &elasticbeanstalk.DescribeEnvironmentsInput{})
		if err != nil {
			b.Fatal(err)
		}
		if out.Environments[0].Status == types.EnvironmentStatusReady {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := client.CreateStorageLocation(b.Context(), &elasticbeanstalk.CreateStorageLocationInput{}); err != nil {
		b.Fatal(err)
	}
	e.close()
	var names []string
	err = cloudtest.Multiply(filepath.Join(e.dir, "cloud"), crowd, func(i int, row map[string]any) {
		feature := fmt.Sprintf("feature/%05d", i)
		name := envs.Name(fmt.Sprint(row["Account"]), "shop", feature)
		names = append(names, name)
		row["Name"], row["Prefix"] = name, name
		row["Description"] = envs.Description{Feature: feature, Commit: strings.Repeat("a", 40), TTL: "5d", Owner: "Kim Dev"}.String()
		created := time.Now().Add(-time.Hour)
		if i < due {
			created = created.Add(-6 * 24 * time.Hour)
		}
		row["Created"], row["Updated"] = created, created
		row["Setup"].(map[string]any)["Tags"] = envs.NewTags(feature, "Kim Dev", created)
	})
	if err != nil {
		b.Fatal(err)
	}
	e.open()
	b.Cleanup(e.close)
	e.record(names)
	return e
}

func (e *estate) open() {
	cloud, err := localcloud.Open(context.Background(), localcloud.Config{Dir: filepath.Join(e.dir, "cloud")})
	if err != nil {
		e.Fatal(err)
	}
	e.cloud = cloud
}

// reopen empties the log of calls, which holds the last 10,000.
func (e *estate) reopen() {
	e.close()
	e.open()
}

func (e *estate) close() {
	if err := e.cloud.Close(context.Background()); err != nil {
		e.Error(err)
	}
}

func (e *estate) config() aws.Config {
	key, secret := e.cloud.Credentials()
	return aws.Config{
		Region: lab.Region, BaseEndpoint: aws.String(e.cloud.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	}
}

// record gives every environment a record.
func (e *estate) record(names []string) {
	client := elasticbeanstalk.NewFromConfig(e.config())
	out, err := client.CreateStorageLocation(e.Context(), &elasticbeanstalk.CreateStorageLocationInput{})
	if err != nil {
		e.Fatal(err)
	}
	records := store.New(s3.NewFromConfig(e.config()), aws.ToString(out.S3Bucket))
	g, ctx := errgroup.WithContext(e.Context())
	g.SetLimit(16)
	for i, name := range names {
		g.Go(func() error {
			_, err := records.Change(ctx, name, func(r *store.Record) { r.SetEnvironment(fmt.Sprintf("e-%010d", i)) })
			return err
		})
	}
	if err := g.Wait(); err != nil {
		e.Fatal(err)
	}
}

// run runs a program as on AWS, and returns what it printed, how many calls it made, and its peak memory in MB.
func (e *estate) run(name string, args ...string) (out string, calls int, took time.Duration, peak float64) {
	e.Helper()
	key, secret := e.cloud.Credentials()
	cmd := exec.Command(name, args...)
	cmd.Dir = e.dir
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+e.cloud.Endpoint(), "AWS_REGION="+lab.Region, "AWS_DEFAULT_REGION="+lab.Region,
		"AWS_ACCESS_KEY_ID="+key, "AWS_SECRET_ACCESS_KEY="+secret, "AWS_EC2_METADATA_DISABLED=true")
	var errs strings.Builder
	cmd.Stderr = &errs
	before := len(e.cloud.Calls())
	started := time.Now()
	var text strings.Builder
	cmd.Stdout = &text
	err := cmd.Start()
	if err == nil {
		peak = float64(lab.WatchMemory(cmd.Process.Pid))
		err = cmd.Wait()
	}
	took = time.Since(started)
	if err != nil {
		e.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	return text.String(), len(e.cloud.Calls()) - before, took, peak
}

// BenchmarkSweep counts, at the server, what a sweep of 10,000 environments asks AWS, beside a script that
// reads each environment's tags.
func BenchmarkSweep(b *testing.B) {
	e, idle := newEstate(b, sweepCrowd, sweepDue), newEstate(b, sweepCrowd, 0)
	binary, err := filepath.Abs("../../bin/beansprout")
	if err != nil {
		b.Fatal(err)
	}
	write := func(name string, text string) string {
		file := filepath.Join(e.dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		return file
	}
	const config = "application: shop\nartifact: app.war\nenvironment: {platform: Corretto 21 running on 64bit Amazon Linux 2023}\n"
	due := write("due.yaml", config)
	script, err := filepath.Abs("testdata/tags.py")
	if err != nil {
		b.Fatal(err)
	}
	python := tool(b, "python3")
	if exec.Command(python, "-c", "import boto3").Run() != nil {
		python = ""
	}
	t := newTable(fmt.Sprintf("A sweep of %d environments, %d of them due", sweepCrowd, sweepDue), "Beansprout", "boto3, tag by tag")
	for b.Loop() {
		var reference []float64
		var seconds []float64
		if python != "" {
			out, _, took, _ := e.run(python, script)
			calls, err := strconv.Atoi(strings.TrimSpace(out))
			if err != nil {
				b.Fatal(err)
			}
			reference, seconds = []float64{float64(calls)}, []float64{took.Seconds()}
		}
		e.reopen()
		out, calls, took, peak := e.run(binary, "sweep", "--json", "--config", due)
		if n := strings.Count(out, `"action": "remove"`); n != 10 {
			b.Errorf("%d would be removed, want the 10 of expire.max_deletions", n)
		}
		t.counts("sweep: calls", "", sweepCrowd/40, float64(calls), reference...)
		t.counts("sweep: time", "s", 60, took.Seconds(), seconds...)
		t.counts("sweep: peak memory", "MB", 64, peak)
		idle.reopen()
		out, calls, took, peak = idle.run(binary, "sweep", "--json", "--config", due)
		if strings.Contains(out, `"action": "remove"`) {
			b.Error("an idle sweep would remove something")
		}
		t.counts("idle sweep: calls", "", sweepCrowd/90, float64(calls), reference...)
		t.counts("idle sweep: time", "s", 60, took.Seconds(), seconds...)
		t.counts("idle sweep: peak memory", "MB", 64, peak)
	}
	t.print()
}
