package ecr

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/smithy-go"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"beansprout/localcloud/wire"
)

const account = "123456789012"

// bench is a Service behind HTTP, with its control API and its registry on one port.
type bench struct {
	*testing.T
	svc    *Service
	dir    string
	host   string
	server *httptest.Server
	front  atomic.Value // http.Handler in front of svc
	now    atomic.Pointer[time.Time]
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, dir: t.TempDir()}
	b.setClock(time.Now())
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.front.Load().(http.Handler).ServeHTTP(w, r)
	}))
	b.host = strings.TrimPrefix(b.server.URL, "http://")
	b.open()
	t.Cleanup(func() {
		b.server.Close()
		if err := b.svc.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

func (b *bench) open() {
	b.Helper()
	svc, err := New(Config{Dir: b.dir, Account: account, Host: func() string { return b.host }, Now: b.clock})
	if err != nil {
		b.Fatal(err)
	}
	b.svc = svc
	b.front.Store(front(svc, b.clock))
}

func (b *bench) restart() {
	b.Helper()
	if err := b.svc.Close(); err != nil {
		b.Fatal(err)
	}
	b.open()
}

func (b *bench) clock() time.Time       { return *b.now.Load() }
func (b *bench) setClock(t time.Time)   { b.now.Store(&t) }
func (b *bench) passes(d time.Duration) { b.setClock(b.clock().Add(d)) }

var scope = regexp.MustCompile(`Credential=[^/]+/[0-9]+/([^/]+)/ecr/`)

// front does what package localcloud does: it chooses the part by the path, and the region by the
// signature.
func front(svc *Service, now func() time.Time) http.Handler {
	registry, control := svc.Registry(), svc.Control()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v2") {
			registry.ServeHTTP(w, r)
			return
		}
		region := ""
		if m := scope.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
			region = m[1]
		}
		call := wire.Call{ID: "00000000-0000-4000-8000-000000000000", Region: region, Account: account, Now: now()}
		control.ServeHTTP(w, wire.WithCall(r, call))
	})
}

func (b *bench) client(region string) *awsecr.Client {
	return awsecr.New(awsecr.Options{
		BaseEndpoint:     aws.String(b.server.URL),
		Region:           region,
		Credentials:      credentials.NewStaticCredentialsProvider("k", "s", ""),
		RetryMaxAttempts: 1,
	})
}

// create creates a repository in us-east-1.
func (b *bench) create(name string) *awsecr.Client {
	b.Helper()
	c := b.client("us-east-1")
	if _, err := c.CreateRepository(b.Context(), &awsecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
		b.Fatal(err)
	}
	return c
}

// login gets a token as a client does.
func (b *bench) login(region string) remote.Option {
	b.Helper()
	return remote.WithAuth(&authn.Basic{Username: "AWS", Password: b.password(region)})
}

func (b *bench) password(region string) string {
	b.Helper()
	out, err := b.client(region).GetAuthorizationToken(b.Context(), &awsecr.GetAuthorizationTokenInput{})
	if err != nil {
		b.Fatal(err)
	}
	plain, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		b.Fatal(err)
	}
	user, password, _ := strings.Cut(string(plain), ":")
	if user != "AWS" {
		b.Fatalf("user is %q", user)
	}
	return password
}

func (b *bench) ref(s string) name.Reference {
	b.Helper()
	ref, err := name.ParseReference(b.host + "/" + s)
	if err != nil {
		b.Fatal(err)
	}
	return ref
}

// image returns a new image of one layer.
func (b *bench) image() v1.Image {
	b.Helper()
	img, err := random.Image(2000, 1)
	if err != nil {
		b.Fatal(err)
	}
	return img
}

// push pushes img to us-east-1, or a new image if img is nil, and returns its digest.
func (b *bench) push(ref string, img v1.Image) string {
	b.Helper()
	if img == nil {
		img = b.image()
	}
	if err := remote.Write(b.ref(ref), img, b.login("us-east-1")); err != nil {
		b.Fatal(err)
	}
	return b.digest(img)
}

func (b *bench) digest(img interface{ Digest() (v1.Hash, error) }) string {
	b.Helper()
	d, err := img.Digest()
	if err != nil {
		b.Fatal(err)
	}
	return d.String()
}

// pulls reports whether all of an image can be pulled.
func (b *bench) pulls(ref string, auth remote.Option) error {
	img, err := remote.Image(b.ref(ref), auth)
	if err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		if rc, err := l.Uncompressed(); err != nil {
			return err
		} else if err := rc.Close(); err != nil {
			return err
		}
	}
	_, err = img.RawConfigFile()
	return err
}

// wantCode checks the modelled code and a part of the message of an AWS error.
func (b *bench) wantCode(err error, code, part string) {
	b.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		b.Fatalf("got %v, want %s", err, code)
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), part) {
		b.Errorf("got %s: %s\nwant %s: ...%s...", api.ErrorCode(), api.ErrorMessage(), code, part)
	}
}
