package builder

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkFingerprint reads a context of 5,000 files and 100 MB: one that nothing is
// remembered of, and one that has not changed since.
func BenchmarkFingerprint(b *testing.B) {
	b.Setenv("XDG_CACHE_HOME", b.TempDir())
	dir := b.TempDir()
	content := make([]byte, 20<<10)
	for i := range 5000 {
		_, _ = rand.Read(content)
		path := filepath.Join(dir, fmt.Sprintf("dir%d/sub%d", i%50, i%7), fmt.Sprint(i))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY . /\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	time.Sleep(young)
	engine := &Builder{platform: "linux/amd64", now: time.Now}
	fingerprint := func(b *testing.B) {
		if id, _, _, err := engine.fingerprint(b.Context(), Source{Name: "bench", Context: dir}, nil); id == "" || err != nil {
			b.Fatal(id, err)
		}
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			_ = os.RemoveAll(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "beansprout"))
			b.StartTimer()
			fingerprint(b)
		}
	})
	b.Run("warm", func(b *testing.B) {
		fingerprint(b)
		for b.Loop() {
			fingerprint(b)
		}
	})
}
