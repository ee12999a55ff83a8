package ecr

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/build"
	dockerimage "github.com/docker/docker/api/types/image"
	dockerregistry "github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// engine is a Docker Engine with an image of the test.
type engine struct {
	*bench
	docker *client.Client
	image  string
}

func newEngine(t *testing.T, b *bench) *engine {
	t.Helper()
	docker, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = docker.Close() })
	if _, err := docker.Ping(t.Context()); err != nil {
		t.Fatalf("this test needs a Docker Engine: %v", err)
	}
	e := &engine{b, docker, "beansprout-ecr-test-" + strings.ToLower(rand.Text())}
	t.Cleanup(func() { e.forget(e.image) })
	e.build()
	return e
}

// build builds an image of one file that no other image has.
func (e *engine) build() {
	e.Helper()
	var sources bytes.Buffer
	w := tar.NewWriter(&sources)
	for name, content := range map[string]string{"Dockerfile": "FROM scratch\nCOPY file /\n", "file": e.image} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			e.Fatal(err)
		}
		_, _ = io.WriteString(w, content) // memory
	}
	if err := w.Close(); err != nil {
		e.Fatal(err)
	}
	out, err := e.docker.ImageBuild(e.Context(), &sources, build.ImageBuildOptions{Tags: []string{e.image}, Remove: true})
	if err != nil {
		e.Fatal(err)
	}
	e.must(drain(out.Body, nil))
}

// drain reads a stream to its end and returns the errors that Docker puts into it.
func drain(stream io.ReadCloser, err error) error {
	if err != nil {
		return err
	}
	defer stream.Close()
	return jsonmessage.DisplayJSONMessagesStream(stream, io.Discard, 0, false, nil)
}

func (e *engine) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *engine) forget(ref string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.Context()), time.Minute)
	defer cancel()
	_, _ = e.docker.ImageRemove(ctx, ref, dockerimage.RemoveOptions{Force: true}) // may be gone already
}

func (e *engine) auth(password string) string {
	e.Helper()
	auth, err := dockerregistry.EncodeAuthConfig(dockerregistry.AuthConfig{Username: "AWS", Password: password, ServerAddress: e.host})
	e.must(err)
	return auth
}

func (e *engine) push(ref, password string) error {
	e.Helper()
	e.must(e.docker.ImageTag(e.Context(), e.image, e.host+"/"+ref))
	e.Cleanup(func() { e.forget(e.host + "/" + ref) })
	return drain(e.docker.ImagePush(e.Context(), e.host+"/"+ref, dockerimage.PushOptions{RegistryAuth: e.auth(password)}))
}

func (e *engine) pull(ref, password string) error {
	e.Helper()
	e.Cleanup(func() { e.forget(e.host + "/" + ref) })
	return drain(e.docker.ImagePull(e.Context(), e.host+"/"+ref, dockerimage.PullOptions{RegistryAuth: e.auth(password)}))
}

func TestDockerEngine(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a Docker Engine")
	}
	b := newBench(t)
	c := b.create("team/shop")
	e := newEngine(t, b)
	password := b.password("us-east-1")
	e.must(e.push("team/shop:a", password))
	e.must(e.push("team/shop:a", password)) // again, which changes nothing

	out, err := c.DescribeImages(t.Context(), &awsecr.DescribeImagesInput{RepositoryName: aws.String("team/shop")})
	e.must(err)
	digest := *out.ImageDetails[0].ImageDigest
	b.restart()
	for _, ref := range []string{e.image, e.host + "/team/shop:a"} {
		e.forget(ref)
	}
	byDigest := "team/shop@" + digest
	if _, err := e.docker.ImageInspect(t.Context(), e.host+"/"+byDigest); err == nil {
		t.Fatal("the engine still has the image: pulling it would show nothing")
	}
	e.must(e.pull(byDigest, b.svc.Token()))
	got, err := e.docker.ImageInspect(t.Context(), e.host+"/"+byDigest)
	e.must(err)
	e.must(e.docker.ImageTag(t.Context(), got.ID, e.image))

	_, err = c.PutImageTagMutability(t.Context(), &awsecr.PutImageTagMutabilityInput{RepositoryName: aws.String("team/shop"), ImageTagMutability: types.ImageTagMutabilityImmutable})
	e.must(err)
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"no repository", e.push("gone:a", password), "name unknown: The repository with name 'gone' does not exist in the registry with id '" + account + "'"},
		{"immutable tag", e.push("team/shop:a", password), "tag invalid: The image tag 'a' already exists in the 'team/shop' repository and cannot be overwritten because the tag is immutable."},
		{"wrong token", e.push("team/shop:b", password+"x"), "unauthorized: Not Authorized"},
		{"no token", e.pull("team/shop:a", ""), "no basic auth credentials"},
		{"no such tag", e.pull("team/shop:gone", password), "Requested image not found"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, tt.err, tt.want)
		}
	}
	b.passes(13 * time.Hour)
	if err := e.push("team/shop:b", password); err == nil || !strings.Contains(err.Error(), "denied: Your authorization token has expired. Reauthenticate and try again.") {
		t.Errorf("expired token: %v", err)
	}
	if _, err := e.docker.RegistryLogin(t.Context(), dockerregistry.AuthConfig{Username: "AWS", Password: b.password("us-east-1"), ServerAddress: e.host}); err != nil {
		t.Errorf("login: %v", err)
	}
}
