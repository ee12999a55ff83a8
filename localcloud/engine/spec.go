package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
)

// leastMemory is Docker's minimum in MiB. ECS allows 4.
const leastMemory = 6

func (e *Engine) labels(g *generation) map[string]string {
	return map[string]string{
		labelCloud: e.Cloud, labelEnvironment: g.Environment, labelGeneration: g.id, labelKey: g.key,
		labelVersion: g.Version, labelCount: strconv.Itoa(len(g.containers)),
	}
}

// spec translates a container definition into the engine's types.
func (e *Engine) spec(g *generation, c definition) (*container.Config, *container.HostConfig, *network.NetworkingConfig) {
	config := &container.Config{
		Image: c.image, Cmd: c.command, Entrypoint: c.entryPoint, User: c.user, WorkingDir: c.workingDirectory,
		Hostname: c.hostname, Env: environment(g.Variables, c.environment), Labels: e.labels(g),
	}
	config.Labels[labelContainer] = c.name
	config.Labels[labelEssential] = strconv.FormatBool(c.isEssential())
	host := &container.HostConfig{
		NetworkMode: container.NetworkMode(e.name(g.Environment, g.id)),
		Mounts:      e.mounts(g, c),
		VolumesFrom: e.volumesFrom(g, c),
		LogConfig:   container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "2"}},
	}
	host.Memory, host.MemoryReservation = bytesOf(c.memory), bytesOf(c.reservation)
	if c.isFront() {
		publish(config, host, c.front, g.port)
		config.Labels[labelFront] = strconv.Itoa(g.port)
		config.Labels[labelHost], config.Labels[labelHealth] = g.health().host, g.health().path
	}
	return config, host, &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
		string(host.NetworkMode): {Links: e.links(g, c)},
	}}
}

// bytesOf converts MiB; 0 means no limit.
func bytesOf(mib int64) int64 {
	if mib == 0 {
		return 0
	}
	return max(mib, leastMemory) << 20
}

func publish(config *container.Config, host *container.HostConfig, inside, outside int) {
	port := nat.Port(strconv.Itoa(inside) + "/tcp")
	config.ExposedPorts = nat.PortSet{port: {}}
	host.PortBindings = nat.PortMap{port: {{HostIP: "127.0.0.1", HostPort: strconv.Itoa(outside)}}}
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

// links returns the links of a container to others, with the names that the definition gives them.
// As on AWS, a container cannot find another by name without a link.
func (e *Engine) links(g *generation, c definition) []string {
	var links []string
	for _, l := range c.links {
		name, alias, found := strings.Cut(l, ":")
		if !found {
			alias = name
		}
		links = append(links, e.name(g.Environment, g.id, name)+":"+alias)
	}
	return links
}

func (e *Engine) volumesFrom(g *generation, c definition) []string {
	var from []string
	for _, v := range c.volumesFrom {
		mode := ":rw"
		if v.readOnly {
			mode = ":ro"
		}
		from = append(from, e.name(g.Environment, g.id, v.container)+mode)
	}
	return from
}

func (e *Engine) mounts(g *generation, c definition) []mount.Mount {
	var mounts []mount.Mount
	for _, m := range c.mounts {
		v, _ := g.volume(m.volume)
		to := e.source(g, v)
		to.Target, to.ReadOnly = m.path, m.readOnly
		mounts = append(mounts, to)
	}
	return mounts
}

// source returns the mount for a volume. A path of the bundle is bound. Any other path of the
// instance is a Docker volume of the environment, never this machine's disk: it outlasts generations
// as the instance's disk does. So is a volume that ECS shares between tasks. Any other volume belongs
// to the generation.
func (e *Engine) source(g *generation, v volume) mount.Mount {
	if below, ok := v.belowBundle(); ok {
		return mount.Mount{Type: mount.TypeBind, Source: filepath.Join(g.dir, below)}
	}
	labels := map[string]string{labelCloud: e.Cloud, labelEnvironment: g.Environment}
	if v.sourcePath == "" && v.shared == "" {
		labels[labelGeneration] = g.id
		return mount.Mount{Type: mount.TypeVolume, Source: e.name(g.Environment, g.id, "volume", v.name),
			VolumeOptions: &mount.VolumeOptions{Labels: labels}}
	}
	named := v.shared
	if named == "" {
		named = path.Clean(v.sourcePath)
	}
	sum := sha256.Sum256([]byte(named))
	return mount.Mount{Type: mount.TypeVolume, Source: e.name(g.Environment, "disk", hex.EncodeToString(sum[:6])),
		VolumeOptions: &mount.VolumeOptions{Labels: labels, NoCopy: true}}
}
