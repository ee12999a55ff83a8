package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"beansprout/builder"
	"beansprout/envs"
	"beansprout/localcloud"
)

// lab is a cloud of its own in this process, whose environments only pretend to run, and an
// application for the real binary to bring up there.
type lab struct {
	testing.TB
	cloud *localcloud.Cloud
	home  string            // the cloud's directory
	dir   string            // the application's
	env   map[string]string // of the binary
	more  []string          // arguments of up: the feature
	limit time.Duration     // of a run, which is then asked where it stands, and dies
}

const labApplication = "hello"

// labFiles are the smallest application that has an image.
var labFiles = map[string]string{
	"beansprout.yaml": `application: hello
build: {web: {context: web}}
environment:
  platform: ECS running on 64bit Amazon Linux 2023
  instance_type: t3.micro
  variables: {MODE: one}
dockerrun: {template: Dockerrun.template.json}
`,
	"Dockerrun.template.json": `{
  "AWSEBDockerrunVersion": 2,
  "containerDefinitions": [{
    "name": "web", "image": "${image.web}", "memory": 64, "portMappings": [{"hostPort": 80, "containerPort": 8080}],
    "environment": [{"name": "COMMIT", "value": "${commit}"}]
  }]
}
`,
	"web/Dockerfile": "FROM scratch\nCOPY page /page\n",
	"web/page":       "one\n",
}

// newLab opens a cloud and lays out the application.
func newLab(t testing.TB, cfg localcloud.Config) *lab {
	t.Helper()
	dir := t.TempDir()
	cfg.Dir = filepath.Join(dir, "cloud")
	cloud, err := localcloud.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{TB: t, cloud: cloud, home: cfg.Dir, dir: filepath.Join(dir, "app"), env: labEnv(dir, cfg.Dir), more: []string{"--feature", "login"}, limit: time.Minute}
	t.Cleanup(l.close)
	for _, name := range slices.Sorted(maps.Keys(labFiles)) {
		l.write(name, labFiles[name])
	}
	return l
}

// labEnv is all that the binary knows of the world.
func labEnv(home, cloud string) map[string]string {
	return map[string]string{
		"HOME": home, "PATH": os.Getenv("PATH"), "GORACE": "atexit_sleep_ms=0", "DOCKER_HOST": os.Getenv("DOCKER_HOST"),
		"BEANSPROUT_LOCAL_DIR": cloud, "GIT_COMMIT": strings.Repeat("1", 40), "CHANGE_AUTHOR": "Kim Dev",
	}
}

// write makes a file of the application. Its date goes by its content: equal files make equal
// images, and the engine sees by its date that one has changed.
func (l *lab) write(name, text string) {
	l.Helper()
	path := filepath.Join(l.dir, name)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
	if err = errors.Join(err, os.Chtimes(path, time.Time{}, time.Unix(int64(crc32.ChecksumIEEE([]byte(text))), 0))); err != nil {
		l.Fatal(err)
	}
}

// edit replaces a text in a file of the application.
func (l *lab) edit(name, old, replacement string) {
	l.Helper()
	l.write(name, strings.Replace(labFiles[name], old, replacement, 1))
}

func (l *lab) close() {
	if err := l.cloud.Close(context.Background()); err != nil {
		l.Errorf("close the cloud: %v", err)
	}
	removeImages(l.host())
}

// removeImages takes what was built for the registry at host off the engine.
func removeImages(host string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	docker, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return
	}
	defer docker.Close()
	images, err := docker.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("reference", host+"/*"))})
	if err != nil {
		return
	}
	for _, i := range images {
		for _, ref := range slices.Concat(i.RepoTags, i.RepoDigests) {
			if strings.HasPrefix(ref, host+"/") {
				_, _ = docker.ImageRemove(ctx, ref, image.RemoveOptions{})
			}
		}
	}
}

// host is the cloud's address, which stands in the references of images.
func (l *lab) host() string { return strings.TrimPrefix(l.cloud.Endpoint(), "http://") }

// account is the number of the cloud's account.
func (l *lab) account() string {
	l.Helper()
	return l.running().Account
}

func (l *lab) running() localcloud.Running {
	l.Helper()
	cloud, err := localcloud.Status(l.env["BEANSPROUT_LOCAL_DIR"])
	if err != nil {
		l.Fatal(err)
	}
	return cloud
}

// name is that of a feature's environment.
func (l *lab) name(feature string) string {
	l.Helper()
	return envs.Name(l.account(), labApplication, feature)
}

// record is what the ledger says about a feature.
func (l *lab) record(feature string) []byte {
	l.Helper()
	api := s3.NewFromConfig(l.config(), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := "elasticbeanstalk-" + localRegion + "-" + l.account()
	object, err := api.GetObject(context.Background(), &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("beansprout/ledger/" + l.name(feature) + ".json")})
	if err != nil {
		l.Fatal(err)
	}
	defer object.Body.Close()
	text, err := io.ReadAll(object.Body)
	if err != nil {
		l.Fatal(err)
	}
	return text
}

// config makes clients that speak to the cloud past everything that spoils calls on their way.
func (l *lab) config() aws.Config {
	key, secret := l.cloud.Credentials()
	return aws.Config{
		Region: localRegion, BaseEndpoint: aws.String(l.cloud.Endpoint()), HTTPClient: bufferedBodies{httpClient()},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	}
}

// through has the binary reach the cloud by another address.
func (l *lab) through(endpoint string) {
	l.Helper()
	l.env["BEANSPROUT_LOCAL_DIR"] = detour(l.TB, l.running(), endpoint)
}

// detour returns a directory that says of a running cloud that it answers at another address.
func detour(t testing.TB, cloud localcloud.Running, endpoint string) string {
	t.Helper()
	cloud.Endpoint = endpoint
	text, err := json.Marshal(cloud)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cloud.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// ended is one run of the binary.
type ended struct {
	args           []string
	code           int // -1: killed
	stdout, stderr string
	took           time.Duration
}

func (r ended) String() string {
	return fmt.Sprintf("beansprout %s: exit code %d after %.1f s\n%s%s", strings.Join(r.args, " "), r.code, r.took.Seconds(), r.stdout, r.stderr)
}

// command is the binary in the application's directory. Variables are NAME=VALUE.
func (l *lab) command(args []string, variables ...string) *exec.Cmd {
	cmd := exec.Command("beansprout", append([]string{"--local"}, args...)...)
	cmd.Dir = l.dir
	for name, value := range l.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, variables...)
	return cmd
}

// run runs the binary to its end. started, unless nil, gets its process.
func (l *lab) run(cmd *exec.Cmd, started func(*os.Process)) ended {
	l.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	began := time.Now()
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	if started != nil {
		started(cmd.Process)
	}
	defer time.AfterFunc(l.limit, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) }).Stop()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		l.Fatal(err)
	}
	return ended{cmd.Args[2:], cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(began)}
}

// must runs the binary, which has to succeed.
func (l *lab) must(args ...string) ended {
	l.Helper()
	r := l.run(l.command(args), nil)
	if r.code != 0 {
		l.Fatalf("%v", r)
	}
	return r
}

func (l *lab) up(args ...string) []string   { return slices.Concat([]string{"up"}, l.more, args) }
func (l *lab) down(args ...string) []string { return slices.Concat([]string{"down"}, l.more, args) }

var engineAnswers = sync.OnceValue(func() error {
	engine, err := builder.Connect(context.Background())
	if err != nil {
		return err
	}
	return engine.Close()
})

// needEngine fails a test that needs a Docker Engine where there is none.
func needEngine(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a Docker Engine")
	}
	if err := engineAnswers(); err != nil {
		t.Fatalf("needs a Docker Engine: %v", err)
	}
}

// soak says whether tests are to run at full length.
func soak() bool { return os.Getenv("BEANSPROUT_SOAK") == "1" }
