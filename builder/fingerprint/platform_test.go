package fingerprint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"beansprout/test/must"
)

func TestPinnedPlatform(t *testing.T) {
	const here, arm = "linux/amd64", "linux/arm64"
	for _, tt := range []struct {
		name, dockerfile string
		source           Source
		platform         string
		line             int
	}{
		{name: "none", dockerfile: "FROM a\n"},
		{name: "what is asked for", dockerfile: "FROM --platform=linux/arm64 a\n"},
		{name: "a variant of it", dockerfile: "FROM --platform=linux/arm64/v8 a\n"},
		{name: "another one", dockerfile: "# comment\nFROM --platform=linux/amd64 a\n", platform: here, line: 2},
		{name: "the target's", dockerfile: "FROM --platform=$TARGETPLATFORM a\n"},
		{name: "the engine's", dockerfile: "FROM --platform=$BUILDPLATFORM a\n", platform: here, line: 1},
		{name: "of a stage that is only copied from", dockerfile: "FROM --platform=$BUILDPLATFORM a AS x\nFROM b\nCOPY --from=x /a /a\n"},
		{name: "of the stage it builds on", dockerfile: "FROM --platform=linux/amd64 a AS x\nFROM b AS y\nFROM x\n", platform: here, line: 1},
		{name: "of a stage behind the target", dockerfile: "FROM a AS x\nFROM --platform=linux/amd64 x AS y\n", source: Source{Target: "x"}},
		{name: "by an argument", dockerfile: "ARG P=linux/amd64\nFROM --platform=$P a\n", platform: here, line: 2},
		{name: "by an argument that is given", dockerfile: "ARG P=linux/amd64\nFROM --platform=$P a\n", source: Source{Args: map[string]string{"P": arm}}},
		{name: "by an unknown argument", dockerfile: "FROM --platform=$P a\n"},
		{name: "in a Dockerfile that is none", dockerfile: "FROM\n"},
		{name: "in another language", dockerfile: "# syntax=example.com/other\nFROM --platform=linux/amd64 a\n"},
		{name: "of a stage that needs itself", dockerfile: "FROM x AS x\n"},
	} {
		tt.source.Platform, tt.source.BuildPlatform = arm, here
		platform, line := pinnedPlatform([]byte(tt.dockerfile), tt.source)
		if platform != tt.platform || line != tt.line {
			t.Errorf("%s: %q in line %d, want %q in %d", tt.name, platform, line, tt.platform, tt.line)
		}
	}
	dir := t.TempDir()
	if platform, at := PinnedPlatform(t.Context(), Source{Context: dir, Platform: arm, BuildPlatform: here}); platform != "" || at != "" {
		t.Errorf("without a Dockerfile: %q at %q", platform, at)
	}
	must.Succeed(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM --platform=linux/amd64 a\n"), 0o600))
	if platform, at := PinnedPlatform(t.Context(), Source{Context: dir, Platform: arm, BuildPlatform: here}); platform != here || !strings.HasSuffix(at, "Dockerfile:1") {
		t.Errorf("%q at %q", platform, at)
	}
}
