package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
)

// killed returns an engine of the same cloud, as after a kill -9 of the first.
func killed(t *testing.T, e *Engine) *Engine {
	t.Helper()
	return newTestEngine(t, Config{Cloud: e.Cloud, Dir: e.Dir})
}

func TestSameDeploymentIsAdopted(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	deployment := func() Deployment { return deploymentWith(t, "v1", web(nil)) }
	if err := e.Deploy(t.Context(), deployment()); err != nil {
		t.Fatal(err)
	}
	before := things(t, e)
	if err := e.Deploy(t.Context(), deployment()); err != nil {
		t.Fatal(err)
	}
	second := killed(t, e)
	get := visit(t, second)
	want(t, get, "/", 503, "is being started")
	if err := second.Deploy(t.Context(), deployment()); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "version=v1")
	if after := things(t, e); !slices.Equal(after, before) {
		t.Errorf("there are %q, want %q", after, before)
	}
	changed := deployment()
	changed.Variables["MORE"] = "1"
	if err := second.Deploy(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/env?name=MORE", 200, "1")
}

func TestGenerationFoundAfterAKillServesUntilItsSuccessorAnswers(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
		t.Fatal(err)
	}
	before := things(t, e)
	leaveHalf(t, e)
	second := killed(t, e)
	get := visit(t, second)
	if err := second.Deploy(t.Context(), deploymentWith(t, "v2", web(object{"command": []string{"exit=1"}}))); err == nil {
		t.Fatal("a container that exits was deployed")
	}
	want(t, get, "/", 200, "version=v1")
	if after := things(t, e); !slices.Equal(after, before) {
		t.Errorf("there are %q, want %q", after, before)
	}
	if err := second.Deploy(t.Context(), deploymentWith(t, "v3", web(nil))); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "version=v3")
}

// leaveHalf leaves what a process leaves that is killed during a start.
func leaveHalf(t *testing.T, e *Engine) {
	t.Helper()
	d := deploymentWith(t, "half", web(nil), object{"name": "more", "image": testImage, "memory": 8})
	b, err := open(d)
	if err != nil {
		t.Fatal(err)
	}
	g := newGeneration(d, "half")
	if err := e.place(t.Context(), g, b); err != nil {
		t.Fatal(err)
	}
	if err := e.makeNetwork(t.Context(), e.name(g.Environment, g.id), false, 28, e.labels(g)); err != nil {
		t.Fatal(err)
	}
	if err := e.launch(t.Context(), e.site(d.Environment), g, g.units[0]); err != nil {
		t.Fatal(err)
	}
}

func TestBrokenGenerationIsReplacedNotAdopted(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	api := object{"name": "api", "image": testImage, "memory": 16}
	deployment := func() Deployment { return deploymentWith(t, "v1", web(nil), api) }
	if err := e.Deploy(t.Context(), deployment()); err != nil {
		t.Fatal(err)
	}
	before := things(t, e)
	kill(t, e, "api")
	want(t, get, "/", 200, "version=v1")
	if err := e.Deploy(t.Context(), deployment()); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "version=v1")
	eventually(t, "the broken generation goes", func() bool {
		after := things(t, e)
		return len(after) == 3 && !slices.Equal(after, before)
	})
	kill(t, e, "web")
	want(t, get, "/", 502, "restarting")
}

// kill stops a container so that the engine does not restart it.
func kill(t *testing.T, e *Engine, name string) {
	t.Helper()
	all, err := e.docker.ContainerList(t.Context(), container.ListOptions{Filters: e.mine(labelContainer, name)})
	if err != nil || len(all) != 1 {
		t.Fatalf("containers %v, %v", all, err)
	}
	if err := e.docker.ContainerStop(t.Context(), all[0].ID, container.StopOptions{Signal: "KILL"}); err != nil {
		t.Fatal(err)
	}
}

func TestStoppedContainerFailsAGenerationThatAnswers(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	d := deploymentWith(t, "v1", web(nil), object{"name": "job", "image": testImage, "memory": 16})
	b, err := open(d)
	if err != nil {
		t.Fatal(err)
	}
	g := newGeneration(d, "key")
	if err := e.place(t.Context(), g, b); err != nil {
		t.Fatal(err)
	}
	if err := e.start(t.Context(), e.site(d.Environment), g); err != nil {
		t.Fatal(err)
	}
	kill(t, e, "job")
	if err := g.health().ask(t.Context()); err != nil {
		t.Errorf("the front does not answer: %v", err)
	}
	var failure *Failure
	if err := e.await(t.Context(), e.site(d.Environment), g); !errors.As(err, &failure) || !strings.Contains(failure.Reason(), "(job: exit code ") {
		t.Errorf("got %v, want the failure of job", err)
	}
}

func TestDrainingGenerationIsNotAdopted(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{Drain: time.Minute})
	get := visit(t, e)
	one := func() Deployment { return deploymentWith(t, "v1", web(nil)) }
	if err := e.Deploy(t.Context(), one()); err != nil {
		t.Fatal(err)
	}
	held, _ := e.site("e-abcdefghij").acquire()
	if err := e.Deploy(t.Context(), deploymentWith(t, "v2", web(nil))); err != nil {
		t.Fatal(err)
	}
	if err := e.Deploy(t.Context(), one()); err != nil {
		t.Fatal(err)
	}
	want(t, get, "/", 200, "version=v1")
	if now, _ := e.site("e-abcdefghij").current(); now == held.generation {
		t.Error("the generation that is being drained was put back")
	}
	e.site("e-abcdefghij").release(held)
	eventually(t, "the others go", func() bool { return len(things(t, e)) == 2 })
	want(t, get, "/", 200, "version=v1")
}

func TestCloudsOnOneEngineLeaveEachOtherAlone(t *testing.T) {
	t.Parallel()
	one, two := newTestEngine(t, Config{}), newTestEngine(t, Config{})
	for _, e := range []*Engine{one, two} {
		if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
			t.Fatal(err)
		}
	}
	if err := one.Reset(context.Background()); err != nil {
		t.Fatal(err)
	}
	want(t, visit(t, two), "/", 200, "version=v1")
	if left := things(t, two); len(left) != 2 || !strings.Contains(left[0], "container ") {
		t.Errorf("the other cloud has %q", left)
	}
}
