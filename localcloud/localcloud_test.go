package localcloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// start opens a cloud without Docker that is closed when the test ends.
func start(t testing.TB, cfg Config) *Cloud {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, c) })
	return c
}

func stop(t testing.TB, c *Cloud) {
	t.Helper()
	if err := c.Close(context.Background()); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestOneProcessHoldsADirectory(t *testing.T) {
	c := start(t, Config{})
	_, err := Open(t.Context(), Config{Dir: c.cfg.Dir})
	if want := fmt.Sprintf("as process %d", os.Getpid()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("second open: %v, want %q", err, want)
	}
	if err := Reset(t.Context(), c.cfg.Dir); err == nil {
		t.Error("a running cloud was reset")
	}
	if _, err := Status(c.cfg.Dir); err != nil {
		t.Errorf("status after that: %v", err)
	}
}

func TestPortInUseIsNamed(t *testing.T) {
	taken := start(t, Config{})
	for _, cfg := range []Config{{Port: port(taken.api)}, {URLPort: taken.URLPort()}} {
		cfg.Dir = t.TempDir()
		want := fmt.Sprintf("listen on port %d", max(cfg.Port, cfg.URLPort))
		if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open: %v, want %q", err, want)
		}
		c := start(t, Config{Dir: cfg.Dir}) // the first try left nothing open
		stop(t, c)
	}
}

func TestStatus(t *testing.T) {
	c := start(t, Config{})
	r, err := Status(c.cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	key, secret := c.Credentials()
	if r.PID != os.Getpid() || r.Endpoint != c.Endpoint() || r.URLPort != c.URLPort() || r.Key != key || r.Secret != secret || len(r.Account) != 12 {
		t.Errorf("status = %+v", r)
	}
	if info, err := os.Stat(filepath.Join(c.cfg.Dir, runningFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file with the secret: %v, %v", info.Mode(), err)
	}
	left, err := os.ReadFile(filepath.Join(c.cfg.Dir, runningFile))
	if err != nil {
		t.Fatal(err)
	}
	stop(t, c)
	if _, err := Status(c.cfg.Dir); !errors.Is(err, ErrStopped) {
		t.Errorf("after close: %v, want %v", err, ErrStopped)
	}
	if err := os.WriteFile(filepath.Join(c.cfg.Dir, runningFile), left, 0o600); err != nil { // as kill -9 leaves it
		t.Fatal(err)
	}
	if _, err := Status(c.cfg.Dir); !errors.Is(err, ErrStopped) {
		t.Errorf("after a kill: %v, want %v", err, ErrStopped)
	}
	start(t, Config{Port: r.Port}) // another cloud on that port is not this one
	if _, err := Status(c.cfg.Dir); !errors.Is(err, ErrStopped) {
		t.Errorf("with another cloud on the port: %v, want %v", err, ErrStopped)
	}
}

func TestIdentityOutlivesARestart(t *testing.T) {
	c := start(t, Config{})
	stop(t, c)
	again := start(t, Config{Dir: c.cfg.Dir})
	if c.id.Key != again.id.Key || c.id.Secret != again.id.Secret || c.id.Account != again.id.Account || c.id.ID != again.id.ID {
		t.Errorf("identity %+v became %+v", c.id, again.id)
	}
	if other := start(t, Config{}); other.id.Key == c.id.Key || other.id.ID == c.id.ID {
		t.Errorf("two clouds have one identity: %+v", other.id)
	}
}

func TestResetWithoutDocker(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "none.sock"))
	dir := t.TempDir()
	if _, err := Open(t.Context(), Config{Dir: dir, Docker: true}); err == nil || !strings.Contains(err.Error(), "Docker Engine") {
		t.Errorf("open: %v", err)
	}
	if err := Reset(t.Context(), dir); err != nil {
		t.Errorf("reset: %v", err)
	}
}

func TestResetRemovesOnlyTheCloudsOwnFiles(t *testing.T) {
	for _, tt := range []struct {
		name, foreign string
	}{{"directory goes", ""}, {"foreign file stays", "notes.txt"}} {
		t.Run(tt.name, func(t *testing.T) {
			c := start(t, Config{Dir: filepath.Join(t.TempDir(), "cloud")})
			stop(t, c)
			if tt.foreign != "" {
				if err := os.WriteFile(filepath.Join(c.cfg.Dir, tt.foreign), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if err := Reset(t.Context(), c.cfg.Dir); err != nil {
					t.Fatal(err)
				}
			}
			left, err := filepath.Glob(filepath.Join(c.cfg.Dir, "*"))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(left, " "); got != "" && filepath.Base(got) != tt.foreign {
				t.Errorf("left behind: %s", got)
			}
			if _, err := os.Stat(c.cfg.Dir); tt.foreign == "" && err == nil {
				t.Error("the directory stayed")
			}
		})
	}
}

func TestNoGoroutineStaysAfterClose(t *testing.T) {
	c := start(t, Config{})
	resp, err := http.Get(c.Endpoint() + healthPath) // leaves an idle connection
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	stop(t, c)
	noGoroutineOfOurs(t)
}

func noGoroutineOfOurs(t *testing.T) {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		_, others, _ := strings.Cut(stacks(), "\n\n") // the first is this test
		if !strings.Contains(others, "beansprout/localcloud.") && !strings.Contains(others, "net/http.(*conn)") && !strings.Contains(others, "beansprout/localcloud/") {
			return
		}
	}
	t.Errorf("still running:\n%s", stacks())
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
