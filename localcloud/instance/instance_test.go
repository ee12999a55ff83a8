package instance

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/test/must"
)

// open opens a fleet of pretended instances in a directory. It is closed when the test ends, or by the returned function.
func open(t *testing.T, dir string) (*Fleet, func()) {
	t.Helper()
	runner := NewPretended(time.Now)
	f, err := Open(t.Context(), Config{File: filepath.Join(dir, "instances.db"), Runner: runner, Now: time.Now})
	must.Succeed(t, err)
	closed := false
	shut := func() {
		if !closed {
			closed = true
			must.Succeed(t, errors.Join(f.Close(), runner.Close()))
		}
	}
	t.Cleanup(shut)
	return f, shut
}

func spec(id, userData string) Instance {
	n := NetworkOf("eu-west-1", "123456789012")
	return Instance{ID: id, Region: "eu-west-1", Account: "123456789012", Zone: "eu-west-1a", Subnet: n.Subnets[0].ID, UserData: userData,
		Tags: map[string]string{VersionTag: "v2"}}
}

// ask asks an instance for a path and returns its status and its answer, or 0 if it refuses the connection.
func ask(t *testing.T, f *Fleet, id string, port int, path string) (int, string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return f.Dial(ctx, id, port)
	}}}
	resp, err := client.Get("http://instance" + path)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return 0, ""
	}
	must.Succeed(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must.Succeed(t, err)
	return resp.StatusCode, string(body)
}

func TestUserDataSaysHowAnInstancePretends(t *testing.T) {
	for name, tt := range map[string]struct {
		userData, path string
		port, want     int
	}{
		"nothing said":              {"", "/", 80, 200},
		"another port":              {"# pretend: port 8080", "/", 8080, 200},
		"not the said port":         {"# pretend: port 8080", "/", 80, 0},
		"broken":                    {"#!/bin/sh\n\t# pretend: broken v1 v2\n", "/", 80, 500},
		"another version is broken": {"# pretend: broken v1", "/", 80, 200},
		"every version is broken":   {"# pretend: broken *", "/any", 80, 500},
		"silent":                    {"# pretend: silent v2", "/", 80, 0},
		"unhealthy":                 {"# pretend: unhealthy v2\n# pretend: health /ready", "/ready", 80, 500},
		"unhealthy, another path":   {"# pretend: unhealthy v2\n# pretend: health /ready", "/", 80, 200},
		"nonsense":                  {"# pretend: port x\n# pretend: start soon\n# pretend:\n# pretend: dance v2", "/", 80, 200},
		"starting":                  {"# pretend: start 1h", "/", 80, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, shut := open(t, t.TempDir())
				defer shut()
				must.Succeed(t, f.Launch(spec("i-1", tt.userData)))
				synctest.Wait()
				got, body := ask(t, f, "i-1", tt.port, tt.path)
				if got != tt.want || got != 0 && body != "v2 i-1\n" {
					t.Errorf("%d %q, want %d", got, body, tt.want)
				}
			})
		})
	}
}

func TestAnInstanceLivesFromLaunchToTermination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, shut := open(t, t.TempDir())
		defer shut()
		changes := 0
		f.Watch(func() { changes++ })
		wanted := func(state State) Instance {
			t.Helper()
			synctest.Wait()
			i, ok := f.Get("i-1")
			if !ok || i.State != state {
				t.Fatalf("%+v, want %s", i, state)
			}
			return i
		}
		for range 2 { // the second one changes nothing
			must.Succeed(t, f.Launch(spec("i-1", "# pretend: start 2s")))
		}
		i := wanted(Running)
		if want := "172.31.0.5"; i.Address != want || i.Version != "v2" {
			t.Errorf("%+v, want address %s", i, want)
		}
		if status, _ := ask(t, f, "i-1", 80, "/"); status != 0 {
			t.Errorf("it answered %d before it had started", status)
		}
		time.Sleep(2 * time.Second)
		if status, _ := ask(t, f, "i-1", 80, "/?take=1s"); status != 200 {
			t.Errorf("it answered %d", status)
		}
		must.Succeed(t, f.Terminate("Client.UserInitiatedShutdown: by the test", "i-1", "i-unknown"))
		wanted(Terminated)
		if status, _ := ask(t, f, "i-1", 80, "/"); status != 0 {
			t.Errorf("it answered %d after its end", status)
		}
		must.Succeed(t, f.Terminate("again", "i-1"))
		if got := wanted(Terminated).Reason; !strings.HasSuffix(got, "by the test") || changes != 3 {
			t.Errorf("reason %q after %d changes", got, changes)
		}
		time.Sleep(remembered)
		wanted(Terminated)
		time.Sleep(time.Second)
		if i, ok := f.Get("i-1"); ok || len(f.All("eu-west-1")) != 0 {
			t.Errorf("still remembered: %+v", i)
		}
	})
}

func TestInstancesComeBackAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		f, shut := open(t, dir)
		for _, id := range []string{"i-1", "i-2", "i-3"} {
			must.Succeed(t, f.Launch(spec(id, "")))
		}
		synctest.Wait()
		must.Succeed(t, f.Terminate("gone", "i-1"))
		must.Succeed(t, f.Tag("i-2", map[string]string{"k": "v"}))
		synctest.Wait()
		shut()
		f, shut = open(t, dir)
		defer shut()
		synctest.Wait()
		var states []State
		for _, i := range f.All("eu-west-1") {
			states = append(states, i.State)
		}
		if want := []State{Terminated, Running, Running}; !slices.Equal(states, want) {
			t.Errorf("the states are %v, want %v", states, want)
		}
		if i, _ := f.Get("i-2"); i.Tags["k"] != "v" {
			t.Errorf("the tags are %v", i.Tags)
		}
		if status, body := ask(t, f, "i-2", 80, "/"); status != 200 || body != "v2 i-2\n" {
			t.Errorf("%d %q", status, body)
		}
	})
}

// stubborn is a runner whose instances do not start.
type stubborn struct{ *Pretended }

func (stubborn) Start(context.Context, Instance) error { return errors.New("no room") }

func TestAnInstanceThatDoesNotStartIsTerminated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := Open(t.Context(), Config{File: filepath.Join(t.TempDir(), "x.db"), Runner: stubborn{NewPretended(time.Now)}, Now: time.Now})
		must.Succeed(t, err)
		defer f.Close()
		must.Succeed(t, f.Launch(spec("i-1", "")))
		synctest.Wait()
		if i, _ := f.Get("i-1"); i.State != Terminated || i.Reason != "Server.InternalError: no room" {
			t.Errorf("%+v", i)
		}
	})
}

func TestTheVersionIsTheInstancesOrItsGroups(t *testing.T) {
	f, _ := open(t, t.TempDir())
	group := map[string]string{VersionTag: "v9"}
	own, groups := spec("i-1", ""), spec("i-2", "")
	own.GroupTags, groups.GroupTags, groups.Tags = group, group, nil
	must.Succeed(t, errors.Join(f.Launch(own), f.Launch(groups)))
	for id, want := range map[string]string{"i-1": "v2", "i-2": "v9"} {
		if i, _ := f.Get(id); i.Version != want {
			t.Errorf("%s runs %q, want %q", id, i.Version, want)
		}
	}
}
