package builder

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
)

// proxied returns a Builder whose requests to the engine are told to each before they go on.
func proxied(t *testing.T, direct *Builder, each func(*http.Request)) *Builder {
	t.Helper()
	dial := direct.docker.Dialer()
	server := httptest.NewServer(&httputil.ReverseProxy{
		FlushInterval: -1,
		Transport:     &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine"
			each(r.In)
		},
	})
	t.Cleanup(server.Close)
	t.Setenv("DOCKER_HOST", "tcp://"+strings.TrimPrefix(server.URL, "http://"))
	return connect(t)
}

func TestAnImageThatAnotherBuildPrunesIsBuiltAgain(t *testing.T) {
	direct, shelf := connect(t), newShelf(t)
	s := smallSource(t, direct)
	var once sync.Once
	b := proxied(t, direct, func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/tag") {
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
	b := proxied(t, direct, func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Method+" "+r.URL.Path)
	})
	sources := []Source{smallSource(t, direct), smallSource(t, direct)}
	for _, want := range []bool{true, false} {
		asked = nil
		if _, err := b.Build(t.Context(), sources, shelf.registry, Options{}); err != nil {
			t.Fatal(err)
		}
		all := strings.Join(asked, "\n")
		if got := strings.Contains(all, "/build"); got != want {
			t.Errorf("it builds: %v, want %v:\n%s", got, want, all)
		}
		if got := strings.Contains(all, "/push"); got != want {
			t.Errorf("it pushes: %v, want %v:\n%s", got, want, all)
		}
	}
	if shelf.logins != 1 {
		t.Errorf("%d logins, want one", shelf.logins)
	}
}
