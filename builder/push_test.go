package builder

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"beansprout/test/must"
)

func smallSource(t *testing.T, b *Builder) Source {
	return newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": rand.Text()})
}

// onManifest is a fault of the first pushes of a manifest, of all if times is negative.
func onManifest(times int, answer func(http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/manifests/") || times == 0 {
			return false
		}
		times--
		answer(w)
		return true
	}
}

func status(code int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { http.Error(w, body, code) }
}

func TestARefusedTokenIsErrExpired(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s, logins := smallSource(t, b), 0
	_, err := b.Build(t.Context(), []Source{s}, func(context.Context) (Registry, error) {
		return Registry{Repository: shelf.host + "/app", Image: shelf.image, Login: func(context.Context) (Credentials, error) {
			logins++
			return Credentials{Username: "AWS", Password: "of yesterday"}, nil
		}}, nil
	}, Options{})
	if !errors.Is(err, ErrExpired) || !strings.Contains(err.Error(), "Your authorization token has expired") {
		t.Errorf("error = %v", err)
	}
	if strings.Contains(err.Error(), "of yesterday") {
		t.Errorf("the error shows the password: %v", err)
	}
	if logins != 2 {
		t.Errorf("%d logins, want the first and another one", logins)
	}
	if left := images(t, b, s.Name); len(left) != 1 || strings.Contains(strings.Join(tagsOf(t, b, left[0]), " "), "ctx-") {
		t.Errorf("left in the engine: %q", left)
	}
}

// tagsOf returns the tags of an image in the engine.
func tagsOf(t *testing.T, b *Builder, id string) []string {
	t.Helper()
	i, err := b.docker.ImageInspect(t.Context(), id)
	must.Succeed(t, err)
	return i.RepoTags
}

func TestATokenThatExpiresDuringAPushIsRenewed(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	var once sync.Once
	shelf.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			once.Do(func() {
				shelf.expire()
				http.Error(w, `{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}`, http.StatusForbidden)
			})
			return shelf.count() == 1
		}
		return false
	}
	made, err := b.Build(t.Context(), []Source{smallSource(t, b)}, shelf.registry, Options{Log: log.log})
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if !shelf.has(t, made[0].Reference) || shelf.logins != 2 {
		t.Errorf("%d logins, want 2; log:\n%s", shelf.logins, log)
	}
}

func TestAPushIsTriedAgainAfterATransientError(t *testing.T) {
	for _, test := range []struct {
		name   string
		times  int
		answer func(http.ResponseWriter)
		pushes int
		want   error  // of those to be told apart
		says   string // "" for success
	}{
		{"two errors of the server", 2, status(http.StatusInternalServerError, "oops"), 3, nil, ""},
		{"three errors of the server", 3, status(http.StatusInternalServerError, "oops"), 3, ErrUnwell, "500 Internal Server Error"},
		{"a busy server", 1, status(http.StatusServiceUnavailable, "later"), 2, nil, ""},
		{"a connection that ends", 1, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, 2, nil, ""},
		{"no permission", -1, status(http.StatusForbidden, `{"errors":[{"code":"DENIED","message":"User: arn:aws:iam::1:user/x is not authorized to perform: ecr:PutImage"}]}`), 1, ErrDenied, "ecr:PutImage"},
		{"a tag that is taken", -1, status(http.StatusBadRequest, `{"errors":[{"code":"TAG_INVALID","message":"The image tag 'x' already exists in the 'app' repository and cannot be overwritten because the tag is immutable."}]}`), 1, ErrTagTaken, "already exists"},
		{"a full disk", -1, status(http.StatusBadRequest, `{"errors":[{"code":"UNKNOWN","message":"write /blobs: no space left on device"}]}`), 1, ErrNoSpace, "no space left on device"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, shelf, log := connect(t), newShelf(t), &record{}
			shelf.fault = onManifest(test.times, test.answer)
			s := smallSource(t, b)
			made, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{Log: log.log})
			if n := shelf.count(); n != test.pushes {
				t.Errorf("%d pushes, want %d: %v\n%s", n, test.pushes, err, log)
			}
			if test.says == "" {
				if err != nil || !shelf.has(t, made[0].Reference) {
					t.Errorf("error = %v\n%s", err, log)
				}
				return
			}
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || !strings.HasPrefix(err.Error(), `push image "`+s.Name+`" to `+shelf.host+"/app:") {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestARefusalThatQuotesThePasswordIsShownWithoutIt(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	shelf.fault = onManifest(-1, status(http.StatusForbidden, `{"errors":[{"code":"DENIED","message":"no entry for AWS:`+shelf.word()+`"}]}`))
	_, err := b.Build(t.Context(), []Source{smallSource(t, b)}, shelf.registry, Options{})
	if err == nil || strings.Contains(err.Error(), shelf.word()) || !strings.Contains(err.Error(), "no entry for AWS:***") {
		t.Errorf("error = %v", err)
	}
}

func TestAMissingRegistryIsErrUnwell(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := smallSource(t, b)
	_, err := b.Build(t.Context(), []Source{s}, func(context.Context) (Registry, error) {
		return Registry{Repository: "127.0.0.1:1/app", Image: shelf.image, Login: shelf.login}, nil
	}, Options{})
	if !errors.Is(err, ErrUnwell) || errors.Is(err, ErrNoEngine) ||
		!strings.HasPrefix(err.Error(), `push image "`+s.Name+`" to 127.0.0.1:1/app:`) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error = %v", err)
	}
}

// TestAnImmutableTag covers a tag that another build has pushed since we looked.
func TestAnImmutableTag(t *testing.T) {
	taken := status(http.StatusBadRequest, `{"errors":[{"code":"TAG_INVALID","message":"The image tag 'x' already exists in the 'app' repository and cannot be overwritten because the tag is immutable."}]}`)
	digest := "sha256:" + strings.Repeat("ab", 32)
	for name, same := range map[string]bool{"that is on the same image is success": true, "that is on another image is an error": false} {
		t.Run(name, func(t *testing.T) {
			b, shelf := connect(t), newShelf(t)
			shelf.fault = onManifest(-1, taken)
			s := smallSource(t, b)
			looked := 0
			made, err := b.Build(t.Context(), []Source{s}, func(ctx context.Context) (Registry, error) {
				return Registry{Repository: shelf.host + "/app", Login: shelf.login, Image: func(context.Context, string) (string, string, error) {
					if looked++; shelf.count() == 0 {
						return "", "", nil
					}
					if same {
						return digest, images(t, b, s.Name)[0], nil
					}
					return digest, digest, nil
				}}, nil
			}, Options{Rebuild: true})
			if same && (err != nil || made[0].Digest != digest || made[0].Cached) {
				t.Errorf("images %+v, error = %v", made, err)
			}
			if !same && (!errors.Is(err, ErrTagTaken) || !strings.Contains(err.Error(), "/app:")) {
				t.Errorf("error = %v", err)
			}
			if looked == 0 {
				t.Error("the registry was not asked")
			}
		})
	}
}

func TestAPushEndsWhereAnotherProcessHasPushedDuringTheBuild(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	digest := "sha256:" + strings.Repeat("ab", 32)
	pushing, ended := make(chan struct{}), atomic.Bool{}
	shelf.fault = onManifest(1, func(w http.ResponseWriter) {
		close(pushing)
		for range 100 { // until the engine has ended the push
			if time.Sleep(100 * time.Millisecond); ended.Load() {
				break
			}
		}
		http.Error(w, "too late", http.StatusForbidden)
	})
	looked := 0
	made, err := b.Build(t.Context(), []Source{smallSource(t, b)}, func(context.Context) (Registry, error) {
		return Registry{Repository: shelf.host + "/app", Login: shelf.login, Image: func(context.Context, string) (string, string, error) {
			if looked++; looked == 1 {
				return "", "", nil
			}
			<-pushing
			return digest, digest, nil
		}}, nil
	}, Options{Log: log.log})
	ended.Store(true)
	if err != nil || made[0].Digest != digest {
		t.Errorf("images %+v, error = %v\n%s", made, err, log)
	}
}

func TestErrorsOfARegistryAreRecognized(t *testing.T) {
	for message, want := range map[string]error{
		"denied: Your authorization token has expired. Reauthenticate and try again.": ErrExpired,
		"no basic auth credentials":             ErrExpired,
		"unauthorized: authentication required": ErrExpired,
		"denied: User: arn:aws:sts::1:assumed-role/ci is not authorized to perform: ecr:InitiateLayerUpload on resource":                     ErrDenied,
		`error parsing HTTP 403 response body: unexpected end of JSON input: ""`:                                                             ErrDenied,
		"denied: requested access to the resource is denied":                                                                                 ErrDenied,
		"tag invalid: The image tag 'x' already exists in the 'y' repository and cannot be overwritten because the tag is immutable.":        ErrTagTaken,
		"tag invalid: The image tag 'x' already exists in the 'y' repository and cannot be overwritten because the repository is immutable.": ErrTagTaken,
		"write /var/lib/docker/tmp/x: no space left on device":                                                                               ErrNoSpace,
	} {
		if got := recognize(errors.New(message), message, pushErrors); !errors.Is(got, want) || transient(got) {
			t.Errorf("%q: %v, want %v", message, got, want)
		}
	}
	for message, want := range map[string]bool{
		"received unexpected HTTP status: 500 Internal Server Error":                                           true,
		"received unexpected HTTP status: 503 Service Unavailable":                                             true,
		`Put "https://host/v2/app/manifests/x": EOF`:                                                           true,
		`Head "https://host/v2/app/blobs/x": dial tcp 1.2.3.4:443: connect: connection refused`:                true,
		"name unknown: The repository with name 'app' does not exist in the registry with id '1'":              false,
		`error parsing HTTP 502 response body: invalid character '<' looking for beginning of value: "<html>"`: true,
		"tag does not exist: host/app:ctx-0":                                                                   true,
		"An image does not exist locally with the tag: host/app":                                               true,
		"manifest invalid": false,
	} {
		if got := transient(recognize(errors.New(message), message, pushErrors)); got != want {
			t.Errorf("transient(%q): %v, want %v", message, got, want)
		}
	}
}

func TestAnEngineThatStopsDuringAPushGetsOneSentence(t *testing.T) {
	direct, shelf := connect(t), newShelf(t)
	r := newRelay(t, direct.docker.Dialer(), nil)
	s := smallSource(t, direct)
	t.Setenv("DOCKER_HOST", "tcp://"+r.Addr().String())
	b := connect(t)
	shelf.fault = onManifest(-1, func(w http.ResponseWriter) { r.cut(); http.Error(w, "late", http.StatusInternalServerError) })
	_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
	if !errors.Is(err, ErrNoEngine) || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), `push image "`+s.Name) {
		t.Errorf("error = %v", err)
	}
}

func TestAPushLogsItsProgressInAFewLines(t *testing.T) {
	log := &record{}
	p := &push{size: 12e6, log: Log(log.log).of("web", stepPush)}
	told := `{"status":"The push refers to repository [host/app]"}
		{"status":"Preparing","progressDetail":{},"id":"old"}{"status":"Waiting","progressDetail":{},"id":"new"}
		{"status":"Layer already exists","progressDetail":{},"id":"old"}
		{"status":"Mounted from other","progressDetail":{},"id":"lent"}
		{"status":"Pushing","progressDetail":{"current":1000000,"total":5000000},"id":"new"}`
	more := `{"status":"Pushing","progressDetail":{"current":2000000,"total":5000000},"id":"new"}`
	first := readStream(strings.NewReader(told), p.update)
	p.layers["new"].logged = time.Time{}
	second := readStream(strings.NewReader(more+more+more), p.update)
	if p.engineRetried {
		t.Error("the engine has not tried again")
	}
	third := readStream(strings.NewReader(`{"status":"Retrying in 2 seconds","id":"new"}{"status":"Retrying in 1 second","id":"new"}{"status":"Retrying in 4 seconds","id":"new"}
		{"status":"Pushing","progressDetail":{"current":5000512,"total":5000000},"id":"new"}
		{"status":"Pushed","progressDetail":{},"id":"new"}{"status":"Pushed","progressDetail":{},"id":"small"}
		{"status":"ctx: digest: sha256:0 size: 1"}`), p.update)
	must.Succeed(t, errors.Join(first, second, third))
	want := []string{
		"push: layer old: already there", "push: layer lent: already there",
		"push: layer new: 2.0 MB of 5.0 MB",
		"push: layer new: the registry refuses it: trying again in 2s", "push: layer new: the registry refuses it: trying again in 4s",
		"push: layer new: pushed 5.0 MB", "push: layer small: pushed",
	}
	if !slices.Equal(log.lines, want) {
		t.Errorf("lines\n%s\nwant\n%s", strings.Join(log.lines, "\n"), strings.Join(want, "\n"))
	}
	if got, want := p.summary(), "pushed 2 layers, 5.0 MB sent, 7.0 MB were there"; got != want || !p.engineRetried {
		t.Errorf("summary = %q, want %q; engineRetried %v", got, want, p.engineRetried)
	}
}
