package stories

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
	"github.com/rogpeppe/go-internal/testscript"

	"beansprout/localcloud"
	"beansprout/test/lab"
	"beansprout/test/must"
)

func runningCloud(ts *testscript.TestScript) localcloud.Running {
	cloud, err := localcloud.Status(ts.Getenv("BEANSPROUT_LOCAL_DIR"))
	ts.Check(err)
	return cloud
}

func storyBeanstalk(ts *testscript.TestScript) *elasticbeanstalk.Client {
	return elasticbeanstalk.NewFromConfig(lab.Config(runningCloud(ts)))
}

// cloud kill: kill -9 of the local cloud.
// cloud remember | cloud clean: which cloud it is; that nothing of it is on the engine.
// cloud holds KEY: waits until the bucket has an object.
// cloud strange NAME | cloud run NAME VERSION | cloud clone NAME OF | cloud swap A B | cloud tag NAME KEY VALUE:
// what others do to environments, in one application.
func cloudCommand(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	switch args[0] {
	case "kill":
		p, err := os.FindProcess(runningCloud(ts).PID)
		ts.Check(err)
		ts.Check(p.Kill())
	case "remember":
		ts.Setenv("CLOUD_ID", cloudID(ts))
	case "clean":
		if n := onEngine(ctx, ts, ts.Getenv("CLOUD_ID")); n > 0 != neg {
			ts.Fatalf("%d containers and networks of the cloud are on the engine", n)
		}
	case "holds":
		awaitObject(ctx, ts, args[1])
	case "strange":
		createEnvironment(ctx, ts, args[1], nil, nil)
	case "run":
		createEnvironment(ctx, ts, args[1], nil, &args[2])
	case "clone":
		createEnvironment(ctx, ts, args[1], tagsOf(ctx, ts, args[2]), nil)
	case "swap":
		_, err := storyBeanstalk(ts).SwapEnvironmentCNAMEs(ctx, &elasticbeanstalk.SwapEnvironmentCNAMEsInput{
			SourceEnvironmentName: &args[1], DestinationEnvironmentName: &args[2],
		})
		ts.Check(err)
		awaitReady(ctx, ts, args[1])
		awaitReady(ctx, ts, args[2])
	case "tag":
		e := awaitReady(ctx, ts, args[1])
		_, err := storyBeanstalk(ts).UpdateTagsForResource(ctx, &elasticbeanstalk.UpdateTagsForResourceInput{
			ResourceArn: e.EnvironmentArn, TagsToAdd: []types.Tag{{Key: &args[2], Value: &args[3]}},
		})
		ts.Check(err)
		awaitReady(ctx, ts, args[1])
	default:
		ts.Fatalf("cloud knows no %q", args[0])
	}
}

// wantNoCloudLeft fails where a story has left its local cloud running, which it ends. Only Linux
// shows it.
func wantNoCloudLeft(t *testing.T) {
	t.Helper()
	program, err := exec.LookPath("beansprout")
	must.Succeed(t, err)
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range processes {
		args, _ := os.ReadFile(filepath.Join(process, "cmdline"))
		line := strings.ReplaceAll(string(args), "\x00", " ")
		if !strings.HasPrefix(line, program+" local serve ") || !strings.Contains(line, "/script-") {
			continue
		}
		t.Errorf("a story has left process %s: %s", filepath.Base(process), line)
		if pid, err := strconv.Atoi(filepath.Base(process)); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

func cloudID(ts *testscript.TestScript) string {
	text, err := os.ReadFile(filepath.Join(ts.Getenv("BEANSPROUT_LOCAL_DIR"), "identity.json"))
	ts.Check(err)
	var identity struct{ ID string }
	ts.Check(json.Unmarshal(text, &identity))
	return identity.ID
}

// onEngine counts the containers and networks of a cloud.
func onEngine(ctx context.Context, ts *testscript.TestScript, id string) int {
	docker, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	ts.Check(err)
	defer docker.Close()
	labelled := filters.NewArgs(filters.Arg("label", "beansprout.local="+id))
	containers, err := docker.ContainerList(ctx, container.ListOptions{All: true, Filters: labelled})
	ts.Check(err)
	networks, err := docker.NetworkList(ctx, network.ListOptions{Filters: labelled})
	ts.Check(err)
	return len(containers) + len(networks)
}

const storyApplication = "hello"

func createEnvironment(ctx context.Context, ts *testscript.TestScript, name string, tags []types.Tag, version *string) {
	_, err := storyBeanstalk(ts).CreateEnvironment(ctx, &elasticbeanstalk.CreateEnvironmentInput{
		ApplicationName: aws.String(storyApplication), EnvironmentName: &name, CNAMEPrefix: &name, Tags: tags, VersionLabel: version,
		SolutionStackName: aws.String(ecsStack(ctx, ts)),
		OptionSettings: []types.ConfigurationOptionSetting{{
			Namespace: aws.String("aws:autoscaling:launchconfiguration"), OptionName: aws.String("IamInstanceProfile"), Value: aws.String("aws-elasticbeanstalk-ec2-role"),
		}},
	})
	ts.Check(err)
	awaitReady(ctx, ts, name)
}

func ecsStack(ctx context.Context, ts *testscript.TestScript) string {
	out, err := storyBeanstalk(ts).ListAvailableSolutionStacks(ctx, &elasticbeanstalk.ListAvailableSolutionStacksInput{})
	ts.Check(err)
	for _, s := range out.SolutionStacks {
		if strings.HasSuffix(s, "running ECS") {
			return s
		}
	}
	ts.Fatalf("there is no ECS solution stack among %q", out.SolutionStacks)
	return ""
}

func awaitReady(ctx context.Context, ts *testscript.TestScript, name string) types.EnvironmentDescription {
	for ; ; time.Sleep(20 * time.Millisecond) {
		out, err := storyBeanstalk(ts).DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{name}})
		ts.Check(err)
		for _, e := range out.Environments {
			if e.Status == types.EnvironmentStatusReady {
				return e
			}
		}
	}
}

func tagsOf(ctx context.Context, ts *testscript.TestScript, name string) []types.Tag {
	e := awaitReady(ctx, ts, name)
	out, err := storyBeanstalk(ts).ListTagsForResource(ctx, &elasticbeanstalk.ListTagsForResourceInput{ResourceArn: e.EnvironmentArn})
	ts.Check(err)
	var tags []types.Tag
	for _, t := range out.ResourceTags {
		if strings.HasPrefix(*t.Key, "beansprout:") {
			tags = append(tags, t)
		}
	}
	return tags
}

// writes mark | writes N: how many calls that change Beanstalk the cloud answered since the mark.
func countWrites(ts *testscript.TestScript, _ bool, args []string) {
	text, err := os.ReadFile(filepath.Join(ts.Getenv("BEANSPROUT_LOCAL_DIR"), "requests.log"))
	ts.Check(err)
	var writes []string
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var call struct{ Service, Action string }
		ts.Check(json.Unmarshal(lines.Bytes(), &call))
		if call.Service == "elasticbeanstalk" && !reads(call.Action) {
			writes = append(writes, call.Action)
		}
	}
	if args[0] == "mark" {
		ts.Setenv("WRITES", strconv.Itoa(len(writes)))
		return
	}
	before, err := strconv.Atoi(ts.Getenv("WRITES"))
	ts.Check(err)
	if since := writes[before:]; strconv.Itoa(len(since)) != args[0] {
		ts.Fatalf("the cloud answered %d writes, want %s: %v", len(since), args[0], since)
	}
}

func reads(action string) bool {
	for _, prefix := range []string{"Describe", "List", "Check", "Retrieve", "CreateStorageLocation"} {
		if strings.HasPrefix(action, prefix) {
			return true
		}
	}
	return false
}
