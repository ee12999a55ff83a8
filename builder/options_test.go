package builder

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestBuildHonoursPlatformLabelsAndNetwork(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "a"})
	s.Platform, s.Network, s.Pull = "linux/s390x", "none", true
	s.Labels = map[string]string{"org.opencontainers.image.revision": "0123abc", label: "not ours to say"}
	made, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
	if err != nil {
		t.Fatal(err)
	}
	is, err := b.docker.ImageInspect(t.Context(), images(t, b, s.Name)[0])
	if err != nil {
		t.Fatal(err)
	}
	if made[0].Platform != "linux/s390x" || is.Architecture != "s390x" {
		t.Errorf("platform of the image %q, in the engine %q", made[0].Platform, is.Architecture)
	}
	if got := is.Config.Labels; got["org.opencontainers.image.revision"] != "0123abc" || got[label] != s.Name {
		t.Errorf("labels = %q", got)
	}
}

func TestAnImageForAnotherPlatformIsRefused(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	base := smallSource(t, b)
	base.Platform = "linux/s390x"
	made, err := b.Build(t.Context(), []Source{base}, shelf.registry, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM --platform=linux/s390x " + made[0].Reference + "\nCOPY a /a\n", "a": "a"})
	_, err = b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
	if failed, ok := errors.AsType[*BuildError](err); !ok || failed.Image != s.Name || !errors.Is(err, ErrPlatform) || !strings.Contains(err.Error(), "linux/s390x, not "+b.Platform()) {
		t.Errorf("error = %v", err)
	}
	if shelf.count() != 1 {
		t.Error("it was pushed")
	}
}

func TestAStepForAPlatformThatTheEngineCannotRunIsNamed(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"step": "\x7fELF of another world", "Dockerfile": "FROM scratch\nCOPY step /step\nRUN [\"/step\"]\n"})
	if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); !errors.Is(err, ErrForeign) {
		t.Errorf("error = %v", err)
	}
}

func TestAFullDiskIsNamed(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"step": stepBinary(t), "Dockerfile": "FROM scratch\nCOPY step /step\nRUN [\"/step\", \"fill\", \"/dev/shm\"]\n"})
	_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
	if failed, ok := errors.AsType[*BuildError](err); !ok || failed.ExitCode != 1 || !errors.Is(err, ErrNoSpace) {
		t.Errorf("error = %v", err)
	}
}

func TestImagesOfWhichAFewLayersAreNewSayWhatTheySent(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	const large = 4 << 20
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY large /large\nCOPY small /small\n", "large": noise(large), "small": "first"})
	first, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.Context, "small"), "second")
	second, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{Log: log.log})
	if err != nil {
		t.Fatal(err)
	}
	if first[0].Sent < large || first[0].Context < large {
		t.Errorf("the first sent %d bytes to the registry and %d to the engine", first[0].Sent, first[0].Context)
	}
	if second[0].Sent == 0 || second[0].Sent > large/4 || second[0].Context == 0 || second[0].Context > large/4 {
		t.Errorf("the second sent %d bytes to the registry and %d to the engine", second[0].Sent, second[0].Context)
	}
	if !strings.Contains(log.String(), "push: pushed 1 layers: 0.0 MB sent, 4.2 MB were there\n") {
		t.Errorf("log:\n%s", log)
	}
}

// TestABaseImageFromAPrivateRegistry has the engine ask for credentials twice: for our own
// registry, and for another one that docker has been logged in to.
func TestABaseImageFromAPrivateRegistry(t *testing.T) {
	b, ours, theirs := connect(t), newShelf(t), newShelf(t)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	for _, shelf := range []*shelf{ours, theirs} {
		base := smallSource(t, b)
		made, err := b.Build(t.Context(), []Source{base}, shelf.registry, Options{})
		if err != nil {
			t.Fatal(err)
		}
		removeImages(t, b, base.Name)
		s := newSource(t, b, map[string]string{"Dockerfile": "FROM " + made[0].Reference + "\nCOPY a /a\n", "a": "a"})
		if shelf == theirs {
			_, err := b.Build(t.Context(), []Source{s}, ours.registry, Options{})
			if !errors.Is(err, ErrNoBase) {
				t.Errorf("error = %v", err)
			}
			login(t, theirs)
		}
		if _, err := b.Build(t.Context(), []Source{s}, ours.registry, Options{}); err != nil {
			t.Errorf("a base from %s: %v", shelf.host, err)
		}
	}
}

// login does what "docker login" does without a credential helper.
func login(t *testing.T, s *shelf) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	key := base64.StdEncoding.EncodeToString([]byte("AWS:" + s.word()))
	write(t, filepath.Join(dir, "config.json"), `{"auths":{"`+s.host+`":{"auth":"`+key+`"}}}`)
}

// noise returns text that no compression makes much smaller.
func noise(size int) string {
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(rand.Text())
	}
	return b.String()[:size]
}
