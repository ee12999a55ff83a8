package localcloud

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	dockerregistry "github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/jsonmessage"
)

// An image goes into the registry and runs as a container behind a URL. It runs again after a
// restart of the cloud, and is removed in the end.
func TestBundleRunsAndOutlivesARestart(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a Docker Engine")
	}
	docker := newDocker(t)
	c := start(t, Config{Docker: true})
	dir, running := c.cfg.Dir, c
	t.Cleanup(func() { wipe(t, running, docker) })
	ref := docker.push(t, c)
	deploy(t, c, ref)
	awaitPage(t, c, "version=one")
	if got := docker.containers(t, c); got != 1 {
		t.Errorf("%d containers run, want 1", got)
	}
	stop(t, c)
	if got := docker.containers(t, c); got != 0 {
		t.Errorf("%d containers run after close", got)
	}
	running = start(t, Config{Dir: dir, Docker: true, Port: port(c.api)})
	awaitPage(t, running, "version=one")
}

type dockerEngine struct{ *client.Client }

func newDocker(t *testing.T) dockerEngine {
	t.Helper()
	docker, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = docker.Close() })
	if _, err := docker.Ping(t.Context()); err != nil {
		t.Fatalf("this test needs a Docker Engine: %v", err)
	}
	return dockerEngine{docker}
}

func (d dockerEngine) containers(t *testing.T, c *Cloud) int {
	t.Helper()
	found, err := d.ContainerList(context.Background(), container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", "beansprout.local="+c.id.ID))})
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// push builds an image of the engine's test application and pushes it to the cloud's registry. It
// removes the image from the engine, which must then pull it.
func (d dockerEngine) push(t *testing.T, c *Cloud) string {
	t.Helper()
	if _, err := ecr.NewFromConfig(sdk(t, c)).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	ref := c.host() + "/shop:" + strings.ToLower(rand.Text())
	layer := application(t)
	d.drain(t)(d.ImageImport(t.Context(), image.ImportSource{Source: layer, SourceName: "-"}, ref, image.ImportOptions{Changes: []string{`ENTRYPOINT ["/app"]`}}))
	token, err := ecr.NewFromConfig(sdk(t, c)).GetAuthorizationToken(t.Context(), &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	login, err := base64.StdEncoding.DecodeString(*token.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := dockerregistry.EncodeAuthConfig(dockerregistry.AuthConfig{Username: "AWS", Password: strings.TrimPrefix(string(login), "AWS:"), ServerAddress: c.host()})
	if err != nil {
		t.Fatal(err)
	}
	d.drain(t)(d.ImagePush(t.Context(), ref, image.PushOptions{RegistryAuth: auth}))
	if _, err := d.ImageRemove(t.Context(), ref, image.RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	return ref
}

// drain reads a stream to its end and returns the errors that Docker puts into it.
func (dockerEngine) drain(t *testing.T) func(io.ReadCloser, error) {
	return func(stream io.ReadCloser, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		if err := jsonmessage.DisplayJSONMessagesStream(stream, io.Discard, 0, false, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func application(t *testing.T) io.Reader {
	t.Helper()
	file := filepath.Join(t.TempDir(), "app")
	build := exec.Command("go", "build", "-o", file, "./engine/testdata/app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the test application: %v: %s", err, out)
	}
	app, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	_ = w.WriteHeader(&tar.Header{Name: "app", Mode: 0o755, Size: int64(len(app))}) // memory
	_, _ = w.Write(app)
	_ = w.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o777})
	_ = w.Close()
	return &layer
}

func bundle(t *testing.T, ref string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("Dockerrun.aws.json")
	if err != nil {
		t.Fatal(err)
	}
	err = json.NewEncoder(f).Encode(map[string]any{"AWSEBDockerrunVersion": 2, "containerDefinitions": []any{map[string]any{
		"name": "web", "image": ref, "memory": 64, "essential": true, "portMappings": []any{map[string]any{"hostPort": 80, "containerPort": 8080}},
	}}})
	if err != nil || w.Close() != nil {
		t.Fatal("cannot write the bundle")
	}
	return b.Bytes()
}

func deploy(t *testing.T, c *Cloud, ref string) {
	t.Helper()
	ctx, eb := t.Context(), elasticbeanstalk.NewFromConfig(sdk(t, c))
	bucket, err := eb.CreateStorageLocation(ctx, &elasticbeanstalk.CreateStorageLocationInput{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := awss3.NewFromConfig(sdk(t, c)).PutObject(ctx, &awss3.PutObjectInput{Bucket: bucket.S3Bucket, Key: aws.String("one.zip"),
		Body: bytes.NewReader(bundle(t, ref))}); err != nil {
		t.Fatal(err)
	}
	if _, err := eb.CreateApplicationVersion(ctx, &elasticbeanstalk.CreateApplicationVersionInput{ApplicationName: aws.String("shop"),
		VersionLabel: aws.String("one"), AutoCreateApplication: aws.Bool(true),
		SourceBundle: &ebtypes.S3Location{S3Bucket: bucket.S3Bucket, S3Key: aws.String("one.zip")}}); err != nil {
		t.Fatal(err)
	}
	if _, err := eb.CreateEnvironment(ctx, &elasticbeanstalk.CreateEnvironmentInput{ApplicationName: aws.String("shop"), EnvironmentName: aws.String("shop-login"),
		CNAMEPrefix: aws.String("shop-login"), VersionLabel: aws.String("one"), SolutionStackName: aws.String(stackOf(t, eb, "ECS")),
		OptionSettings: []ebtypes.ConfigurationOptionSetting{
			{Namespace: aws.String("aws:autoscaling:launchconfiguration"), OptionName: aws.String("IamInstanceProfile"), Value: aws.String("aws-elasticbeanstalk-ec2-role")},
			{Namespace: aws.String("aws:elasticbeanstalk:application:environment"), OptionName: aws.String("VERSION"), Value: aws.String("one")},
		}}); err != nil {
		t.Fatal(err)
	}
}

// stackOf returns the newest solution stack of a platform.
func stackOf(t testing.TB, eb *elasticbeanstalk.Client, platform string) string {
	t.Helper()
	stacks, err := eb.ListAvailableSolutionStacks(t.Context(), &elasticbeanstalk.ListAvailableSolutionStacksInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stacks.SolutionStacks {
		if strings.HasSuffix(name, " running "+platform) {
			return name
		}
	}
	t.Fatalf("no solution stack runs %s", platform)
	return ""
}

// awaitPage waits until the answer of the environment's URL contains a text.
func awaitPage(t *testing.T, c *Cloud, want string) {
	t.Helper()
	var last string
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		r, err := http.NewRequest("GET", "http://"+c.urls.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "shop-login.localhost"
		resp, body := exchange(t, r)
		if last = fmt.Sprint(resp.Status, " ", body); resp.StatusCode == 200 && strings.Contains(body, want) {
			return
		}
	}
	events, err := elasticbeanstalk.NewFromConfig(sdk(t, c)).DescribeEvents(t.Context(), &elasticbeanstalk.DescribeEventsInput{})
	if err == nil {
		for _, e := range events.Events {
			t.Log(*e.Message)
		}
	}
	t.Fatalf("the URL answers %s, want %s", last, want)
}

func wipe(t *testing.T, c *Cloud, docker dockerEngine) {
	stop(t, c)
	if err := Reset(context.Background(), c.cfg.Dir); err != nil {
		t.Error(err)
	}
	if got := docker.containers(t, c); got != 0 {
		t.Errorf("%d containers left after reset", got)
	}
	images, err := docker.ImageList(context.Background(), image.ListOptions{Filters: filters.NewArgs(filters.Arg("reference", c.host()+"/shop"))})
	if err != nil || len(images) != 0 {
		t.Errorf("images left after reset: %v, %v", images, err)
	}
}
