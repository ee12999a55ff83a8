package stories

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"

	"beansprout/localcloud"
	"beansprout/test/lab"
)

// TestTheJanitorRunsInAnEmptyContainer builds the image of templates/Dockerfile.janitor and runs it
// against a local cloud.
func TestTheJanitorRunsInAnEmptyContainer(t *testing.T) {
	lab.NeedEngine(t)
	cloud, err := localcloud.Open(t.Context(), localcloud.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	docker, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = docker.Close() })
	tag := janitorImage(t, docker)
	checkVersionAndCertificates(t, docker, tag)
	ports, err := lab.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	address := "127.0.0.1:" + ports[0]
	key, secret := cloud.Credentials()
	made, err := docker.ContainerCreate(t.Context(), &container.Config{
		Image: tag,
		Cmd:   []string{"janitor", "--live", "--listen", address, "--config", "/beansprout.yaml"},
		Env: []string{
			"AWS_ENDPOINT_URL=" + cloud.Endpoint(), "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret,
			"AWS_EC2_METADATA_DISABLED=true",
		},
	}, &container.HostConfig{NetworkMode: "host", ReadonlyRootfs: true, CapDrop: []string{"ALL"}}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = docker.ContainerRemove(context.Background(), made.ID, container.RemoveOptions{Force: true})
	})
	if err := docker.ContainerStart(t.Context(), made.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/livez", "/healthz", "/metrics"} {
		if code := poll("http://" + address + path); code != http.StatusOK {
			t.Fatalf("%s answers %d: %s", path, code, containerLogs(t, docker, made.ID))
		}
	}
	if err := docker.ContainerStop(t.Context(), made.ID, container.StopOptions{}); err != nil {
		t.Fatal(err)
	}
	ended, err := docker.ContainerInspect(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	logs := containerLogs(t, docker, made.ID)
	if ended.State.ExitCode != 0 || ended.Config.User != "65534:65534" || !strings.Contains(logs, `"msg":"stopped"`) {
		t.Errorf("user %q, exit code %d: %s", ended.Config.User, ended.State.ExitCode, logs)
	}
}

// checkVersionAndCertificates runs the program of the image for --version, and against a server whose
// certificate no public authority has signed. That it serves at all proves its time zones, which its
// schedule needs.
func checkVersionAndCertificates(t *testing.T, docker *client.Client, tag string) {
	t.Helper()
	if code, logs := contained(t, docker, tag, nil, "--version"); code != 0 || !strings.Contains(logs, "beansprout") {
		t.Errorf("--version ends with %d: %s", code, logs)
	}
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	code, logs := contained(t, docker, tag, []string{
		"BEANSPROUT_SLACK_API_URL=" + server.URL, "SLACK_BOT_TOKEN=xoxb-1", "SLACK_APP_TOKEN=xapp-1",
	}, "slack", "test", "--config", "/beansprout.yaml")
	if code != 1 || !strings.Contains(logs, "certificate signed by unknown authority") {
		t.Errorf("a certificate of nobody's: it ends with %d: %s", code, logs)
	}
}

// contained runs the image to its end, without rights, and returns its exit code and what it says.
func contained(t *testing.T, docker *client.Client, tag string, env []string, args ...string) (code int, logs string) {
	t.Helper()
	made, err := docker.ContainerCreate(t.Context(), &container.Config{Image: tag, Cmd: args, Env: append(env, "AWS_EC2_METADATA_DISABLED=true")},
		&container.HostConfig{NetworkMode: "host", ReadonlyRootfs: true, CapDrop: []string{"ALL"}}, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = docker.ContainerRemove(context.Background(), made.ID, container.RemoveOptions{Force: true})
	}()
	ended, failed := docker.ContainerWait(t.Context(), made.ID, container.WaitConditionNextExit)
	if err := docker.ContainerStart(t.Context(), made.ID, container.StartOptions{}); err != nil {
		t.Fatal(err)
	}
	select {
	case end := <-ended:
		return int(end.StatusCode), containerLogs(t, docker, made.ID)
	case err := <-failed:
		t.Fatal(err)
		return 0, ""
	}
}

// poll asks a URL until it answers 200, or for long enough, and returns the last status.
func poll(url string) (code int) {
	for end := time.Now().Add(waitLimit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(url)
		if err != nil {
			continue
		}
		resp.Body.Close()
		if code = resp.StatusCode; code == http.StatusOK {
			break
		}
	}
	return code
}

// janitorImage builds the image, with a configuration whose schedule needs a time zone.
func janitorImage(t *testing.T, docker *client.Client) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "beansprout")
	compile := exec.Command("go", "build", "-ldflags", "-s -w", "-o", program, "beansprout/cmd/beansprout")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	if info, err := buildinfo.ReadFile(program); err != nil || !slices.ContainsFunc(info.Deps, func(m *debug.Module) bool {
		return m.Path == "golang.org/x/crypto/x509roots/fallback"
	}) {
		t.Errorf("the program brings no certificates: %v", err)
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	dockerfile, err := os.ReadFile("../../templates/Dockerfile.janitor")
	if err != nil {
		t.Fatal(err)
	}
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	for name, content := range map[string]string{
		"Dockerfile": string(dockerfile) + "COPY beansprout.yaml /beansprout.yaml\n", "beansprout": string(binary),
		"beansprout.yaml": "application: shop\nartifact: app.war\nenvironment: {platform: Tomcat 11 with Corretto 21 running on 64bit Amazon Linux 2023}\n" +
			"slack: {channel: \"#qa\"}\nexpire: {schedule: \"CRON_TZ=Asia/Seoul * * * * *\"}\n",
	} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	tag := fmt.Sprintf("beansprout-janitor-test:%d", time.Now().UnixNano())
	built, err := docker.ImageBuild(t.Context(), &files, build.ImageBuildOptions{Tags: []string{tag}, Remove: true})
	if err != nil {
		t.Fatal(err)
	}
	defer built.Body.Close()
	for lines := json.NewDecoder(built.Body); ; {
		var line struct{ Error string }
		if err := lines.Decode(&line); err == io.EOF {
			break
		} else if err != nil || line.Error != "" {
			t.Fatalf("docker build: %s %v", line.Error, err)
		}
	}
	t.Cleanup(func() { _, _ = docker.ImageRemove(context.Background(), tag, image.RemoveOptions{Force: true}) })
	return tag
}

func containerLogs(t *testing.T, docker *client.Client, id string) string {
	t.Helper()
	r, err := docker.ContainerLogs(context.Background(), id, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var text bytes.Buffer
	_, _ = stdcopy.StdCopy(&text, &text, r)
	return text.String()
}
