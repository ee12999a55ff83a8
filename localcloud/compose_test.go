package localcloud

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
)

// besides are the files of each bundle beside its docker-compose.yml.
var besides = map[string]string{"more.env": "OTHER=more\nBOTH=of the file\n", "page/hello.txt": "hello", "page/password": "secret"}

// place is where a compose file runs: in the local cloud or by docker-compose.
type place struct {
	deploy func(t *testing.T, version string)
	get    func(path string) (int, string, error)
	label  string        // of containers, with the name of their service
	mine   func() string // a label of all containers of the file
}

// observed is what can be seen of a compose file that runs.
type observed map[string]string

// TestComposeFilesRunAsWithDockerCompose runs each file through the API of the local cloud and by
// docker-compose, deploys it again where the file says so, and compares what can be seen.
func TestComposeFilesRunAsWithDockerCompose(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a Docker Engine")
	}
	if _, err := exec.LookPath("docker-compose"); err != nil {
		t.Skip("needs docker-compose to compare with")
	}
	docker := newDocker(t)
	ref := docker.testImage(t)
	c := start(t, Config{Docker: true})
	t.Cleanup(func() { wipe(t, c, docker) })
	names, err := filepath.Glob("testdata/compose/*.yml")
	if err != nil || len(names) < 12 {
		t.Fatalf("compose files: %q, %v", names, err)
	}
	t.Run("files", func(t *testing.T) {
		for _, name := range names {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			name, text := strings.TrimSuffix(filepath.Base(name), ".yml"), strings.ReplaceAll(string(raw), "${TEST_IMAGE}", ref)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ours := docker.observe(t, c.composePlace(name, text), text)
				theirs := docker.observe(t, dockerCompose(t, name, text), text)
				if !maps.Equal(ours, theirs) {
					t.Errorf("the environment shows\n%s\ndocker-compose shows\n%s", ours, theirs)
				}
			})
		}
	})
}

func (o observed) String() string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(o)) {
		fmt.Fprintf(&b, "  %s: %.300s\n", key, o[key])
	}
	return b.String()
}

// testImage imports an image of the engine's test application.
func (d dockerEngine) testImage(t *testing.T) string {
	t.Helper()
	ref := "beansprout-compose-test:" + strings.ToLower(rand.Text())
	d.drain(t)(d.ImageImport(t.Context(), image.ImportSource{Source: application(t), SourceName: "-"}, ref, image.ImportOptions{Changes: []string{`ENTRYPOINT ["/app"]`}}))
	t.Cleanup(func() { _, _ = d.ImageRemove(context.Background(), ref, image.RemoveOptions{}) })
	return ref
}

var (
	// step matches what a file's comments say: a page to get, a new deployment, or the order in which
	// services start.
	step = regexp.MustCompile(`(?m)^# (GET|REDEPLOY|ORDER) ?(.*)$`)
	// fleeting matches what differs from run to run.
	fleeting = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+(:\d+)?|0x[0-9a-f]+`)
)

// observe deploys a file in a place and looks at it.
func (d dockerEngine) observe(t *testing.T, p place, text string) observed {
	t.Helper()
	all := observed{}
	p.deploy(t, "v1")
	for i, m := range step.FindAllStringSubmatch(text, -1) {
		key := fmt.Sprint(i, " ", m[0])
		switch m[1] {
		case "REDEPLOY":
			p.deploy(t, "v2")
		case "ORDER":
			all[key] = fmt.Sprint(d.started(t, p, strings.Fields(m[2])))
		case "GET":
			all[key] = eventualAnswer(t, p, m[2])
		}
	}
	maps.Copy(all, d.states(t, p))
	return all
}

// eventualAnswer returns what a page shows once the application answers. docker-compose does not
// wait for that.
func eventualAnswer(t *testing.T, p place, path string) string {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		status, text, err := p.get(path)
		if err == nil && status != http.StatusServiceUnavailable && status != http.StatusBadGateway && !strings.Contains(text, "connection refused") {
			return fmt.Sprint(status, " ", fleeting.ReplaceAllString(text, "N"))
		}
		if time.Now().After(end) {
			t.Fatalf("GET %s: %d %s %v", path, status, text, err)
		}
	}
}

func (d dockerEngine) services(t *testing.T, p place) map[string]container.InspectResponse {
	t.Helper()
	list, err := d.ContainerList(t.Context(), container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", p.mine()))})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]container.InspectResponse{}
	for _, c := range slices.Backward(list) { // the newest last
		found, err := d.ContainerInspect(t.Context(), c.ID)
		if err != nil {
			continue // it was just removed
		}
		all[c.Labels[p.label]] = found
	}
	return all
}

// states returns how each service is, with its exit code if it has ended. It waits for those that are
// being started again.
func (d dockerEngine) states(t *testing.T, p place) observed {
	t.Helper()
	all := observed{}
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		waits := false
		for name, c := range d.services(t, p) {
			health := ""
			if c.State.Health != nil {
				health = c.State.Health.Status
			}
			all["service "+name] = fmt.Sprintf("%s, exit code %d, %d restarts, %s", c.State.Status, c.State.ExitCode, c.RestartCount, health)
			began, err := time.Parse(time.RFC3339Nano, c.State.StartedAt)
			settles := c.State.Running && (err != nil || time.Since(began) < 3*time.Second)
			waits = waits || settles || c.State.Restarting || health == container.Starting
		}
		if !waits || time.Now().After(end) {
			return all
		}
	}
}

// started reports for each two services that follow one another in names whether the first one was
// started, or had ended, before the second one started.
func (d dockerEngine) started(t *testing.T, p place, names []string) []bool {
	t.Helper()
	all := d.services(t, p)
	var before []bool
	for i, name := range names[1:] {
		first, err1 := time.Parse(time.RFC3339Nano, all[names[i]].State.StartedAt)
		second, err2 := time.Parse(time.RFC3339Nano, all[name].State.StartedAt)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		before = append(before, first.Before(second))
	}
	return before
}

// dockerCompose returns the place of a file that docker-compose runs in a directory of its own.
func dockerCompose(t *testing.T, name, text string) place {
	t.Helper()
	dir, project := t.TempDir(), "oracle"+strings.ToLower(rand.Text()[:8])
	for file, content := range besides {
		write(t, filepath.Join(dir, file), content)
	}
	write(t, filepath.Join(dir, "docker-compose.yml"), text)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	run := func(args ...string) error {
		command := exec.Command("docker-compose", append([]string{"--project-name", project, "--no-ansi"}, args...)...)
		command.Dir, command.Env = dir, append(os.Environ(), "HOST_PORT="+port, "DOCKER_BUILDKIT=0")
		if out, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("docker-compose %q: %w: %s", args, err, out)
		}
		return nil
	}
	t.Cleanup(func() {
		if err := run("down", "--volumes", "--timeout", "1"); err != nil {
			t.Error(err)
		}
	})
	return place{
		deploy: func(t *testing.T, version string) {
			write(t, filepath.Join(dir, ".env"), "VERSION="+version+"\n")
			if err := run("up", "--detach", "--timeout", "1"); err != nil {
				t.Fatal(err)
			}
		},
		get:   func(path string) (int, string, error) { return page("http://127.0.0.1:"+port+path, "") },
		label: "com.docker.compose.service", mine: func() string { return "com.docker.compose.project=" + project },
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func page(url, host string) (int, string, error) {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	r.Host = host
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// composePlace returns the place of a file that the local cloud runs in an environment of its own.
func (c *Cloud) composePlace(name, text string) place {
	environment, id := "env-"+name, ""
	return place{
		deploy: func(t *testing.T, version string) { id = c.deployCompose(t, environment, version, text) },
		get: func(path string) (int, string, error) {
			return page("http://"+c.urls.Addr().String()+path, environment+".localhost")
		},
		label: "beansprout.container", mine: func() string { return "beansprout.environment=" + id },
	}
}

// deployCompose creates or updates an environment, waits until it is ready, and returns its id.
func (c *Cloud) deployCompose(t *testing.T, environment, version, text string) (id string) {
	t.Helper()
	ctx, eb, label := t.Context(), elasticbeanstalk.NewFromConfig(sdk(t, c)), c.composeVersion(t, environment+"-"+version, text)
	var err error
	options := []ebtypes.ConfigurationOptionSetting{
		{Namespace: aws.String("aws:autoscaling:launchconfiguration"), OptionName: aws.String("IamInstanceProfile"), Value: aws.String("aws-elasticbeanstalk-ec2-role")},
		{Namespace: aws.String("aws:elasticbeanstalk:application:environment"), OptionName: aws.String("VERSION"), Value: &version},
	}
	if version == "v1" {
		_, err = eb.CreateEnvironment(ctx, &elasticbeanstalk.CreateEnvironmentInput{ApplicationName: aws.String("shop"), EnvironmentName: &environment,
			CNAMEPrefix: &environment, VersionLabel: label, SolutionStackName: aws.String(stackOf(t, eb, "Docker")), OptionSettings: options})
	} else {
		_, err = eb.UpdateEnvironment(ctx, &elasticbeanstalk.UpdateEnvironmentInput{EnvironmentName: &environment, VersionLabel: label, OptionSettings: options})
	}
	if err != nil {
		t.Fatal(err)
	}
	return awaitVersion(t, eb, environment, *label)
}

// composeVersion uploads a bundle with a compose file, registers it, and returns its label.
func (c *Cloud) composeVersion(t *testing.T, label, text string) *string {
	t.Helper()
	ctx, eb := t.Context(), elasticbeanstalk.NewFromConfig(sdk(t, c))
	bucket, err := eb.CreateStorageLocation(ctx, &elasticbeanstalk.CreateStorageLocationInput{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := awss3.NewFromConfig(sdk(t, c)).PutObject(ctx, &awss3.PutObjectInput{Bucket: bucket.S3Bucket, Key: &label, Body: bytes.NewReader(composeBundle(t, text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := eb.CreateApplicationVersion(ctx, &elasticbeanstalk.CreateApplicationVersionInput{ApplicationName: aws.String("shop"), VersionLabel: &label,
		AutoCreateApplication: aws.Bool(true), SourceBundle: &ebtypes.S3Location{S3Bucket: bucket.S3Bucket, S3Key: &label}}); err != nil {
		t.Fatal(err)
	}
	return &label
}

// awaitVersion waits until an environment is ready and green and runs a version, and returns its id.
func awaitVersion(t *testing.T, eb *elasticbeanstalk.Client, environment, label string) (id string) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		found, err := eb.DescribeEnvironments(t.Context(), &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{environment}})
		if err != nil || len(found.Environments) != 1 {
			t.Fatal(found, err)
		}
		e := found.Environments[0]
		if e.Status != ebtypes.EnvironmentStatusReady && time.Now().Before(end) {
			continue
		}
		if e.Health == ebtypes.EnvironmentHealthGreen && aws.ToString(e.VersionLabel) == label {
			return *e.EnvironmentId
		}
		events, err := eb.DescribeEvents(t.Context(), &elasticbeanstalk.DescribeEventsInput{EnvironmentName: &environment})
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range events.Events {
			t.Log(*event.Message)
		}
		t.Fatalf("%s is %s, %s and runs %s", environment, e.Status, e.Health, aws.ToString(e.VersionLabel))
	}
}

func composeBundle(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	files := maps.Clone(besides)
	files["docker-compose.yml"] = text
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(f, files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
