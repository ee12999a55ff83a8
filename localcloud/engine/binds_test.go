package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
)

// A path below one that a container may write to is refused, in a Dockerrun document, too.
func TestDockerrunMountsBelowAWritablePathAreRefused(t *testing.T) {
	t.Parallel()
	volumes := []object{
		{"name": "all", "host": object{"sourcePath": "/var/app/current/site"}},
		{"name": "part", "host": object{"sourcePath": "/var/app/current/site/conf"}},
	}
	for _, readOnly := range []bool{false, true} {
		d := deploymentOf("v1", zipOf(t, documentName, dockerrunOf(volumes, web(object{
			"mountPoints": []object{{"sourceVolume": "all", "containerPath": "/a", "readOnly": readOnly}, {"sourceVolume": "part", "containerPath": "/b"}},
		}))))
		b, err := open(d)
		if err != nil {
			t.Fatal(err)
		}
		e := &Engine{Config: Config{Cloud: "abcdef", Dir: t.TempDir()}}
		err = e.place(t.Context(), newGeneration(d, "v1"), b)
		if refused := err != nil && strings.Contains(err.Error(), "web mounts at /b a path below the one that web mounts at /a"); refused == readOnly || err != nil && !refused {
			t.Errorf("outer mount read-only %v: %v", readOnly, err)
		}
	}
}

// A link of the bundle through a writable folder is bound to where it led when it was unpacked.
func TestLinksOfTheBundleAreResolvedBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"open", "safe"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{"link": "open/on", "open/on": "../safe", "direct": "open/file"} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	bound := func(below ...string) *generation {
		var all []mount.Mount
		for _, name := range below {
			all = append(all, mount.Mount{Type: mount.TypeBind, Source: filepath.Join(dir, name), Target: "/" + name})
		}
		return &generation{dir: dir, units: []unit{{name: "web", host: container.HostConfig{Mounts: all}}}}
	}
	g := bound("open", "link")
	if err := g.pin(); err != nil || g.units[0].host.Mounts[1].Source != filepath.Join(dir, "safe") {
		t.Errorf("mounts %v, %v, want the link's end", g.units[0].host.Mounts, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "open/file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := bound("open", "direct").pin(); err == nil || !strings.Contains(err.Error(), "web mounts at /direct a path below") {
		t.Errorf("a link into a writable folder: %v", err)
	}
	if err := bound("open", "open").pin(); err != nil {
		t.Errorf("one folder twice: %v", err)
	}
}
