package builder

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func TestConnectSaysInOneSentenceWhyThereIsNoEngine(t *testing.T) {
	for _, test := range []struct{ name, host, want string }{
		{"nothing listens at the port", "tcp://127.0.0.1:1", "no Docker Engine answers at tcp://127.0.0.1:1"},
		{"no socket", "unix:///gone/docker.sock", "no Docker Engine answers at unix:///gone/docker.sock"},
		{"ssh", "ssh://me@build", "no Docker Engine over ssh (ssh://me@build): forward its socket with ssh -L and set DOCKER_HOST to the forwarded one"},
		{"nonsense", "nonsense", "no Docker Engine at \"nonsense\": "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", test.host)
			_, err := Connect(t.Context())
			if !errors.Is(err, ErrNoEngine) || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error = %v, want %q", err, test.want)
			}
		})
	}
}

func TestConnectRefusesAnEngineWithoutBuildKit(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.38")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"ApiVersion":"1.38","Os":"linux","Arch":"amd64"}`))
	}))
	defer old.Close()
	t.Setenv("DOCKER_HOST", "tcp://"+strings.TrimPrefix(old.URL, "http://"))
	_, err := Connect(t.Context())
	if !errors.Is(err, ErrTooOld) || !strings.Contains(err.Error(), "1.38") {
		t.Errorf("error = %v", err)
	}
}

func TestConnectSpeaksTLSWithTheCertificatesOfAContext(t *testing.T) {
	engine := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"ApiVersion":"1.41","Os":"linux","Arch":"arm64"}`))
	}))
	engine.Config.ErrorLog = log.New(io.Discard, "", 0) // it is spoken to without TLS at first
	engine.StartTLS()
	defer engine.Close()
	dir := t.TempDir()
	writeContext(t, dir, "remote", "tcp://"+strings.TrimPrefix(engine.URL, "https://"))
	t.Setenv("DOCKER_HOST", "")
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("DOCKER_CONTEXT", "remote")
	if _, err := Connect(t.Context()); !errors.Is(err, ErrNoEngine) {
		t.Errorf("an engine with a certificate of nobody we know: error = %v", err)
	}
	write(t, filepath.Join(dir, "contexts", "tls", contextID("remote"), "docker", "ca.pem"), pemOf(engine.Certificate()))
	b, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Platform() != "linux/arm64" {
		t.Errorf("platform = %q", b.Platform())
	}
}
