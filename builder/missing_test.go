package builder

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"beansprout/test/must"
)

func TestAnImageIsMissingOnlyIfItsRegistrySaysSo(t *testing.T) {
	anybodys := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/private/") {
			http.Error(w, "", http.StatusForbidden)
			return
		}
		anybodys.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	there, err := name.ParseReference(host + "/shop:1")
	must.Succeed(t, err)
	image, err := random.Image(64, 1)
	must.Succeed(t, err)
	must.Succeed(t, remote.Write(there, image))
	for ref, want := range map[string]bool{
		host + "/shop:1": false, host + "/shop:2": true, host + "/other:1": true, host + "/private/shop:1": false, "127.0.0.1:1/shop:1": false,
	} {
		named, err := name.ParseReference(ref)
		must.Succeed(t, err)
		if got := unknownTo(t.Context(), named, Credentials{}); got != want {
			t.Errorf("%s is missing: %v, want %v", ref, got, want)
		}
	}
}
