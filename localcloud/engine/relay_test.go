package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// relay is a proxy between an engine under test and the Docker Engine.
type relay struct {
	net.Listener
	mu     sync.Mutex
	hang   bool
	opened []net.Conn
	part   string // of a request
	found  func() // is called after part was passed on
}

// on calls f when a request with this part is passed on.
func (r *relay) on(part string, f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.part, r.found = part, f
}

// Write searches in the bytes that are passed on.
func (r *relay) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.found != nil && bytes.Contains(p, []byte(r.part)) {
		r.found()
	}
	return len(p), nil
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	docker, err := dial("")
	if err != nil {
		t.Fatal(err)
	}
	path, isUnix := strings.CutPrefix(docker.DaemonHost(), "unix://")
	if !isUnix {
		t.Skip("the Docker Engine is not behind a unix socket")
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "docker.sock"))
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l}
	go r.accept(path)
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *relay) accept(path string) {
	for {
		from, err := r.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.opened = append(r.opened, from)
		if r.hang {
			r.mu.Unlock()
			continue
		}
		to, err := net.Dial("unix", path)
		r.opened = append(r.opened, to)
		r.mu.Unlock()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(io.MultiWriter(to, r), from); to.Close() }()
		go func() { _, _ = io.Copy(from, to); from.Close() }()
	}
}

// cut ends all connections. With hang new ones get no answer.
func (r *relay) cut(hang bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hang = hang
	for _, c := range r.opened {
		c.Close()
	}
	r.opened = nil
}

func (r *relay) stop() {
	r.Close()
	r.cut(false)
}

func TestDockerEngineThatStopsDuringADeploymentIsAFailure(t *testing.T) {
	t.Parallel()
	for _, hang := range []bool{false, true} {
		t.Run(fmt.Sprintf("hang=%t", hang), func(t *testing.T) {
			direct := newTestEngine(t, Config{})
			r := newRelay(t)
			e, err := connect(t.Context(), Config{Cloud: direct.Cloud, Dir: direct.Dir, Host: "unix://" + r.Addr().String()}, 8*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
				t.Fatal(err)
			}
			get := visit(t, e)
			failed := make(chan error)
			go func() {
				failed <- e.Deploy(t.Context(), deploymentWith(t, "v2", web(object{"command": []string{"mute"}})))
			}()
			eventually(t, "the next generation starts", func() bool { return len(things(t, direct)) == 4 })
			if !hang {
				r.Close()
			}
			r.cut(hang)
			var failure *Failure
			if err := <-failed; !errors.As(err, &failure) || !strings.Contains(failure.Reason(), "Docker") {
				t.Errorf("got %v, want a failure that names Docker", err)
			}
			want(t, get, "/", 200, "version=v1")
			if hang {
				return
			}
			if err := e.Terminate(t.Context(), "e-abcdefghij"); err == nil {
				t.Error("terminated without an engine")
			}
		})
	}
}
