package builder

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// remembered opens what is kept of a context, hashes its one file an hour after it was
// written, and says whether the hash was known already.
func remembered(t *testing.T, dir string) bool {
	t.Helper()
	s := openSums(dir, nil, time.Now().Add(time.Hour))
	content, err := os.ReadFile(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.of(t.Context(), filepath.Join(dir, "a"), "a"); err != nil || got != sha256.Sum256(content) {
		t.Errorf("hash of %q = %x, %v", content, got, err)
	}
	known := s.allKnown()
	s.save(true)
	return known
}

// contextWithA returns a directory with one file, and the place of a cache that is empty.
func contextWithA(t *testing.T) (dir, cache string) {
	t.Helper()
	dir, cache = t.TempDir(), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	write(t, filepath.Join(dir, "a"), "content")
	return dir, cache
}

func TestHashesAreRememberedUntilTheFileChanges(t *testing.T) {
	dir, _ := contextWithA(t)
	path := filepath.Join(dir, "a")
	if first, second := remembered(t, dir), remembered(t, dir); first || !second {
		t.Errorf("known the first time %t, the second %t", first, second)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
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
		if err := change(); err != nil {
			t.Fatal(err)
		}
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
		"written before, but a bit": {now, now.Add(young)},
	} {
		if err := os.Chtimes(filepath.Join(dir, "a"), time.Time{}, test.modified); err != nil {
			t.Fatal(err)
		}
		s := openSums(dir, nil, test.scanned)
		if _, err := s.of(t.Context(), filepath.Join(dir, "a"), "a"); err != nil {
			t.Fatal(err)
		}
		for _, is := range s.seen {
			if is.edition != (edition{}) {
				t.Errorf("%s: it is", name)
			}
		}
	}
}

func TestACacheThatIsDamagedOrForeignCountsForNothing(t *testing.T) {
	dir, _ := contextWithA(t)
	remembered(t, dir)
	path := openSums(dir, nil, time.Now()).path
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
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
		if err := damage(); err != nil {
			t.Fatal(err)
		}
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

func TestTheCacheForgetsTheContextsThatWereNotUsedForLongest(t *testing.T) {
	dir, cache := contextWithA(t)
	old := filepath.Join(cache, "beansprout", "sums")
	for i := range contextsLimit + 10 {
		path := filepath.Join(old, fmt.Sprint(i))
		write(t, path, "old")
		if err := os.Chtimes(path, time.Time{}, time.Unix(int64(i), 0)); err != nil {
			t.Fatal(err)
		}
	}
	remembered(t, dir)
	left, err := os.ReadDir(old)
	if err != nil || len(left) != contextsLimit {
		t.Errorf("%d are left, %v", len(left), err)
	}
	if _, err := os.Stat(filepath.Join(old, "10")); err == nil {
		t.Error("an older one is left")
	}
	used := openSums(dir, nil, time.Now()).path
	if err := os.Chtimes(used, time.Time{}, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if !remembered(t, dir) {
		t.Error("the newest is forgotten")
	}
	if info, err := os.Stat(used); err != nil || info.ModTime().Before(time.Now()) {
		t.Errorf("use does not make it the newest: %v", err)
	}
}

func TestALargeFileIsNeverInMemory(t *testing.T) {
	dir, _ := contextWithA(t)
	path := filepath.Join(dir, "large")
	write(t, path, "")
	if err := os.Truncate(path, 1<<28); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := openSums(dir, nil, time.Now()).of(t.Context(), path, "large"); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("%d bytes of memory for a file of %d", grown, 1<<28)
	}
}

func FuzzSums(f *testing.F) {
	f.Add([]byte(sumsFormat))
	f.Add(encodeSums(generation{}, nil))
	f.Add(encodeSums(generation{5}, map[stamp]state{{1}: {edition{2}, sum{2}}, {3}: {edition{}, sum{4}}}))
	f.Add(bytes.Repeat([]byte{1}, 2*recordSize))
	f.Fuzz(func(t *testing.T, content []byte) {
		check := sha256.Sum256(content)
		for _, content := range [][]byte{content, slices.Concat([]byte(sumsFormat), check[:], content)} {
			g, all, err := decodeSums(content)
			if err != nil {
				continue
			}
			same, again, err := decodeSums(encodeSums(g, all))
			if err != nil || same != g || !maps.Equal(all, again) {
				t.Errorf("%d became %d, %v", len(all), len(again), err)
			}
		}
	})
}
