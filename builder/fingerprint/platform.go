package fingerprint

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/containerd/platforms"

	"beansprout/files"
)

// PinnedPlatform returns the platform that the Dockerfile sets for its image if that is not the
// platform of s, and the place where it does, as file:line. Both are "" if it does not, or if there
// is no Dockerfile yet.
func PinnedPlatform(ctx context.Context, s Source) (platform, at string) {
	root, err := os.OpenRoot(s.Context)
	if err != nil {
		return "", ""
	}
	defer root.Close()
	content, err := files.Read(ctx, root, s.DockerfileName(), files.Text)
	if err != nil {
		return "", ""
	}
	platform, line := pinnedPlatform(content, s)
	if line == 0 {
		return "", ""
	}
	return platform, fmt.Sprintf("%s:%d", filepath.Join(s.Context, s.DockerfileName()), line)
}

func pinnedPlatform(content []byte, s Source) (platform string, line int) {
	r, target, err := newStageReader(content, s)
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
		if err != nil || !known || sameArchitecture(platform, s.Platform) || len(stage.Location) == 0 {
			return "", 0
		}
		return platform, stage.Location[0].Start.Line
	}
}

// sameArchitecture reports whether two platforms have the same architecture or one is not valid.
func sameArchitecture(a, b string) bool {
	p, err := platforms.Parse(a)
	if err != nil {
		return true
	}
	q, err := platforms.Parse(b)
	return err != nil || p.OS == q.OS && p.Architecture == q.Architecture
}

// platformArgs returns the arguments that BuildKit defines.
func platformArgs(native, target string) (variables, error) {
	e := variables{}
	if target == "" {
		target = native
	}
	for prefix, name := range map[string]string{"BUILD": native, "TARGET": target} {
		p, err := platforms.Parse(name)
		if err != nil {
			return nil, err
		}
		e[prefix+"PLATFORM"], e[prefix+"OS"], e[prefix+"ARCH"], e[prefix+"VARIANT"] = platforms.Format(p), p.OS, p.Architecture, p.Variant
	}
	return e, nil
}

// normalized returns a platform in its usual spelling, or as it is if it is not valid.
func normalized(platform string) string {
	if p, err := platforms.Parse(platform); err == nil {
		return platforms.Format(p)
	}
	return platform
}
