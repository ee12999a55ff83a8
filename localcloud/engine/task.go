package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
)

// instanceDir is where Beanstalk unpacks a bundle on an instance.
const instanceDir = "/var/app/current"

// logVolume is the prefix of the volumes that Beanstalk makes itself, one per container.
const logVolume = "awseb-logs-"

// leastMemory is Docker's minimum in MiB. ECS allows 4.
const leastMemory = 6

// task returns the units of a Dockerrun document.
func (e *Engine) task(g *generation, d document) []unit {
	var units []unit
	patience := 5 // seconds to stop
	for _, c := range d.containers {
		u := unit{
			name: c.name, front: c.front, must: mayStop, links: c.links, volumesFrom: c.volumesFrom, networks: []attachment{{}},
			config: container.Config{
				Image: c.image, Cmd: c.command, Entrypoint: c.entryPoint, User: c.user, WorkingDir: c.workingDirectory,
				Hostname: c.hostname, Env: environment(g.Variables, c.environment), StopTimeout: &patience,
			},
			host: container.HostConfig{Mounts: e.mounts(g, d, c)},
		}
		if c.isEssential() {
			u.must = essential
		}
		u.host.Memory, u.host.MemoryReservation = bytesOf(c.memory), bytesOf(c.reservation)
		units = append(units, u)
	}
	return units
}

// bytesOf converts MiB; 0 means no limit.
func bytesOf(mib int64) int64 {
	if mib == 0 {
		return 0
	}
	return max(mib, leastMemory) << 20
}

// environment merges the deployment's variables with those of the definition, which take precedence.
func environment(all map[string]string, own []variable) []string {
	merged := maps.Clone(all)
	if merged == nil {
		merged = map[string]string{}
	}
	for _, v := range own {
		merged[v.name] = v.value
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		env = append(env, name+"="+merged[name])
	}
	return env
}

func (e *Engine) mounts(g *generation, d document, c definition) []mount.Mount {
	var mounts []mount.Mount
	for _, m := range c.mounts {
		v, _ := d.volume(m.volume)
		to := e.source(g, v)
		to.Target, to.ReadOnly = m.path, m.readOnly
		mounts = append(mounts, to)
	}
	return mounts
}

// source returns the mount for a volume. A path of the bundle is bound. Any other path of the
// instance is a Docker volume of the environment, never this machine's disk. So is a volume that ECS
// shares between tasks. Any other volume belongs to the generation.
func (e *Engine) source(g *generation, v volume) mount.Mount {
	below, ok := belowBundle(v.sourcePath)
	switch {
	case ok:
		return mount.Mount{Type: mount.TypeBind, Source: filepath.Join(g.dir, below)}
	case v.shared != "":
		return e.disk(g, v.shared, true)
	case v.sourcePath != "":
		return e.disk(g, path.Clean(v.sourcePath), true)
	}
	labels := map[string]string{labelCloud: e.Cloud, labelEnvironment: g.Environment, labelGeneration: g.id}
	return mount.Mount{Type: mount.TypeVolume, Source: e.name(g.Environment, g.id, "volume", v.name),
		VolumeOptions: &mount.VolumeOptions{Labels: labels}}
}

// disk returns the mount for a volume of the environment, which outlasts generations as the
// instance's disk does. Unless it is bare, what the image has at its path is copied into it when it
// is new.
func (e *Engine) disk(g *generation, name string, bare bool) mount.Mount {
	labels := map[string]string{labelCloud: e.Cloud, labelEnvironment: g.Environment}
	sum := sha256.Sum256([]byte(name))
	return mount.Mount{Type: mount.TypeVolume, Source: e.name(g.Environment, "disk", hex.EncodeToString(sum[:6])),
		VolumeOptions: &mount.VolumeOptions{Labels: labels, NoCopy: bare}}
}

func (d *document) volume(name string) (volume, bool) {
	if i := slices.IndexFunc(d.volumes, func(v volume) bool { return v.name == name }); i >= 0 {
		return d.volumes[i], true
	}
	container, isLog := strings.CutPrefix(name, logVolume)
	return volume{name: name}, isLog && d.has(container)
}

func (d *document) has(container string) bool {
	return slices.ContainsFunc(d.containers, func(c definition) bool { return c.name == container })
}

// bundlePaths returns the paths that containers mount from the bundle, relative to its root.
func (d *document) bundlePaths() []string {
	var paths []string
	for _, c := range d.containers {
		for _, m := range c.mounts {
			v, _ := d.volume(m.volume)
			if below, ok := belowBundle(v.sourcePath); ok {
				paths = append(paths, below)
			}
		}
	}
	return paths
}

// belowBundle returns what a path of the instance is in the bundle, and false if it is not in it.
func belowBundle(name string) (string, bool) {
	below, ok := strings.CutPrefix(path.Clean(name)+"/", instanceDir+"/")
	return strings.TrimSuffix(below, "/"), ok
}

// isEssential reports whether the container is essential, which is the default.
func (c definition) isEssential() bool { return c.essential == nil || *c.essential }

// find records which containers answer on a port of the instance.
func (d *document) find(port int) {
	for i, c := range d.containers {
		for _, p := range c.ports {
			if p.host == port && p.ports == "" && p.protocol != "udp" {
				d.containers[i].front = p.container
			}
		}
	}
}

func (c definition) id() string { return c.name }

func (c definition) isFront() bool { return c.front != 0 }

// needs returns the names of the containers that must exist before c.
func (c definition) needs() []string {
	var names []string
	for _, l := range c.links {
		name, _, _ := strings.Cut(l, ":")
		names = append(names, name)
	}
	for _, v := range c.volumesFrom {
		names = append(names, v.container)
	}
	for _, d := range c.dependsOn {
		names = append(names, d.container)
	}
	return names
}
