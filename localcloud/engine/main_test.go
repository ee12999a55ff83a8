package engine

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	dockervolume "github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
)

// testImage is the image of testdata/app. Each run makes its own.
var testImage = "beansprout-engine-test:" + strings.ToLower(rand.Text())

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	if testing.Short() {
		return m.Run()
	}
	docker, err := dial("")
	if err == nil {
		err = importImage(docker)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "these tests need a Docker Engine (-short skips them):", err)
		return 1
	}
	defer docker.ImageRemove(context.Background(), testImage, image.RemoveOptions{})
	return m.Run()
}

// importImage builds the test application and an image that contains only it.
func importImage(docker *client.Client) error {
	dir, err := os.MkdirTemp("", "engine-test")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "app"), "./testdata/app")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the test application: %w: %s", err, out)
	}
	app, err := os.ReadFile(filepath.Join(dir, "app"))
	if err != nil {
		return err
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	_ = w.WriteHeader(&tar.Header{Name: "app", Mode: 0o755, Size: int64(len(app))})
	_, _ = w.Write(app)
	_ = w.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o777})
	_ = w.WriteHeader(&tar.Header{Name: "srv/motd", Mode: 0o644})
	_ = w.Close()
	out, err := docker.ImageImport(context.Background(), image.ImportSource{Source: &layer, SourceName: "-"}, testImage,
		image.ImportOptions{Changes: []string{`ENTRYPOINT ["/app"]`}})
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = io.Copy(io.Discard, out)
	return err
}

// newTestEngine returns an engine with its own cloud. Nothing of the cloud is left after the test.
func newTestEngine(t *testing.T, c Config) *Engine {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Docker")
	}
	if c.Cloud == "" {
		c.Cloud = "t" + strings.ToLower(rand.Text())
	}
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	c.Log = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	e, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Reset(context.Background()); err != nil {
			t.Error(err)
		}
		if left := things(t, e); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
	return e
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// things returns the names of all that an engine's cloud has on the Docker Engine.
func things(t *testing.T, e *Engine) []string {
	t.Helper()
	ctx := context.Background()
	containers, err := e.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: e.mine()})
	if err != nil {
		t.Fatal(err)
	}
	networks, err := e.docker.NetworkList(ctx, network.ListOptions{Filters: e.mine()})
	if err != nil {
		t.Fatal(err)
	}
	volumes, err := e.docker.VolumeList(ctx, dockervolume.ListOptions{Filters: e.mine()})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range containers {
		names = append(names, "container "+strings.Join(c.Names, " "))
	}
	for _, n := range networks {
		names = append(names, "network "+n.Name)
	}
	for _, v := range volumes.Volumes {
		names = append(names, "volume "+v.Name)
	}
	slices.Sort(names)
	return names
}

// eventually waits until done returns true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: never", what)
}

// object is a part of a Dockerrun document.
type object = map[string]any

// web returns a front with the test application, changed by the given keys.
func web(changes object) object {
	c := object{"name": "web", "image": testImage, "memory": 64, "portMappings": []object{{"hostPort": 80, "containerPort": 8080}}}
	for key, value := range changes {
		c[key] = value
	}
	return c
}

func dockerrunOf(volumes []object, containers ...object) string {
	text, err := json.Marshal(object{"AWSEBDockerrunVersion": 2, "volumes": volumes, "containerDefinitions": containers})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// zipOf returns a bundle. files are pairs of name and content.
func zipOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func deploymentOf(version string, zipped []byte) Deployment {
	return Deployment{
		Environment: "e-abcdefghij", Name: "shop-login", Version: version,
		Bundle: bytes.NewReader(zipped), Size: int64(len(zipped)), Variables: map[string]string{"VERSION": version},
	}
}

// deploymentWith returns a deployment of these containers.
func deploymentWith(t testing.TB, version string, containers ...object) Deployment {
	return deploymentOf(version, zipOf(t, documentName, dockerrunOf(nil, containers...)))
}

// visit serves an engine's environment e-abcdefghij at http://shop.localhost and returns a function
// that gets a path of it.
func visit(t *testing.T, router interface {
	Router(func(string) (string, bool)) http.Handler
}) func(path string) (int, string) {
	t.Helper()
	server := httptest.NewServer(router.Router(func(prefix string) (string, bool) { return "e-abcdefghij", prefix == "shop" }))
	t.Cleanup(server.Close)
	return func(path string) (int, string) {
		t.Helper()
		request := httptest.NewRequest(http.MethodGet, server.URL+path, nil)
		request.RequestURI, request.Host = "", "shop.localhost"
		response, err := server.Client().Do(request)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Error(err)
		}
		return response.StatusCode, string(text)
	}
}

func want(t *testing.T, get func(string) (int, string), path string, status int, parts ...string) {
	t.Helper()
	gotStatus, text := get(path)
	for end := time.Now().Add(time.Minute); strings.Contains(text, "connection refused") && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond) // what has no health check may begin to listen after the deployment
		gotStatus, text = get(path)
	}
	for _, part := range parts {
		if gotStatus != status || !strings.Contains(text, part) {
			t.Errorf("GET %s = %d %q, want %d with %q", path, gotStatus, text, status, part)
		}
	}
}
