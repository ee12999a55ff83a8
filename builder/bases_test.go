package builder

import (
	"context"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"

	"beansprout/test/must"
)

// newBase returns the name of an image that only the engine has.
func newBase(t *testing.T, b *Builder, shelf *shelf, content string) (ref string, s Source) {
	t.Helper()
	s = newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": content})
	s.Local = "1"
	buildAs(t, b, s, shelf.host+"/base")
	return localTag(s, shelf.host+"/base"), s
}

// buildAs builds an image that stays in the engine, as the newest of the source in that
// repository, and returns its id.
func buildAs(t *testing.T, b *Builder, s Source, repository string) string {
	t.Helper()
	w := newWork(t.Context(), b, nil, Options{})
	id, _, err := w.build(t.Context(), s, &destination{Registry: Registry{Repository: repository}})
	must.Succeed(t, err)
	return id
}

// credentials are those of the shelf, as the engine wants them.
func (s *shelf) credentials(context.Context, string) (string, error) {
	return authorization(s.host, Credentials{Username: "AWS", Password: s.word()})
}

func pushBase(t *testing.T, b *Builder, shelf *shelf, ref string) (digest string) {
	t.Helper()
	auth, err := shelf.credentials(t.Context(), ref)
	must.Succeed(t, err)
	stream, err := b.docker.ImagePush(t.Context(), ref, image.PushOptions{RegistryAuth: auth})
	must.Succeed(t, err)
	defer stream.Close()
	err = readStream(stream, func(m message) {
		if _, rest, ok := strings.Cut(m.Status, "digest: "); ok {
			digest, _, _ = strings.Cut(rest, " ")
		}
	})
	if err != nil || !isDigest(digest) {
		t.Fatalf("digest %q, %v", digest, err)
	}
	return digest
}

func origin(t *testing.T, b *Builder, shelf *shelf, s Source, ref, platform string) string {
	t.Helper()
	id, err := b.baseDigests(s, shelf.credentials)(t.Context(), ref, platform)
	if err != nil || id == "" {
		t.Fatalf("%s = %q, %v", ref, id, err)
	}
	return id
}

func TestABaseWithoutARegistryIsIdentifiedByItsContent(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	ref, s := newBase(t, b, shelf, "content")
	first := origin(t, b, shelf, Source{}, ref, b.platform)
	before := images(t, b, s.Name)
	s.Labels = map[string]string{"revision": "2"}
	buildAs(t, b, s, shelf.host+"/base")
	if after := images(t, b, s.Name); len(after) != len(before)+1 {
		t.Fatalf("images %q, then %q", before, after)
	}
	labelled := Source{Labels: map[string]string{"revision": "3"}}
	if again := origin(t, b, shelf, labelled, ref, b.platform); again != first {
		t.Errorf("%s became %s with another label that the image gets anyway", first, again)
	}
	if other := origin(t, b, shelf, Source{}, ref, b.platform); other == first {
		t.Error("a label that the image inherits does not count")
	}
	must.Write(t, s.Context+"/a", "other content")
	buildAs(t, b, s, shelf.host+"/base")
	if other := origin(t, b, shelf, labelled, ref, b.platform); other == first {
		t.Error("content does not count")
	}
}

func TestABaseIsIdentifiedByItsDigest(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	ref, s := newBase(t, b, shelf, "content")
	digest := pushBase(t, b, shelf, ref)
	if got := origin(t, b, shelf, Source{}, ref, b.platform); got != digest {
		t.Errorf("in the engine it is %s, want %s", got, digest)
	}
	if got := origin(t, b, shelf, Source{}, ref+"@"+digest, b.platform); got != digest {
		t.Errorf("by its digest it is %s, want %s", got, digest)
	}
	must.Write(t, s.Context+"/a", "newer content")
	buildAs(t, b, s, shelf.host+"/base")
	newer := pushBase(t, b, shelf, ref)
	_, err := b.docker.ImageRemove(t.Context(), ref, image.RemoveOptions{})
	must.Succeed(t, err)
	if got := origin(t, b, shelf, Source{}, ref, b.platform); got != newer {
		t.Errorf("in the registry it is %s, want %s", got, newer)
	}
}

func TestTheRegistryIdentifiesABaseToPullOrOfAnotherPlatform(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	ref, s := newBase(t, b, shelf, "content")
	digest := pushBase(t, b, shelf, ref)
	must.Write(t, s.Context+"/a", "content that is not pushed")
	buildAs(t, b, s, shelf.host+"/base")
	if got := origin(t, b, shelf, Source{}, ref, b.platform); got == digest {
		t.Error("the engine's own image does not count")
	}
	if got := origin(t, b, shelf, Source{Pull: true}, ref, b.platform); got != digest {
		t.Errorf("to pull it is %s, want %s", got, digest)
	}
	if got := origin(t, b, shelf, Source{}, ref, "linux/s390x"); got != digest {
		t.Errorf("for another platform it is %s, want %s", got, digest)
	}
}

func TestAMissingBaseIsAnError(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	for _, ref := range []string{"127.0.0.1:1/gone:1", shelf.host + "/gone:1", "node:", "UPPER/case"} {
		if id, err := b.baseDigests(Source{}, shelf.credentials)(t.Context(), ref, b.platform); err == nil || strings.Contains(err.Error(), shelf.password) {
			t.Errorf("%s = %q, %v", ref, id, err)
		}
	}
	ref, _ := newBase(t, b, shelf, "content")
	pushBase(t, b, shelf, ref)
	if id, err := b.baseDigests(Source{Pull: true}, anonymous)(t.Context(), ref, b.platform); err == nil {
		t.Errorf("without credentials it is %s", id)
	}
}

// anonymous are the credentials for public images.
func anonymous(context.Context, string) (string, error) { return "", nil }
