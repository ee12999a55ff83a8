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

	"beansprout/envs/ecr"
	"beansprout/test/must"
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
	must.Succeed(t, err)
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
	must.Succeed(p.t, err)
	query := place.Query()
	query.Set("digest", digest(content))
	p.do(http.MethodPut, place.Path+"?"+query.Encode(), "application/octet-stream", content)
	return digest(content)
}

func (p pusher) do(method, path, contentType, body string) http.Header {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.host+path, strings.NewReader(body))
	must.Succeed(p.t, err)
	request.SetBasicAuth(p.token.Username, p.token.Password)
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	must.Succeed(p.t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusMultipleChoices {
		p.t.Fatalf("%s %s: %s %s %v", method, path, response.Status, answer, err)
	}
	return response.Header
}

// refusing answers the operation with a refusal instead of passing it on.
type refusing struct{ operation, code string }

func (r refusing) Do(request *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(request.Header.Get("X-Amz-Target"), "."+r.operation) {
		return http.DefaultClient.Do(request)
	}
	return answer(request, http.StatusBadRequest, fmt.Sprintf(`{"__type":%q,"message":"no"}`, r.code)), nil
}

// answering answers the operation with this body instead of passing it on.
type answering struct{ operation, body string }

func (a answering) Do(request *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(request.Header.Get("X-Amz-Target"), "."+a.operation) {
		return http.DefaultClient.Do(request)
	}
	return answer(request, http.StatusOK, a.body), nil
}

// recording answers nothing and keeps the host that was called.
type recording struct{ host string }

func (r *recording) Do(request *http.Request) (*http.Response, error) {
	r.host = request.URL.Host
	return answer(request, http.StatusBadRequest, `{"__type":"AccessDeniedException"}`), nil
}

func answer(request *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: request}
}
