package engine

import (
	"path"
	"slices"
	"strings"
)

// instanceDir is where Beanstalk unpacks a bundle on an instance.
const instanceDir = "/var/app/current"

// logVolume is the prefix of the volumes that Beanstalk makes itself, one per container.
const logVolume = "awseb-logs-"

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
			if below, ok := v.belowBundle(); ok {
				paths = append(paths, below)
			}
		}
	}
	return paths
}

// belowBundle returns the path of a volume in the bundle, and false if it is not in the bundle.
func (v volume) belowBundle() (string, bool) {
	below, ok := strings.CutPrefix(path.Clean(v.sourcePath)+"/", instanceDir+"/")
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
