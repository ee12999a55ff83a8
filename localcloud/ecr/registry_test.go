package ecr

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

type pushedIndex struct {
	digest   string
	children []string
}

// index pushes a manifest list of two images.
func (b *bench) index(ref string) (p pushedIndex) {
	b.Helper()
	idx, err := random.Index(500, 1, 2)
	if err != nil {
		b.Fatal(err)
	}
	if err := remote.WriteIndex(b.ref(ref), idx, b.login("us-east-1")); err != nil {
		b.Fatal(err)
	}
	list, err := idx.IndexManifest()
	if err != nil {
		b.Fatal(err)
	}
	for _, d := range list.Manifests {
		p.children = append(p.children, d.Digest.String())
	}
	p.digest = b.digest(idx)
	return p
}

// wantRefusal checks the status, the code and a part of the message of a registry's error.
func (b *bench) wantRefusal(err error, status int, code, part string) {
	b.Helper()
	var refused *transport.Error
	if !errors.As(err, &refused) {
		b.Fatalf("got %v, want %s", err, code)
	}
	if refused.StatusCode != status || !strings.Contains(refused.Error(), code) || !strings.Contains(refused.Error(), part) {
		b.Errorf("got %d %v\nwant %d %s: ...%s...", refused.StatusCode, refused, status, code, part)
	}
}

func TestPushAndPull(t *testing.T) {
	b := newBench(t)
	b.create("team/shop")
	auth := b.login("us-east-1")
	old := b.push("team/shop:a", nil)
	b.push("team/shop:a", nil)
	list := b.index("team/shop:list")
	for _, ref := range []string{"team/shop:a", "team/shop@" + old, "team/shop@" + list.children[1]} {
		if err := b.pulls(ref, auth); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
	repo, err := name.NewRepository(b.host + "/team/shop")
	if err != nil {
		t.Fatal(err)
	}
	tags, err := remote.List(repo, auth)
	if err != nil || !slices.Equal(tags, []string{"a", "list"}) {
		t.Errorf("tags %v, %v", tags, err)
	}
	b.restart()
	for _, ref := range []string{"team/shop:a", "team/shop@" + old, "team/shop@" + list.children[0]} {
		if err := b.pulls(ref, auth); err != nil {
			t.Errorf("after a restart, %s: %v", ref, err)
		}
	}
}

func TestPushRefusals(t *testing.T) {
	b := newBench(t)
	c := b.create("shop")
	auth := b.login("us-east-1")
	img := b.image()
	b.push("shop:a", img)
	b.wantRefusal(remote.Write(b.ref("gone:a"), img, auth), 404, "NAME_UNKNOWN",
		"The repository with name 'gone' does not exist in the registry with id '"+account+"'")
	_, err := remote.Head(b.ref("shop:gone"), auth)
	if err == nil {
		t.Error("pulled what was never pushed")
	}
	_, err = c.PutImageTagMutability(t.Context(), &awsecr.PutImageTagMutabilityInput{RepositoryName: aws.String("shop"), ImageTagMutability: types.ImageTagMutabilityImmutable})
	if err != nil {
		t.Fatal(err)
	}
	const immutable = "The image tag 'a' already exists in the 'shop' repository and cannot be overwritten because the tag is immutable."
	b.wantRefusal(remote.Write(b.ref("shop:a"), b.image(), auth), 400, "TAG_INVALID", immutable)
	b.wantRefusal(remote.Put(b.ref("shop:a"), img, auth), 400, "TAG_INVALID", immutable)
	if err := remote.Write(b.ref("shop:b"), b.image(), auth); err != nil {
		t.Errorf("a new tag in an immutable repository: %v", err)
	}
	b.wantRefusal(remote.Put(b.ref("shop:c"), b.image(), auth), 404, "MANIFEST_BLOB_UNKNOWN", "Layers with digests '[sha256:")
	idx, err := random.Index(100, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	b.wantRefusal(remote.Put(b.ref("shop:c"), idx, auth), 404, "MANIFEST_BLOB_UNKNOWN", "Images with digests '[sha256:")
	b.wantRefusal(remote.Delete(b.ref("shop:a"), auth), 405, "UNSUPPORTED", "")
}

func TestTokens(t *testing.T) {
	b := newBench(t)
	b.create("shop")
	digest := b.push("shop:a", nil)
	as := func(user, password string) remote.Option {
		return remote.WithAuth(&authn.Basic{Username: user, Password: password})
	}
	password := b.password("us-east-1")
	for user, wrong := range map[string]string{"AWS": "x" + password, "aws": password, "AWS ": "", "A": "."} {
		b.wantRefusal(b.pulls("shop:a", as(user, wrong)), 401, "UNAUTHORIZED", "")
	}
	b.wantRefusal(b.pulls("shop:a", remote.WithAuth(authn.Anonymous)), 401, "", "")
	own := as("AWS", b.svc.Token())
	if err := b.pulls("shop@"+digest, own); err != nil {
		t.Errorf("the engine's pull: %v", err)
	}
	b.wantRefusal(remote.Write(b.ref("shop:b"), b.image(), own), 403, "DENIED", "may only pull")
	b.restart()
	b.passes(12*time.Hour - time.Minute)
	if err := b.pulls("shop:a", as("AWS", password)); err != nil {
		t.Errorf("after a restart and nearly 12 hours: %v", err)
	}
	b.passes(2 * time.Minute)
	b.wantRefusal(b.pulls("shop:a", as("AWS", password)), 403, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")
}

func TestRegionsHaveTheirOwnRepositories(t *testing.T) {
	b := newBench(t)
	b.create("shop")
	if _, err := b.client("eu-west-1").CreateRepository(t.Context(), &awsecr.CreateRepositoryInput{RepositoryName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	all := remote.WithAuth(&authn.Basic{Username: "AWS", Password: b.svc.Token()})
	latest := map[string]string{}
	for _, region := range []string{"us-east-1", "eu-west-1", "us-east-1"} {
		img := b.image()
		if err := remote.Write(b.ref("shop:a"), img, b.login(region)); err != nil {
			t.Fatal(err)
		}
		latest[region] = b.digest(img)
		if got := b.head("shop:a", all); got != latest[region] {
			t.Errorf("a token for all regions got %s, want the last one, of %s", got, region)
		}
		b.passes(time.Second)
	}
	for region, other := range map[string]string{"us-east-1": "eu-west-1", "eu-west-1": "us-east-1"} {
		if got := b.head("shop:a", b.login(region)); got != latest[region] {
			t.Errorf("%s got %s, want %s", region, got, latest[region])
		}
		if got := b.head("shop@"+latest[region], b.login(other)); got != "" {
			t.Errorf("a token of %s pulled an image of %s", other, region)
		}
		if got := b.head("shop@"+latest[region], all); got != latest[region] {
			t.Errorf("a token for all regions cannot pull %s", latest[region])
		}
	}
}

// head returns the digest of a reference, and "" if there is none.
func (b *bench) head(ref string, auth remote.Option) string {
	b.Helper()
	d, err := remote.Head(b.ref(ref), auth)
	if err != nil {
		return ""
	}
	return d.Digest.String()
}

// send sends a request with a valid token.
func (b *bench) send(method, path string, body io.Reader) *http.Response {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+path, body)
	if err != nil {
		b.Fatal(err)
	}
	req.SetBasicAuth("AWS", b.password("us-east-1"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestWrongRequests(t *testing.T) {
	b := newBench(t)
	b.create("shop")
	zeros := "sha256:" + strings.Repeat("0", 64)
	upload := b.send("POST", "/v2/shop/blobs/uploads/", nil).Header.Get("Location")
	for _, tt := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/v2/", "", 200},
		{"HEAD", "/v2", "", 200},
		{"GET", "/v2/shop/tags/list", "", 200},
		{"GET", "/v2/gone/tags/list", "", 404},
		{"GET", "/v2/_catalog", "", 405},
		{"POST", "/v2/gone/blobs/uploads/", "", 404},
		{"GET", "/v2/shop/blobs/" + zeros, "", 404},
		{"GET", "/v2/gone/blobs/" + zeros, "", 404},
		{"GET", "/v2/shop/blobs/sha256:..%2f..%2fecr.db", "", 405},
		{"GET", "/v2/shop/manifests/..%2f..%2fecr.db", "", 405},
		{"GET", "/v2/shop/manifests/" + zeros, "", 404},
		{"PATCH", "/v2/shop/blobs/uploads/0123456789", "x", 404},
		{"PATCH", "/v2/shop/blobs/uploads/..%2fecr.db", "x", 405},
		{"PUT", upload, "x", 400},
		{"PUT", upload + "?digest=sha512:00", "x", 400},
		{"PUT", upload + "?digest=" + zeros, "x", 400},
		{"PUT", upload + "?digest=" + zeros, "x", 404}, // the upload was removed
		{"PUT", "/v2/shop/manifests/a", "{", 400},
		{"PUT", "/v2/shop/manifests/a", `{"mediaType":"text/plain"}`, 400},
		{"PUT", "/v2/shop/manifests/a", `{"mediaType":"application/vnd.oci.image.manifest.v1+json"}`, 404},
		{"PUT", "/v2/shop/manifests/a", strings.Repeat(" ", maxManifest+1), 400},
		{"PUT", "/v2/shop/manifests/" + zeros, `{"mediaType":"application/vnd.oci.image.index.v1+json"}`, 400},
		{"PUT", "/v2/shop/manifests/-a", `{"mediaType":"application/vnd.oci.image.index.v1+json"}`, 400},
	} {
		if resp := b.send(tt.method, tt.path, strings.NewReader(tt.body)); resp.StatusCode != tt.status {
			t.Errorf("%s %s: %d, want %d", tt.method, tt.path, resp.StatusCode, tt.status)
		}
	}
}

func TestBlobsCanBeReadInParts(t *testing.T) {
	b := newBench(t)
	b.create("shop")
	content := []byte("0123456789")
	digest := digestOf(content)
	location := b.send("POST", "/v2/shop/blobs/uploads/", nil).Header.Get("Location")
	if got := b.send("PATCH", location, bytes.NewReader(content[:4])).Header.Get("Range"); got != "0-3" {
		t.Errorf("range %q", got)
	}
	b.send("PATCH", location, bytes.NewReader(content[4:7]))
	if resp := b.send("PUT", location+"?digest="+digest, bytes.NewReader(content[7:])); resp.StatusCode != http.StatusCreated {
		t.Fatalf("commit: %s", resp.Status)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", b.server.URL+"/v2/shop/blobs/"+digest, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("AWS", b.password("us-east-1"))
	req.Header.Set("Range", "bytes=3-5")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if part, err := io.ReadAll(resp.Body); err != nil || string(part) != "345" || resp.StatusCode != http.StatusPartialContent {
		t.Errorf("%s %q %v", resp.Status, part, err)
	}
}

// An upload that stalls must not make another push wait. Here it would wait for ever.
func TestPushesDoNotWaitForEachOther(t *testing.T) {
	b := newBench(t)
	b.create("shop")
	location := b.send("POST", "/v2/shop/blobs/uploads/", nil).Header.Get("Location")
	body, feed := io.Pipe()
	done := make(chan *http.Response)
	go func() { done <- b.send("PATCH", location, body) }()
	fmt.Fprint(feed, "half ")
	b.push("shop:a", nil)
	fmt.Fprint(feed, "done")
	feed.Close()
	if resp := <-done; resp.StatusCode != http.StatusAccepted || resp.Header.Get("Range") != "0-8" {
		t.Errorf("stalled upload: %s, %s", resp.Status, resp.Header.Get("Range"))
	}
}
