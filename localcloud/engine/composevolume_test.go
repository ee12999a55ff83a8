package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

const stateful = one + `
		depends_on: [db]
	db:
		image: IMAGE
		command: ["$MODE"]
		environment: {VERSION: "$DB"}
		volumes: [data:/data]
volumes:
	data:
`

// alone is the mode of a service that ends if another one uses its volume.
const alone = "alone=/data/lock"

// withVolume returns a deployment with a service that has a volume.
func withVolume(t *testing.T, version, db, mode string) Deployment {
	d := composed(t, version, stateful)
	d.Variables["DB"], d.Variables["MODE"] = db, mode
	return d
}

func TestServiceWithAVolumeRestartsInPlace(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{Deadline: 20 * time.Second})
	get := visit(t, e)
	deploy(t, e, withVolume(t, "v1", "one", alone))
	want(t, get, "/peer?host=db:8080/write%3Ffile=/data/x%26text=kept", 200, "written")
	first := containerOf(t, e, "db")
	deploy(t, e, withVolume(t, "v2", "one", alone))
	settled(t, e, 2)
	if now := containerOf(t, e, "db"); now != first {
		t.Error("an unchanged service with a volume was replaced")
	}
	deploy(t, e, withVolume(t, "v3", "two", alone))
	settled(t, e, 2)
	want(t, get, "/peer?host=db:8080/", 200, "version=two")
	want(t, get, "/peer?host=db:8080/read%3Ffile=/data/x", 200, "kept")
	second := containerOf(t, e, "db")
	if second == first {
		t.Error("a changed service was not replaced")
	}
	for _, mode := range []string{"exit=3", "none"} {
		d := withVolume(t, "v4", "three", mode)
		if mode == "none" { // the service with the volume comes up, another one does not
			d = composed(t, "v4", strings.Replace(stateful, "env_file: .env", `command: ["exit=3"]`, 1))
			d.Variables["DB"], d.Variables["MODE"] = "three", alone
		}
		var failure *Failure
		if err := e.Deploy(t.Context(), d); !errors.As(err, &failure) || failure.Down() || !strings.Contains(failure.Reason(), "stopped with exit code 3: ") {
			t.Fatalf("got %v, want the failure of a service", err)
		}
		want(t, get, "/", 200, "version=v3")
		if now := containerOf(t, e, "db"); now != second {
			t.Error("the service with the volume does not run again")
		}
		eventually(t, "the service before answers", func() bool { status, _ := get("/peer?host=db:8080/"); return status == 200 })
		want(t, get, "/peer?host=db:8080/read%3Ffile=/data/x", 200, "kept")
	}
	if err := e.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if left := things(t, e); len(left) != 1 || !strings.HasPrefix(left[0], "volume ") {
		t.Errorf("after Close there are %q, want the volume", left)
	}
}

func TestFrontWithAVolumeComesBackAfterAFailure(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{Deadline: 20 * time.Second})
	get := visit(t, e)
	text := one + `
		command: ["$MODE"]
		volumes: [data:/data]
volumes: {data: {}}
`
	version := func(name, mode string) Deployment {
		d := composed(t, name, text)
		d.Variables["MODE"] = mode
		return d
	}
	deploy(t, e, version("v1", alone))
	want(t, get, "/write?file=/data/x&text=kept", 200, "written")
	deploy(t, e, version("v2", alone))
	want(t, get, "/", 200, "version=v2")
	want(t, get, "/read?file=/data/x", 200, "kept")
	settled(t, e, 1)
	var failure *Failure
	if err := e.Deploy(t.Context(), version("v3", "exit=4")); !errors.As(err, &failure) || failure.Down() || !strings.Contains(failure.Reason(), "service web stopped with exit code 4") {
		t.Fatalf("got %v, want a failure that leaves v2 serving", err)
	}
	want(t, get, "/", 200, "version=v2")
	want(t, get, "/read?file=/data/x", 200, "kept")
	if made := things(t, e); len(made) != 3 {
		t.Errorf("there are %q, want a container, its network and its volume", made)
	}
}

// The new front answers before its health check succeeds, because nothing else would answer. If the
// check fails, the front before does.
func TestFrontWithAVolumeAnswersBeforeItIsHealthy(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{Deadline: time.Minute})
	get := visit(t, e)
	text := func(check string) string {
		return one + "\t\tvolumes: [data:/data]\n\t\thealthcheck: {test: [CMD, /app, 'probe=" + check + "'], interval: 2s, timeout: 20s, retries: 2}\nvolumes: {data: {}}\n"
	}
	deploy(t, e, composed(t, "v1", text("")))
	await, stop := hammer(t, get)
	await("v1")
	started := make(chan error)
	go func() { started <- e.Deploy(t.Context(), composed(t, "v2", text("read?file=/none"))) }()
	await("v2")
	var failure *Failure
	if err := <-started; !errors.As(err, &failure) || failure.Down() || !strings.Contains(failure.Reason(), "service web is not healthy") {
		t.Errorf("got %v, want a failure after which v1 serves", err)
	}
	want(t, get, "/", 200, "version=v1")
	var gap time.Duration
	var last time.Time
	for _, s := range stop() {
		if s.version != "" && !last.IsZero() {
			gap = max(gap, s.answered.Sub(last))
		}
		if s.version != "" {
			last = s.answered
		}
	}
	t.Logf("the longest time without an answer was %s", gap)
}

func TestOlderVersionIsNotWhatItsContainersStayedFor(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	version := func(db string) Deployment {
		d := composed(t, "v", strings.Replace(stateful, "$DB", db, 1))
		d.Variables["MODE"] = alone
		return d
	}
	deploy(t, e, version("one"))
	front := containerOf(t, e, "web")
	deploy(t, e, version("two"))
	if now := containerOf(t, e, "web"); now != front {
		t.Error("the unchanged front was replaced")
	}
	settled(t, e, 2)
	deploy(t, e, version("one"))
	want(t, visit(t, e), "/peer?host=db:8080", 200, "version=one")
	settled(t, e, 2)
	second := killed(t, e)
	deploy(t, second, version("two"))
	want(t, visit(t, second), "/peer?host=db:8080", 200, "version=two")
}

// A process that is killed after a service with a volume has made way leaves neither the old nor the
// new version whole.
func TestKillWhileAServiceWithAVolumeIsReplaced(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	get := visit(t, e)
	deploy(t, e, withVolume(t, "v1", "one", alone))
	want(t, get, "/peer?host=db:8080/write%3Ffile=/data/x%26text=kept", 200, "written")
	d := withVolume(t, "v2", "two", alone)
	b, err := open(d)
	if err != nil {
		t.Fatal(err)
	}
	g, s := newGeneration(d, "v2"), e.site(d.Environment)
	if err := errors.Join(e.place(t.Context(), g, b), e.compare(t.Context(), s, g),
		e.makeNetwork(t.Context(), e.network(g, "default"), false, 28, e.labels(g)), e.launch(t.Context(), s, g, g.units[0])); err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []string{"one", "two"} {
		second := killed(t, e)
		deploy(t, second, withVolume(t, "v1", wanted, alone))
		want(t, visit(t, second), "/peer?host=db:8080", 200, "version="+wanted)
		want(t, visit(t, second), "/peer?host=db:8080/read%3Ffile=/data/x", 200, "kept")
		settled(t, e, 2)
	}
}

// What a service writes when it is asked to end is on its volume, also after a deployment that failed
// and after Close.
func TestServiceWithAVolumeIsNotKilled(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{})
	const saves = "saves=/data/saved"
	deploy(t, e, withVolume(t, "v1", "one", saves))
	broken := composed(t, "v2", strings.Replace(stateful, "env_file: .env", `command: ["exit=3"]`, 1))
	broken.Variables["DB"], broken.Variables["MODE"] = "two", saves
	if err := e.Deploy(t.Context(), broken); err == nil {
		t.Fatal("a deployment whose front ends came up")
	}
	get := visit(t, e)
	eventually(t, "the service before answers", func() bool { status, _ := get("/peer?host=db:8080/"); return status == 200 })
	want(t, get, "/peer?host=db:8080/read%3Ffile=/data/saved", 200, "two")
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := killed(t, e)
	deploy(t, second, withVolume(t, "v1", "one", saves))
	want(t, visit(t, second), "/peer?host=db:8080/read%3Ffile=/data/saved", 200, "one")
}
