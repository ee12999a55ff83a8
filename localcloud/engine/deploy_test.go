package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestDeployedContainersAnswerAtTheURL(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	want(t, get, "/", 503, "is being started")
	api := object{"name": "api", "image": testImage, "memoryReservation": 32}
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(object{"links": []string{"api:backend"}}), api)); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/a/b", 200, "version=v1", "path=/a/b", "host=shop.localhost", "for=127.0.0.1", "proto=http")
	want(t, get, "/peer?host=backend:8080/x", 200, "path=/x")
	want(t, get, "/peer?host=api:8080", 422, "no such host")
	if err := e.Deploy(t.Context(), deploymentWith(t, "v2", web(nil))); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "version=v2")
	eventually(t, "the first generation goes", func() bool { return len(things(t, e)) == 2 })
	for range 2 {
		if err := e.Terminate(t.Context(), "e-abcdefghij"); err != nil {
			t.Fatal(err)
		}
		want(t, get, "/", 503, "terminated")
		if left := things(t, e); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	}
}

func TestFailedDeploymentSaysWhyAndKeepsTheOneBefore(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		deployment Deployment
		want       []string
		tail       string
		mute       bool // none of its containers ran, so it must not have logs of an earlier one
	}{
		"exits at once": {
			deployment: deploymentWith(t, "v2", web(object{"command": []string{"exit=7"}})),
			want:       []string{"ECS task stopped due to: Essential container in task exited. (web: exit code 7:", "about to give up", "database"},
			tail:       "about to give up\n",
		},
		"another essential container exits": {
			deployment: deploymentWith(t, "v2", web(nil), object{"name": "job", "image": testImage, "memory": 64, "command": []string{"exit=0"}}),
			want:       []string{"Essential container in task exited. (job: exit code 0"},
			tail:       "about to give up\n",
		},
		"never answers": {
			deployment: deploymentWith(t, "v2", web(object{"command": []string{"mute"}})),
			want:       []string{"Container web did not answer GET / on its port 8080 within 1s: "},
		},
		"listens on its own loopback": {
			deployment: deploymentWith(t, "v2", web(object{"command": []string{"inward"}})),
			want:       []string{"0.0.0.0"},
			tail:       "==> web <==\nlistening on 127.0.0.1:8080\n",
		},
		"answers 503": {
			deployment: deploymentWith(t, "v2", web(object{"command": []string{"status=503"}})),
			want:       []string{"it answered 503 Service Unavailable"},
		},
		"image that does not exist": {
			deployment: deploymentWith(t, "v2", web(object{"image": "127.0.0.1:1/none:1"})),
			want:       []string{"ECS task stopped due to: Task failed to start. (web: CannotPullContainerError: ", "127.0.0.1:1"},
			mute:       true,
		},
		"command that does not exist": {
			deployment: deploymentWith(t, "v2", web(object{"entryPoint": []string{"/none"}})),
			want:       []string{"Task failed to start. (web: CannotStartContainerError: ", "/none"},
		},
		"health check path that is none": {
			deployment: func() Deployment { d := deploymentWith(t, "v2", web(nil)); d.HealthPath = "/\x7f"; return d }(),
			want:       []string{"health check path"},
		},
		"document that is none": {
			deployment: deploymentOf("v2", zipOf(t, documentName, `{"containerDefinitions":[]}`)),
			want:       []string{"ECS Application sourcebundle validation error: AWSEBDockerrunVersion is missing."},
			mute:       true,
		},
	}
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
		t.Fatal(err)
	}
	before := things(t, e)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := writeFile(e.failedFile("e-abcdefghij"), "what an older one said\n"); err != nil {
				t.Fatal(err)
			}
			test.deployment.Deadline = time.Second
			err := e.Deploy(t.Context(), test.deployment)
			var failure *Failure
			if !errors.As(err, &failure) {
				t.Fatalf("got %v, want a *Failure", err)
			}
			for _, part := range test.want {
				if !strings.Contains(failure.Reason(), part) {
					t.Errorf("reason %q, want %q in it", failure.Reason(), part)
				}
			}
			if strings.ContainsAny(failure.Reason(), "\n\x1b") {
				t.Errorf("reason %q is not one clean line", failure.Reason())
			}
			want(t, get, "/", 200, "version=v1")
			if after := things(t, e); strings.Join(after, " ") != strings.Join(before, " ") {
				t.Errorf("there are %q, want %q", after, before)
			}
			running, failed, err := e.Tail(t.Context(), "e-abcdefghij", 0)
			if err != nil || running != "==> web <==\nlistening on :8080\n" || !strings.Contains(failed, test.tail) ||
				strings.Contains(failed, "older") || test.mute && failed != "" {
				t.Errorf("Tail = %q, %q, %v, want %q in the second", running, failed, err, test.tail)
			}
		})
	}
}

func TestFailedFirstDeploymentIsExplainedAtTheURL(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(object{"command": []string{"exit=1"}}))); err == nil {
		t.Fatal("a container that exits was deployed")
	}
	want(t, get, "/", 503, "did not come up", "about to give up")
	again, err := New(t.Context(), Config{Cloud: e.Cloud, Dir: e.Dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, tail, err := again.Tail(t.Context(), "e-abcdefghij", 0); err != nil || !strings.HasPrefix(tail, "==> the last deployment, which failed <==\n==> web <==\n") || strings.Count(tail, "\n") != 4 {
		t.Errorf("Tail of another process = %q, %v, want two lines of web", tail, err)
	}
}

func TestDeploymentsWithoutContainers(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	if err := e.Deploy(t.Context(), deploymentOf("", nil)); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "sample application")
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "version=v1")
	if err := e.Deploy(t.Context(), deploymentOf("v2", zipOf(t, "WEB-INF/web.xml", "<web-app/>"))); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 503, "cannot run here")
	foreign := deploymentOf("v3", zipOf(t, "WEB-INF/web.xml", "<web-app/>"))
	foreign.Foreign = true
	if err := e.Deploy(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "not run here")
	eventually(t, "the containers go", func() bool { return len(things(t, e)) == 0 })
}

func TestInterruptedDeploymentIsNoFailureAndLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, during := range []string{"/networks/create", "/containers/create", "/start"} {
		t.Run(strings.ReplaceAll(during, "/", " "), func(t *testing.T) {
			direct := newTestEngine(t, Config{})
			ctx, cancel := context.WithCancel(t.Context())
			r := newRelay(t)
			r.on(during, cancel)
			e, err := New(t.Context(), Config{Cloud: direct.Cloud, Dir: direct.Dir, Host: "unix://" + r.Addr().String()})
			if err != nil {
				t.Fatal(err)
			}
			err = e.Deploy(ctx, deploymentWith(t, "v1", web(nil)))
			var failure *Failure
			if !errors.Is(err, context.Canceled) || errors.As(err, &failure) {
				t.Errorf("got %v, want an interruption", err)
			}
			time.Sleep(300 * time.Millisecond) // a start that still runs would show now
			if left := things(t, direct); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

func TestLateAnswerIsWaitedForAsLongAsTheConfigSays(t *testing.T) {
	t.Parallel()
	slow := func() Deployment { return deploymentWith(t, "v1", web(object{"command": []string{"late=5s"}})) }
	for _, deadline := range []time.Duration{3 * time.Second, 0} {
		t.Run(deadline.String(), func(t *testing.T) {
			t.Parallel()
			e := newTestEngine(t, Config{Deadline: deadline})
			get := visit(t, e)
			err := e.Deploy(t.Context(), slow())
			if deadline == 0 && err == nil {
				want(t, get, "/", 200, "version=v1")
				return
			}
			const says = "Container web did not answer GET / on its port 8080 within 3s: "
			var failure *Failure
			if !errors.As(err, &failure) || !strings.HasPrefix(failure.Reason(), says) || len(failure.Reason()) == len(says) {
				t.Errorf("got %v, want %q and what came", err, says)
			}
			want(t, get, "/", 503, "did not come up", "GET / on its port 8080 within 3s: ")
		})
	}
}

func TestCrashedContainerComesBack(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/crash", 502, "may be restarting")
	eventually(t, "the container restarts", func() bool { status, _ := get("/"); return status == 200 })
}

func TestLastingErrorsFailADeploymentOnlyWithAHealthPath(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{Deadline: 15 * time.Second})
	get := visit(t, e)
	d := deploymentWith(t, "v1", web(object{"command": []string{"status=503"}}))
	if err := e.Deploy(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 503, "version=v1")
	d.HealthPath, d.Deadline = "/", errorsTime+2*time.Second
	if err := e.Deploy(t.Context(), d); err == nil || !strings.Contains(err.Error(), "did not answer GET / on its port 8080 within 7s: it answered 503") {
		t.Errorf("with a health path: %v", err)
	}
}
