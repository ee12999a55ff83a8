package builder

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sleeper(t *testing.T, b *Builder) (s Source, mark string) {
	mark = rand.Text()
	return newSource(t, b, map[string]string{
		"step": stepBinary(t), "Dockerfile": "FROM scratch\nCOPY step /step\nRUN [\"/step\", \"sleep\", \"" + mark + "\"]\n",
	}), mark
}

// running says whether a process of this machine, where the engine is too, has mark
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
	result := make(chan error, 1)
	go func() {
		_, err := b.Build(ctx, []Source{s}, shelf.registry, Options{Log: log.log})
		result <- err
	}()
	log.await(t, "asleep")
	if !running(mark) {
		t.Fatal("the step is not seen among the processes")
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
	eventually(t, "the end of the step in the engine", func() bool { return !running(mark) })
}

func TestTheFirstFailureCancelsTheOthersAndIsReported(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	slow, mark := sleeper(t, b)
	quick := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\n"})
	started := filepath.Join(t.TempDir(), "started")
	quick.Prepare = "while [ ! -e " + started + " ]; do sleep 0.01; done; exit 7"
	result := make(chan error, 1)
	go func() {
		_, err := b.Build(t.Context(), []Source{slow, quick}, shelf.registry, Options{Log: log.log})
		result <- err
	}()
	log.await(t, "asleep")
	write(t, started, "")
	var failed *BuildError
	if err := <-result; !errors.As(err, &failed) || failed.Image != quick.Name || failed.ExitCode != 7 {
		t.Errorf("error = %v", err)
	}
	eventually(t, "the end of the other build", func() bool { return !running(mark) })
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

func TestAnEngineThatGoesAwayGetsOneSentence(t *testing.T) {
	direct, shelf, log := connect(t), newShelf(t), &record{}
	s, mark := sleeper(t, direct)
	r := newRelay(t, direct.docker.Dialer(), nil)
	t.Setenv("DOCKER_HOST", "tcp://"+r.Addr().String())
	b, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	result := make(chan error, 1)
	go func() {
		_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{Log: log.log})
		result <- err
	}()
	log.await(t, "asleep")
	r.cut()
	err = <-result
	if !errors.Is(err, ErrNoEngine) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "any more") {
		t.Errorf("error = %v", err)
	}
	eventually(t, "the end of the step in the engine", func() bool { return !running(mark) })
}
