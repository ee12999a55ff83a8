package ecr_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"beansprout/builder/ecr"
)

const (
	manifestType = "application/vnd.docker.distribution.manifest.v2+json"
	listType     = "application/vnd.docker.distribution.manifest.list.v2+json"
	configType   = "application/vnd.docker.container.image.v1+json"
	layerType    = "application/vnd.docker.image.rootfs.diff.tar.gzip"

	config = `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers"}}`
)

var configDigest = digest(config)

// push puts a new image under that tag, as an engine would, and returns its digest.
func push(t *testing.T, r *ecr.Registry, uri, tag string) string {
	t.Helper()
	p := newPusher(t, r, uri)
	layer := rand.Text()
	return p.manifest(tag, manifestType, fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"size":%d,"digest":%q},"layers":[{"mediaType":%q,"size":%d,"digest":%q}]}`,
		manifestType, configType, len(config), p.blob(config), layerType, len(layer), p.blob(layer)))
}

// pushList puts a manifest list with the one image under that tag.
func pushList(t *testing.T, r *ecr.Registry, uri, tag, image string) {
	t.Helper()
	newPusher(t, r, uri).manifest(tag, listType, fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[{"mediaType":%q,"size":1,"digest":%q,"platform":{"architecture":"amd64","os":"linux"}}]}`,
		listType, manifestType, image))
}

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// pusher speaks the registry's protocol.
type pusher struct {
	t          *testing.T
	token      ecr.Token
	host, path string
}

func newPusher(t *testing.T, r *ecr.Registry, uri string) pusher {
	t.Helper()
	token, err := r.Token(t.Context(), uri)
	if err != nil {
		t.Fatal(err)
	}
	host, name, _ := strings.Cut(uri, "/")
	return pusher{t, token, "http://" + host, "/v2/" + name}
}

func (p pusher) manifest(tag, mediaType, content string) (digestOf string) {
	p.t.Helper()
	p.do(http.MethodPut, p.path+"/manifests/"+tag, mediaType, content)
	return digest(content)
}

func (p pusher) blob(content string) (digestOf string) {
	p.t.Helper()
	place, err := url.Parse(p.do(http.MethodPost, p.path+"/blobs/uploads/", "", "").Get("Location"))
	if err != nil {
		p.t.Fatal(err)
	}
	query := place.Query()
	query.Set("digest", digest(content))
	p.do(http.MethodPut, place.Path+"?"+query.Encode(), "application/octet-stream", content)
	return digest(content)
}

func (p pusher) do(method, path, contentType, body string) http.Header {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.host+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.SetBasicAuth(p.token.Username, p.token.Password)
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusMultipleChoices {
		p.t.Fatalf("%s %s: %s %s %v", method, path, response.Status, answer, err)
	}
	return response.Header
}
