package builder

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// rewrite changes what a file holds and nothing else that BuildKit looks at.
func rewrite(t *testing.T, path, content string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, content)
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

func TestBuildIsOfNoStaleFileWhateverItsTimeSays(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{
		"Dockerfile":    "FROM scratch\nCOPY . /src/\nENV A=1\n",
		".dockerignore": "Dockerfile\n",
		"a":             "x1",
	})
	path := filepath.Join(s.Context, "a")
	build := func(want string) {
		t.Helper()
		if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); err != nil {
			t.Fatal(err)
		}
		if got := savedFiles(t, b, s)["src/a"]; got != want {
			t.Errorf("the image has %q, not %q", got, want)
		}
		removeImages(t, b, s.Name)
	}
	build("x1")
	rewrite(t, path, "x2")
	build("x2")
	rewrite(t, path, "x3")
	fingerprintOf(t, b, s) // seen and not built
	rewrite(t, path, "x2")
	shelf.clear()
	build("x2")
	rewrite(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\nCOPY a /src/b\nENV A=1")
	if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := savedFiles(t, b, s); got["src/b"] != "x2" {
		t.Errorf("an ignored Dockerfile is stale: %q", got)
	}
}

// generationOf is the generation of a context after one more scan.
func generationOf(t *testing.T, s Source) generation {
	t.Helper()
	b := &Builder{platform: "linux/amd64", now: time.Now}
	_, g, _, err := b.fingerprint(t.Context(), s, func(context.Context, string, string) (string, error) { return "", nil })
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestOnlyAnotherContentWithTheSameStampMakesAnotherGeneration(t *testing.T) {
	dir, cache := contextWithA(t)
	write(t, filepath.Join(dir, "Dockerfile"), "FROM scratch\n")
	path, s := filepath.Join(dir, "a"), Source{Name: "test", Context: dir}
	old := time.Unix(1e9, 0)
	dated := func(content string, at time.Time) func() error {
		return func() error {
			write(t, path, content)
			return os.Chtimes(path, time.Time{}, at)
		}
	}
	before := generationOf(t, s)
	if before == (generation{}) {
		t.Fatal("the first has no name")
	}
	for _, test := range []struct {
		name   string
		change func() error
		want   bool
	}{
		{"nothing", func() error { return nil }, false},
		{"content and time", dated("CONTENT", old), false},
		{"time", dated("CONTENT", old.Add(time.Second)), false},
		{"size", dated("more", old), false},
		{"another file with the same content", func() error {
			write(t, path+"2", "more")
			_ = os.Chtimes(path+"2", time.Time{}, old)
			return os.Rename(path+"2", path)
		}, false},
		{"a new file", func() error { write(t, path+"2", "new"); return nil }, false},
		{"a file less", func() error { return os.Remove(path + "2") }, false},
		{"content", dated("MORE", old), true},
		{"nothing after that", func() error { return nil }, false},
		{"another time meanwhile", dated("else", old.Add(time.Hour)), false},
		{"and content of the old time", dated("ELSE", old), true},
		{"a damaged cache", func() error {
			return os.WriteFile(openSums(dir, nil, time.Now()).path, []byte(sumsFormat), 0o600)
		}, true},
	} {
		if err := test.change(); err != nil {
			t.Fatal(err)
		}
		after := generationOf(t, s)
		if after == (generation{}) || after != before != test.want {
			t.Errorf("%s: another generation: %t", test.name, after != before)
		}
		before = after
	}
	if err := os.RemoveAll(cache); err != nil {
		t.Fatal(err)
	}
	write(t, cache, "no directory")
	if g := generationOf(t, s); g != (generation{}) {
		t.Errorf("without a cache it is %x", g)
	}
}

func TestWhatIsPastDoesNotGrowForever(t *testing.T) {
	dir, _ := contextWithA(t)
	path := filepath.Join(dir, "a")
	s := openSums(dir, nil, time.Now())
	s.known, s.generation = map[stamp]state{}, generation{1}
	for range pastLimit {
		s.known[stamp([]byte(rand.Text()[:16]))] = state{}
	}
	for _, whole := range []bool{false, true} {
		if _, err := s.of(t.Context(), path, "a"); err != nil {
			t.Fatal(err)
		}
		s.known[stamp([]byte(rand.Text()[:16]))] = state{}
		g, all := s.next(whole)
		if kept, same := len(all) > pastLimit, g == s.generation; kept == whole || same == whole {
			t.Errorf("all seen %t: %d kept in generation %x", whole, len(all), g)
		}
	}
}
