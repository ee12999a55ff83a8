package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/image"
	apiregistry "github.com/docker/docker/api/types/registry"
	"github.com/google/go-containerregistry/pkg/registry"
)

func TestUnreachableEngineIsOneSentence(t *testing.T) {
	_, err := New(t.Context(), Config{Cloud: "c", Host: "unix://" + filepath.Join(t.TempDir(), "none.sock"), Dir: t.TempDir()})
	if err == nil || !strings.HasPrefix(err.Error(), "reach the Docker Engine: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

func TestEngineElsewhereIsRefused(t *testing.T) {
	tests := map[string]bool{
		"unix:///var/run/docker.sock": true, "tcp://127.0.0.1:2375": true, "tcp://[::1]:2375": true, "tcp://localhost:2375": true,
		"tcp://10.0.0.5:2375": false, "ssh://build@ci": false, "npipe:////./pipe/docker_engine": false, "tcp://docker:2375": false, "": false,
	}
	for host, want := range tests {
		if got := local(host); got != want {
			t.Errorf("local(%q) = %t, want %t", host, got, want)
		}
	}
}

func TestPortTakenByAnotherProcessIsReplaced(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tries := 0
	e.port = func() (int, error) {
		if tries++; tries == 1 {
			return l.Addr().(*net.TCPAddr).Port, nil
		}
		return freePort()
	}
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil || tries != 2 {
		t.Errorf("got %v after %d tries, want success after 2", err, tries)
	}
	if got := things(t, e); len(got) != 2 {
		t.Errorf("there are %q, want one container and its network", got)
	}
}

func TestNumberOfStartingGenerationsIsLimited(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	for range cap(e.slots) {
		e.slots <- struct{}{}
	}
	started := make(chan error)
	go func() { started <- e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))) }()
	for range 10 {
		time.Sleep(50 * time.Millisecond)
		if made := things(t, e); len(made) > 0 {
			t.Fatalf("started without a slot: %q", made)
		}
	}
	<-e.slots
	if err := <-started; err != nil {
		t.Error(err)
	}
	if got := len(e.slots); got != cap(e.slots)-1 {
		t.Errorf("%d slots are taken after the start, want %d", got, cap(e.slots)-1)
	}
}

func TestErrorInTheProgressOfAPullIsAnError(t *testing.T) {
	tests := map[string]string{
		`{"status":"Pulling"}{"status":"Done"}`: "",
		``:                                      "",
		`{"status":"Pulling"}{"error":"denied: no","errorDetail":{"message":""}}`: "denied: no",
		`{"status":`: "read the pull's progress",
		`<html>`:     "read the pull's progress",
	}
	for progress, want := range tests {
		err := pulled(strings.NewReader(progress))
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", progress, err, want)
		}
	}
}

func TestManyEnvironmentsAtOnce(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			d := deploymentWith(t, fmt.Sprintf("v%d", i), web(nil))
			d.Environment = fmt.Sprintf("e-%d", i)
			if err := e.Deploy(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	server := httptest.NewServer(e.Router(func(prefix string) (string, bool) { return prefix, true }))
	defer server.Close()
	for i := range 8 {
		request, err := http.NewRequest(http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = fmt.Sprintf("e-%d.localhost", i)
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if want := fmt.Sprintf("version=v%d", i); !strings.Contains(string(text), want) {
			t.Errorf("e-%d answers %q, want %q", i, text, want)
		}
	}
}

// newRegistry serves images only to the user AWS with this token.
func newRegistry(t *testing.T, token string) string {
	t.Helper()
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "AWS" || password != token {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			http.Error(w, `{"errors":[{"code":"DENIED","message":"Your authorization token has expired."}]}`, http.StatusUnauthorized)
			return
		}
		images.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// push pushes the test image to a registry and removes its name there from the engine.
func push(t *testing.T, e *Engine, ref, token string) {
	t.Helper()
	if err := e.docker.ImageTag(t.Context(), testImage, ref); err != nil {
		t.Fatal(err)
	}
	auth, err := apiregistry.EncodeAuthConfig(apiregistry.AuthConfig{Username: "AWS", Password: token})
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.streams.ImagePush(t.Context(), ref, image.PushOptions{RegistryAuth: auth})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := pulled(out); err != nil {
		t.Fatal(err)
	}
	if err := e.removeImages(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestImagesOfTheOwnRegistryArePulledWithTheToken(t *testing.T) {
	t.Parallel()
	host := newRegistry(t, "secret")
	token := "wrong"
	e := newTestEngine(t, Config{Registry: host, Token: func() string { return token }})
	ref := host + "/shop/web:1"
	push(t, e, ref, "secret")
	err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(object{"image": ref})))
	if err == nil || !strings.Contains(err.Error(), "CannotPullContainerError") || !strings.Contains(err.Error(), "expired") {
		t.Errorf("got %v, want the registry's refusal", err)
	}
	token = "secret"
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(object{"image": ref}))); err != nil {
		t.Fatal(err)
	}
	token = "not needed for an image that is there"
	if err := e.Deploy(t.Context(), deploymentWith(t, "v2", web(object{"image": ref}))); err != nil {
		t.Fatal(err)
	}
	if err := e.Reset(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.docker.ImageInspect(t.Context(), ref); err == nil {
		t.Errorf("image %s is there after Reset", ref)
	}
	if _, err := e.docker.ImageInspect(t.Context(), testImage); err != nil {
		t.Errorf("Reset took an image of others: %v", err)
	}
	if got, err := e.auth("docker.io/library/nginx"); got != "" || err != nil {
		t.Errorf("the token goes to a strange registry: %q %v", base64.StdEncoding.EncodeToString([]byte(got)), err)
	}
}

func TestClosedEngineRefusesOperations(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	started := make(chan error)
	go func() {
		started <- e.Deploy(t.Context(), deploymentWith(t, "v1", web(object{"command": []string{"mute"}})))
	}()
	eventually(t, "the deployment is at work", func() bool { return len(things(t, e)) == 2 })
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-started; !errors.Is(err, ErrClosed) {
		t.Errorf("the deployment at work ended with %v, want %v", err, ErrClosed)
	}
	if left := things(t, e); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); !errors.Is(err, ErrClosed) {
		t.Errorf("Deploy: %v, want %v", err, ErrClosed)
	}
	if err := e.Terminate(t.Context(), "e-abcdefghij"); !errors.Is(err, ErrClosed) {
		t.Errorf("Terminate: %v, want %v", err, ErrClosed)
	}
	if _, _, err := e.Tail(t.Context(), "e-abcdefghij", 1); !errors.Is(err, ErrClosed) {
		t.Errorf("Tail: %v, want %v", err, ErrClosed)
	}
}

// It is not parallel because it counts goroutines.
func TestNothingRunsAfterClose(t *testing.T) {
	before := runtime.NumGoroutine()
	e := newTestEngine(t, Config{})
	for _, version := range []string{"v1", "v2"} {
		if err := e.Deploy(t.Context(), deploymentWith(t, version, web(nil))); err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		e.site("e-abcdefghij").ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s answers %d", version, w.Code)
		}
	}
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Minute); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestEngineWithoutIdentityIsRefused(t *testing.T) {
	for _, c := range []Config{{Dir: t.TempDir()}, {Cloud: "c"}} {
		if _, err := New(t.Context(), c); err == nil || !strings.Contains(err.Error(), "needs the cloud's id and a directory") {
			t.Errorf("New(%+v): %v", c, err)
		}
	}
}

func TestInvalidIDsAreRefused(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	for _, id := range []string{"", ".", "..", "a/b", "/", "../x"} {
		d := deploymentOf("", nil)
		d.Environment = id
		if err := e.Deploy(t.Context(), d); err == nil {
			t.Errorf("Deploy(%q) succeeded", id)
		}
		if err := e.Terminate(t.Context(), id); err == nil {
			t.Errorf("Terminate(%q) succeeded", id)
		}
		if _, _, err := e.Tail(t.Context(), id, 1); err == nil {
			t.Errorf("Tail(%q) succeeded", id)
		}
	}
}
