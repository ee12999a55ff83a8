package builder

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"beansprout/test/must"
)

// The credentials of docker's configuration go to the registry of a base image, which may quote them.
func TestARefusalThatQuotesDockersCredentialsIsShownWithoutThem(t *testing.T) {
	var reached atomic.Bool
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, ok := r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		if !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		reached.Store(true)
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]string{"code": "DENIED", "message": "no entry for " + name + ":" + password}}})
	}))
	t.Cleanup(registry.Close)
	host, secret := strings.TrimPrefix(registry.URL, "http://"), rand.Text()
	config := t.TempDir()
	dockerConfig(t, config)
	must.Write(t, filepath.Join(config, "config.json"), fmt.Sprintf(`{"auths":{%q:{"username":"kim","password":%q}}}`, host, secret))
	b, log := connect(t), &record{}
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM " + host + "/base:1\nCOPY salt /\n", "salt": rand.Text()})
	shelf := newShelf(t)
	_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{Log: log.log})
	if text := fmt.Sprint(err, log); err == nil || !reached.Load() || strings.Contains(text, secret) || !strings.Contains(text, "no entry for kim:***") {
		t.Errorf("it says %s", text)
	}
}
