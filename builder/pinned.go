package builder

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/containerd/platforms"
)

// Pinned returns the platform that the Dockerfile of s makes an image for although s asks for
// another one, and where it says so, as file:line. Both are "" where it follows what is asked
// for, and where it can't be read yet.
func (b *Builder) Pinned(s Source) (platform, at string) {
	root, err := os.OpenRoot(s.Context)
	if err != nil {
		return "", ""
	}
	defer root.Close()
	content, err := readFile(root, dockerfile(s))
	if err != nil {
		return "", ""
	}
	platform, line := pinned(content, s, b.platform)
	if line == 0 {
		return "", ""
	}
	return platform, fmt.Sprintf("%s:%d", filepath.Join(s.Context, dockerfile(s)), line)
}

func pinned(content []byte, s Source, native string) (platform string, line int) {
	r, target, err := newReader(content, s, native)
	if err != nil {
		return "", 0
	}
	for i := target; ; {
		stage := r.stages[i]
		name, known, err := r.expand(stage.BaseName, r.global)
		if err != nil || !known {
			return "", 0
		}
		if parent, ok := r.named(name, i); ok {
			i = parent
			continue
		}
		platform, known, err = r.expand(stage.Platform, r.global)
		if err != nil || !known || alike(platform, s.Platform) || len(stage.Location) == 0 {
			return "", 0
		}
		return platform, stage.Location[0].Start.Line
	}
}

// alike says whether two platforms have one architecture, or one of them can't be told.
func alike(a, b string) bool {
	p, err := platforms.Parse(a)
	if err != nil {
		return true
	}
	q, err := platforms.Parse(b)
	return err != nil || p.OS == q.OS && p.Architecture == q.Architecture
}
