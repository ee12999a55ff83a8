package fingerprint

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"beansprout/test/must"
)

// remembered opens what is kept of a context, hashes its one file an hour after it was
// written, and reports whether the hash was known already.
func remembered(t *testing.T, dir string) bool {
	t.Helper()
	s := openHashCache(dir, nil, time.Now().Add(time.Hour))
	content := []byte(must.Read(t, filepath.Join(dir, "a")))
	if got, err := s.hash(t.Context(), filepath.Join(dir, "a"), "a"); err != nil || got != sha256.Sum256(content) {
		t.Errorf("hash of %q = %x, %v", content, got, err)
	}
	known := s.unchanged()
	s.save(true)
	return known
}

// contextWithA returns a directory with one file, and the place of a cache that is empty.
func contextWithA(t *testing.T) (dir, cache string) {
	t.Helper()
	dir, cache = t.TempDir(), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	must.Write(t, filepath.Join(dir, "a"), "content")
	return dir, cache
}

func TestHashesAreKeptUntilTheFileChanges(t *testing.T) {
	dir, _ := contextWithA(t)
	path := filepath.Join(dir, "a")
	if first, second := remembered(t, dir), remembered(t, dir); first || !second {
		t.Errorf("known the first time %t, the second %t", first, second)
	}
	info, err := os.Stat(path)
	must.Succeed(t, err)
	for name, change := range map[string]func() error{
		"content of the same size and time": func() error {
			if err := os.WriteFile(path, []byte("CONTENT"), 0); err != nil {
				return err
			}
			return os.Chtimes(path, time.Time{}, info.ModTime())
		},
		"another file in its place": func() error {
			if err := os.WriteFile(path+"2", []byte("Content"), 0o755); err != nil {
				return err
			}
			return os.Rename(path+"2", path)
		},
		"mode": func() error { return os.Chmod(path, 0o700) },
	} {
		must.Succeed(t, change())
		if remembered(t, dir) {
			t.Errorf("%s: the old hash is trusted", name)
		}
	}
}

func TestTheHashOfAYoungFileIsNotTrusted(t *testing.T) {
	dir, _ := contextWithA(t)
	now := time.Now()
	for name, test := range map[string]struct{ modified, scanned time.Time }{
		"just written":              {now, now},
		"just written, dated back":  {now.Add(-time.Hour), now},
		"written after the scan":    {now.Add(time.Hour), now.Add(time.Minute)},
		"written before, but a bit": {now, now.Add(timestampGranularity)},
	} {
		must.Succeed(t, os.Chtimes(filepath.Join(dir, "a"), time.Time{}, test.modified))
		s := openHashCache(dir, nil, test.scanned)
		_, err := s.hash(t.Context(), filepath.Join(dir, "a"), "a")
		must.Succeed(t, err)
		for _, is := range s.seen {
			if is.inode != (inodeState{}) {
				t.Errorf("%s: it is", name)
			}
		}
	}
}

func TestADamagedOrForeignCacheIsIgnored(t *testing.T) {
	dir, _ := contextWithA(t)
	remembered(t, dir)
	path := openHashCache(dir, nil, time.Now()).path
	good := []byte(must.Read(t, path))
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1
	for name, damage := range map[string]func() error{
		"flipped":   func() error { return os.WriteFile(path, flipped, 0o600) },
		"cut":       func() error { return os.WriteFile(path, good[:len(good)-1], 0o600) },
		"empty":     func() error { return os.WriteFile(path, nil, 0o600) },
		"longer":    func() error { return os.WriteFile(path, append(bytes.Clone(good), 0), 0o600) },
		"writable":  func() error { return os.Chmod(path, 0o622) },
		"directory": func() error { _ = os.Remove(path); return os.MkdirAll(filepath.Join(path, "a"), 0o700) },
		"link":      func() error { _ = os.RemoveAll(path); return os.Symlink("/dev/zero", path) },
	} {
		must.Succeed(t, damage())
		if remembered(t, dir) {
			t.Errorf("%s: trusted", name)
		}
		_ = os.RemoveAll(path)
		if remembered(t, dir); !remembered(t, dir) {
			t.Errorf("%s: not mended", name)
		}
	}
}

func TestHashesNeedNoCache(t *testing.T) {
	dir, cache := contextWithA(t)
	for _, nowhere := range []string{filepath.Join(dir, "a"), "relative", "/proc/1"} {
		t.Setenv("XDG_CACHE_HOME", nowhere)
		if remembered(t, dir); remembered(t, dir) {
			t.Errorf("remembered in %s", nowhere)
		}
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if remembered(t, dir) {
		t.Error("remembered without a home")
	}
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	if remembered(t, dir); remembered(t, dir) {
		t.Error("remembered in the context itself")
	}
	if _, err := os.Stat(filepath.Join(dir, "cache")); err == nil {
		t.Error("a cache was made in the context")
	}
	if left, _ := os.ReadDir(cache); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTheLeastRecentlyUsedCachesAreRemoved(t *testing.T) {
	dir, cache := contextWithA(t)
	old := filepath.Join(cache, "beansprout", "sums")
	for i := range contextLimit + 10 {
		path := filepath.Join(old, fmt.Sprint(i))
		must.Write(t, path, "old")
		must.Succeed(t, os.Chtimes(path, time.Time{}, time.Unix(int64(i), 0)))
	}
	remembered(t, dir)
	left, err := os.ReadDir(old)
	if err != nil || len(left) != contextLimit {
		t.Errorf("%d are left, %v", len(left), err)
	}
	if _, err := os.Stat(filepath.Join(old, "10")); err == nil {
		t.Error("an older one is left")
	}
	used := openHashCache(dir, nil, time.Now()).path
	must.Succeed(t, os.Chtimes(used, time.Time{}, time.Unix(0, 0)))
	if !remembered(t, dir) {
		t.Error("the newest is forgotten")
	}
	if info, err := os.Stat(used); err != nil || info.ModTime().Before(time.Now()) {
		t.Errorf("use does not make it the newest: %v", err)
	}
}

func TestALargeFileIsNotReadIntoMemory(t *testing.T) {
	dir, _ := contextWithA(t)
	path := filepath.Join(dir, "large")
	must.Write(t, path, "")
	must.Succeed(t, os.Truncate(path, 1<<28))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := openHashCache(dir, nil, time.Now()).hash(t.Context(), path, "large")
	must.Succeed(t, err)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("%d bytes of memory for a file of %d", grown, 1<<28)
	}
}

func FuzzHashCache(f *testing.F) {
	f.Add([]byte(cacheFormat))
	f.Add(encodeHashes(Generation{}, nil))
	f.Add(encodeHashes(Generation{5}, map[stamp]entry{{1}: {inodeState{2}, contentHash{2}}, {3}: {inodeState{}, contentHash{4}}}))
	f.Add(bytes.Repeat([]byte{1}, 2*recordSize))
	f.Fuzz(func(t *testing.T, content []byte) {
		check := sha256.Sum256(content)
		for _, content := range [][]byte{content, slices.Concat([]byte(cacheFormat), check[:], content)} {
			g, all, err := decodeHashes(content)
			if err != nil {
				continue
			}
			same, again, err := decodeHashes(encodeHashes(g, all))
			if err != nil || same != g || !maps.Equal(all, again) {
				t.Errorf("%d became %d, %v", len(all), len(again), err)
			}
		}
	})
}

// generationOf is the generation of a context after one more scan.
func generationOf(t *testing.T, s Source) Generation {
	t.Helper()
	r, err := Of(t.Context(), s, nil)
	must.Succeed(t, err)
	return r.Generation
}

func TestOnlyNewContentWithTheSameStampMakesANewGeneration(t *testing.T) {
	dir, cache := contextWithA(t)
	must.Write(t, filepath.Join(dir, "Dockerfile"), "FROM scratch\n")
	path, s := filepath.Join(dir, "a"), Source{Context: dir, BuildPlatform: "linux/amd64"}
	old := time.Unix(1e9, 0)
	dated := func(content string, at time.Time) func() error {
		return func() error {
			must.Write(t, path, content)
			return os.Chtimes(path, time.Time{}, at)
		}
	}
	before := generationOf(t, s)
	if before == (Generation{}) {
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
			must.Write(t, path+"2", "more")
			_ = os.Chtimes(path+"2", time.Time{}, old)
			return os.Rename(path+"2", path)
		}, false},
		{"a new file", func() error { must.Write(t, path+"2", "new"); return nil }, false},
		{"a file less", func() error { return os.Remove(path + "2") }, false},
		{"content", dated("MORE", old), true},
		{"nothing after that", func() error { return nil }, false},
		{"another time meanwhile", dated("else", old.Add(time.Hour)), false},
		{"and content of the old time", dated("ELSE", old), true},
		{"a damaged cache", func() error {
			return os.WriteFile(openHashCache(dir, nil, time.Now()).path, []byte(cacheFormat), 0o600)
		}, true},
	} {
		must.Succeed(t, test.change())
		after := generationOf(t, s)
		if after == (Generation{}) || after != before != test.want {
			t.Errorf("%s: another generation: %t", test.name, after != before)
		}
		before = after
	}
	must.Succeed(t, os.RemoveAll(cache))
	must.Write(t, cache, "no directory")
	if g := generationOf(t, s); g != (Generation{}) {
		t.Errorf("without a cache it is %x", g)
	}
}

func TestPastEntriesAreDropped(t *testing.T) {
	dir, _ := contextWithA(t)
	path := filepath.Join(dir, "a")
	s := openHashCache(dir, nil, time.Now())
	s.known, s.generation = map[stamp]entry{}, Generation{1}
	for range pastEntryLimit {
		s.known[stamp([]byte(rand.Text()[:16]))] = entry{}
	}
	for _, complete := range []bool{false, true} {
		_, err := s.hash(t.Context(), path, "a")
		must.Succeed(t, err)
		s.known[stamp([]byte(rand.Text()[:16]))] = entry{}
		g, all := s.next(complete)
		if kept, same := len(all) > pastEntryLimit, g == s.generation; kept == complete || same == complete {
			t.Errorf("all seen %t: %d kept in generation %x", complete, len(all), g)
		}
	}
}
