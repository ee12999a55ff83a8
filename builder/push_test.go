package builder

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
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

func TestARegistryThatRefusesTheTokenIsNamedAsThat(t *testing.T) {
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
	if err != nil {
		t.Fatal(err)
	}
	return i.RepoTags
}

func TestATokenThatExpiresInTheMiddleOfAPushIsRenewed(t *testing.T) {
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

func TestOnePassOpensTheRegistryForAllImages(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	if _, err := b.Build(t.Context(), []Source{smallSource(t, b), smallSource(t, b), smallSource(t, b)}, shelf.registry, Options{}); err != nil {
		t.Fatal(err)
	}
	if shelf.logins != 1 {
		t.Errorf("%d logins, want one", shelf.logins)
	}
}

func TestAPushIsTriedAgainWhenTheErrorMayPass(t *testing.T) {
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

func TestARegistryThatIsNotThereIsNamed(t *testing.T) {
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

// TestAnImmutableTag covers a tag that somebody else has pushed since we looked.
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
				t.Error("nobody has looked")
			}
		})
	}
}

func TestWhatARegistryMeans(t *testing.T) {
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
		if got := recognize(errors.New(message), message, pushes); !errors.Is(got, want) || passing(got) {
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
		if got := passing(recognize(errors.New(message), message, pushes)); got != want {
			t.Errorf("passing(%q): %v, want %v", message, got, want)
		}
	}
}

func TestAnEngineThatGoesAwayInTheMiddleOfAPushGetsOneSentence(t *testing.T) {
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
