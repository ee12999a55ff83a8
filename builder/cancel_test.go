package builder

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"beansprout/test/must"
)

func sleeper(t *testing.T, b *Builder) (s Source, mark string) {
	mark = rand.Text()
	return newSource(t, b, map[string]string{
		"step": stepBinary(t), "Dockerfile": "FROM scratch\nCOPY step /step\nRUN [\"/step\", \"sleep\", \"" + mark + "\"]\n",
	}), mark
}

// running reports whether a process of this machine, where the engine is too, has mark
// among its arguments.
func running(mark string) bool {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		if line, _ := os.ReadFile(path); strings.Contains(string(line), "sleep\x00"+mark) {
			return true
		}
	}
	return false
}

func TestCancellingBuildStopsItInTheEngine(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	s, mark := sleeper(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := startBuild(ctx, b, shelf, log, s)
	log.await(t, "asleep")
	if !running(mark) {
		t.Fatal("the step is not seen among the processes")
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
	must.Wait(t, "the end of the step in the engine", func() bool { return !running(mark) })
}

func TestTheFirstFailureCancelsTheOthersAndIsReported(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	slow, mark := sleeper(t, b)
	quick := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\n"})
	started := filepath.Join(t.TempDir(), "started")
	quick.Prepare = "while [ ! -e " + started + " ]; do sleep 0.01; done; exit 7"
	result := startBuild(t.Context(), b, shelf, log, slow, quick)
	log.await(t, "asleep")
	must.Write(t, started, "")
	var failed *BuildError
	if err := <-result; !errors.As(err, &failed) || failed.Image != quick.Name || failed.ExitCode != 7 {
		t.Errorf("error = %v", err)
	}
	must.Wait(t, "the end of the other build", func() bool { return !running(mark) })
}

func TestAFailingRegistryCancelsTheBuilds(t *testing.T) {
	b := connect(t)
	s, _ := sleeper(t, b)
	wrong := errors.New("no token today")
	_, err := b.Build(t.Context(), []Source{s}, func(context.Context) (Registry, error) { return Registry{}, wrong }, Options{})
	if !errors.Is(err, wrong) {
		t.Errorf("error = %v, want %v", err, wrong)
	}
}

func TestAnEngineThatStopsGetsOneSentence(t *testing.T) {
	direct, shelf, log := connect(t), newShelf(t), &record{}
	s, mark := sleeper(t, direct)
	r := newRelay(t, direct.docker.Dialer(), nil)
	t.Setenv("DOCKER_HOST", "tcp://"+r.Addr().String())
	b, err := Connect(t.Context())
	must.Succeed(t, err)
	defer b.Close()
	result := startBuild(t.Context(), b, shelf, log, s)
	log.await(t, "asleep")
	r.cut()
	err = <-result
	if !errors.Is(err, ErrNoEngine) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "any more") {
		t.Errorf("error = %v", err)
	}
	must.Wait(t, "the end of the step in the engine", func() bool { return !running(mark) })
}

// watched returns a Builder whose requests are seen by watch before they reach the engine.
func watched(t *testing.T, direct *Builder, watch func([]byte)) *Builder {
	t.Helper()
	r := newRelay(t, direct.docker.Dialer(), watch)
	t.Setenv("DOCKER_HOST", "tcp://"+r.Addr().String())
	return connect(t)
}

func TestAnImageThatAnotherProcessRemovesIsBuiltAgain(t *testing.T) {
	for moment, pattern := range map[string]string{"tag": `^POST /\S+/tag\?`, "inspect": `^GET /\S+/images/sha256:[0-9a-f]+/json`, "push": `^POST /\S+/push\?`} {
		t.Run("before the "+moment, func(t *testing.T) {
			direct, shelf := connect(t), newShelf(t)
			s := smallSource(t, direct)
			var once sync.Once
			request := regexp.MustCompile(pattern)
			b := watched(t, direct, func(sent []byte) {
				if request.Match(sent) {
					once.Do(func() { removeImages(t, direct, s.Name) })
				}
			})
			made, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
			if err != nil || !shelf.has(t, made[0].Reference) {
				t.Errorf("images %+v, error = %v", made, err)
			}
		})
	}
}

func TestAnImageThatIsAlwaysRemovedIsErrPruned(t *testing.T) {
	direct, shelf := connect(t), newShelf(t)
	s := smallSource(t, direct)
	tags := regexp.MustCompile(`^POST /\S+/tag\?`)
	b := watched(t, direct, func(sent []byte) {
		if tags.Match(sent) {
			removeImages(t, direct, s.Name)
		}
	})
	if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); !errors.Is(err, ErrPruned) {
		t.Errorf("error = %v", err)
	}
}

func TestAllTextsAboutARemovedImageAreRecognized(t *testing.T) {
	for text, want := range map[string]bool{
		"failed to get digest sha256:a81: open /var/lib/docker/image/overlay2/imagedb/content/sha256/a81: no such file or directory": true,
		"no such image: sha256:a81: No such image: sha256:a81":                                                                       true,
		"could not find image from tag host/app:ctx-0: failed to get digest sha256:a81":                                              true,
		"An image does not exist locally with the tag: host/app":                                                                     true,
		"COPY page /page: no such file or directory":                                                                                 false,
	} {
		if got := pruned(errors.New(text)); got != want {
			t.Errorf("pruned(%q) = %v, want %v", text, got, want)
		}
	}
	if pruned(nil) {
		t.Error("no error is no removed image")
	}
}

func TestAnUnchangedImageNeedsNoBuildAndNoPush(t *testing.T) {
	direct, shelf := connect(t), newShelf(t)
	var mu sync.Mutex
	var requests []string
	b := watched(t, direct, func(sent []byte) {
		mu.Lock()
		defer mu.Unlock()
		if line, _, ok := bytes.Cut(sent, []byte(" HTTP/1.1\r\n")); ok {
			requests = append(requests, string(line))
		}
	})
	log, digest := &record{}, ""
	sources := []Source{smallSource(t, direct), smallSource(t, direct)}
	for _, want := range []bool{true, false} {
		requests = nil
		made := mustBuild(t, b, shelf, Options{Log: log.log}, sources...)
		if again := digest == made[0].Digest; again == want || again != strings.Contains(log.String(), "push: already in the registry") {
			t.Errorf("the digest was %q and is %q; log:\n%s", digest, made[0].Digest, log)
		}
		digest = made[0].Digest
		all := strings.Join(requests, "\n")
		if got := strings.Contains(all, "/build?"); got != want {
			t.Errorf("it builds: %v, want %v:\n%s", got, want, all)
		}
		if got := strings.Contains(all, "/push?"); got != want {
			t.Errorf("it pushes: %v, want %v:\n%s", got, want, all)
		}
	}
	if shelf.logins != 1 {
		t.Errorf("%d logins, want one", shelf.logins)
	}
}

// counter counts what is written to it, and shows it to watch, which may be nil.
type counter struct {
	atomic.Int64
	watch func([]byte)
}

func (c *counter) Write(p []byte) (int, error) {
	c.Add(int64(len(p)))
	if c.watch != nil {
		c.watch(p)
	}
	return len(p), nil
}

// relay stands between a client and the engine until it is cut.
type relay struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
	sent  counter // bytes to the engine
}

// newRelay starts a relay. watch, unless nil, sees what goes to the engine before the engine
// does; it may be called by several goroutines at a time.
func newRelay(t *testing.T, dial func(context.Context) (net.Conn, error), watch func([]byte)) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must.Succeed(t, err)
	r := &relay{Listener: l, sent: counter{watch: watch}}
	t.Cleanup(r.cut)
	go func() {
		for {
			front, err := l.Accept()
			if err != nil {
				return
			}
			back, err := dial(t.Context())
			if err != nil {
				_ = front.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, front, back)
			r.mu.Unlock()
			go func() { _, _ = io.Copy(back, io.TeeReader(front, &r.sent)) }()
			go func() { _, _ = io.Copy(front, back) }()
		}
	}()
	return r
}

func (r *relay) cut() {
	_ = r.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		_ = c.Close()
	}
}
