package engine

import (
	"path"
	"slices"
	"strings"
)

// instanceDir is where Beanstalk unpacks a bundle on an instance.
const instanceDir = "/var/app/current"

// logVolume begins the volumes that Beanstalk makes by itself, one per container.
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

// bundlePaths lists what containers mount from the bundle, relative to its root.
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

// belowBundle returns where in the bundle a volume is.
func (v volume) belowBundle() (string, bool) {
	below, ok := strings.CutPrefix(path.Clean(v.sourcePath)+"/", instanceDir+"/")
	return strings.TrimSuffix(below, "/"), ok
}

// isEssential: a container is, unless it says otherwise.
func (c definition) isEssential() bool { return c.essential == nil || *c.essential }

// front returns the container's port behind the environment's URL, 0 when it is not the front.
func (c definition) front() int {
	for _, p := range c.ports {
		if p.host == 80 && p.protocol != "udp" {
			return p.container
		}
	}
	return 0
}

func (c definition) isFront() bool { return c.front() != 0 }

// needs names the containers that must be there before c.
func (c definition) needs() []string {
	var names []string
	for _, l := range c.links {
		name, _, _ := strings.Cut(l, ":")
		names = append(names, name)
	}
	for _, v := range c.volumesFrom {
		names = append(names, v.container)
	}
	return names
}
