package builder

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// watched returns a Builder whose requests are seen by watch before they reach the engine.
func watched(t *testing.T, direct *Builder, watch func([]byte)) *Builder {
	t.Helper()
	r := newRelay(t, direct.docker.Dialer(), watch)
	t.Setenv("DOCKER_HOST", "tcp://"+r.Addr().String())
	return connect(t)
}

func TestAnImageThatAnotherBuildPrunesIsBuiltAgain(t *testing.T) {
	direct, shelf := connect(t), newShelf(t)
	s := smallSource(t, direct)
	var once sync.Once
	tags := regexp.MustCompile(`^POST /\S+/tag\?`)
	b := watched(t, direct, func(sent []byte) {
		if tags.Match(sent) {
			once.Do(func() { removeImages(t, direct, s.Name) })
		}
	})
	made, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
	if err != nil || !shelf.has(t, made[0].Reference) {
		t.Errorf("images %+v, error = %v", made, err)
	}
}

func TestWhatIsUnchangedAsksTheEngineForNoBuildAndNoPush(t *testing.T) {
	direct, shelf := connect(t), newShelf(t)
	var mu sync.Mutex
	var asked []string
	b := watched(t, direct, func(sent []byte) {
		mu.Lock()
		defer mu.Unlock()
		if line, _, ok := bytes.Cut(sent, []byte(" HTTP/1.1\r\n")); ok {
			asked = append(asked, string(line))
		}
	})
	sources := []Source{smallSource(t, direct), smallSource(t, direct)}
	for _, want := range []bool{true, false} {
		asked = nil
		if _, err := b.Build(t.Context(), sources, shelf.registry, Options{}); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(asked, "\n")
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
