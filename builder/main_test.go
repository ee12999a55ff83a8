package builder

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/google/go-containerregistry/pkg/registry"

	"beansprout/test/must"
)

// TestMain keeps what the tests remember of files out of the user's cache.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "ssh" {
		pretendSSH()
		return
	}
	dir, err := os.MkdirTemp("", "cache")
	if err != nil {
		log.Fatal(err)
	}
	_ = os.Setenv("XDG_CACHE_HOME", dir)
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// connect returns a Builder on the real engine.
func connect(t *testing.T) *Builder {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a Docker Engine")
	}
	b, err := Connect(t.Context())
	if err != nil {
		t.Fatalf("this test needs a Docker Engine: %v", err)
	}
	b.pause = time.Millisecond
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// newSource returns a source whose context holds the files, and takes its images out of
// the engine when the test ends.
func newSource(t *testing.T, b *Builder, files map[string]string) Source {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		must.Write(t, filepath.Join(dir, name), content)
	}
	name := "test-" + strings.ToLower(rand.Text())
	t.Cleanup(func() { removeImages(t, b, name) })
	return Source{Name: name, Dir: dir, Context: dir}
}

// mustBuild builds the sources, which has to succeed.
func mustBuild(t *testing.T, b *Builder, shelf *shelf, o Options, sources ...Source) []Image {
	t.Helper()
	made, err := b.Build(t.Context(), sources, shelf.registry, o)
	must.Succeed(t, err)
	return made
}

// startBuild builds the sources in the background.
func startBuild(ctx context.Context, b *Builder, shelf *shelf, log *record, sources ...Source) (result <-chan error) {
	done := make(chan error, 1)
	go func() {
		_, err := b.Build(ctx, sources, shelf.registry, Options{Log: log.log})
		done <- err
	}()
	return done
}

func removeImages(t *testing.T, b *Builder, name string) {
	ctx := context.Background()
	for _, id := range images(t, b, name) {
		_, _ = b.docker.ImageRemove(ctx, id, image.RemoveOptions{Force: true, PruneChildren: true})
	}
	if left := images(t, b, name); len(left) > 0 {
		t.Errorf("images left behind: %q", left)
	}
}

// images returns the ids of the images of that name in the engine.
func images(t *testing.T, b *Builder, name string) (ids []string) {
	t.Helper()
	list, err := b.docker.ImageList(context.Background(), image.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("label", label+"="+name))})
	must.Succeed(t, err)
	for _, i := range list {
		ids = append(ids, i.ID)
	}
	return ids
}

var compileStep = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "step")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "step"), "./testdata/step")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(filepath.Join(dir, "step"))
})

// stepBinary returns the static program of testdata/step.
func stepBinary(t *testing.T) string {
	t.Helper()
	binary, err := compileStep()
	must.Succeed(t, err)
	return string(binary)
}

// shelf is a registry that counts the manifests pushed to it.
type shelf struct {
	host     string
	password string
	mu       sync.Mutex
	inner    http.Handler
	pushes   int
	logins   int
	fault    func(http.ResponseWriter, *http.Request) bool // reports whether it has answered
}

func newShelf(t *testing.T) *shelf {
	s := &shelf{password: "secret-" + rand.Text()}
	s.clear()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "AWS" || password != s.word() {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, `{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}`, http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			s.mu.Lock()
			s.pushes++
			s.mu.Unlock()
		}
		if s.fault == nil || !s.fault(w, r) {
			s.content().ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	s.host = strings.TrimPrefix(server.URL, "http://")
	return s
}

// clear makes the registry forget all that was pushed.
func (s *shelf) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inner = registry.New(registry.Logger(log.New(io.Discard, "", 0)))
}

func (s *shelf) content() http.Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inner
}

func (s *shelf) registry(context.Context) (Registry, error) {
	return Registry{Repository: s.host + "/app", Image: s.image, Login: s.login}, nil
}

func (s *shelf) login(context.Context) (Credentials, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins++
	return Credentials{Username: "AWS", Password: s.password}, nil
}

// word is the password of now.
func (s *shelf) word() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.password
}

// expire makes the registry want another password from now on.
func (s *shelf) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = "secret-" + rand.Text()
}

// ask sends a request to the registry as its client would.
func (s *shelf) ask(ctx context.Context, method, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+s.host+"/v2/app"+path, nil)
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth("AWS", s.word())
	return http.DefaultClient.Do(request)
}

// image returns the digests of the manifest under a tag and of its config.
func (s *shelf) image(ctx context.Context, tag string) (digest, config string, err error) {
	response, err := s.ask(ctx, http.MethodGet, "/manifests/"+tag)
	if err != nil {
		return "", "", err
	}
	defer response.Body.Close()
	var manifest struct{ Config struct{ Digest string } }
	if response.StatusCode != http.StatusOK {
		return "", "", nil
	}
	err = json.NewDecoder(response.Body).Decode(&manifest)
	return response.Header.Get("Docker-Content-Digest"), manifest.Config.Digest, err
}

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pushes
}

// has reports whether the registry serves the manifest of that reference.
func (s *shelf) has(t *testing.T, reference string) bool {
	t.Helper()
	digest, ok := strings.CutPrefix(reference, s.host+"/app@")
	if !ok {
		return false
	}
	response, err := s.ask(t.Context(), http.MethodHead, "/manifests/"+digest)
	must.Succeed(t, err)
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// record is a Log that remembers and can be waited for.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (r *record) log(image, step, line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, step+": "+line)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n") + "\n"
}

// await returns when a line contains s.
func (r *record) await(t *testing.T, s string) {
	t.Helper()
	must.Wait(t, fmt.Sprintf("a line with %q", s), func() bool { return strings.Contains(r.String(), s) })
}
