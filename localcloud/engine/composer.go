package engine

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// composer translates the services of a compose file into units.
type composer struct {
	*Engine
	g       *generation
	project *types.Project
	paths   []string // of the bundle, that services mount
}

func (c *composer) networks() []networkSpec {
	var all []networkSpec
	for _, name := range slices.Sorted(maps.Keys(c.project.Networks)) {
		all = append(all, networkSpec{name, c.project.Networks[name].Internal})
	}
	return all
}

// services returns the units of all enabled services in the order in which they start.
func (c *composer) services() ([]unit, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	var units []unit
	for _, name := range slices.Sorted(maps.Keys(c.project.Services)) {
		s := c.project.Services[name]
		for i := range s.GetScale() {
			u, err := c.unit(s)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				u.name += "-" + strconv.Itoa(i+1)
				if _, taken := c.project.Services[u.name]; taken {
					return nil, refusedCompose("service %s has the name of a replica of %s", u.name, name)
				}
			}
			units = append(units, u)
		}
	}
	if len(units) > mostServices {
		return nil, refusedCompose("more than %d containers cannot be run here", mostServices)
	}
	sorted, ok := inOrder(units)
	if !ok {
		return nil, refusedCompose("services need one another in a circle")
	}
	return sorted, nil
}

// check refuses what Docker Compose refuses only while it starts the services, and what the local
// cloud cannot do.
func (c *composer) check() error {
	for _, name := range slices.Sorted(maps.Keys(c.project.Networks)) {
		if c.project.Networks[name].External {
			return refusedCompose("network %s declared as external, but could not be found", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.project.Volumes)) {
		if c.project.Volumes[name].External {
			return refusedCompose("external volume %q not found", name)
		}
	}
	fronts := 0
	used := map[string]publisher{}
	for _, name := range slices.Sorted(maps.Keys(c.project.Services)) {
		s := c.project.Services[name]
		if err := checkService(s); err != nil {
			return err
		}
		for _, p := range s.Ports {
			key, now := p.Published+"/"+p.Protocol, publisher{name, strings.Contains(p.HostIP, ":")}
			other, taken := used[key]
			both := other.service == name && other.six != now.six
			if p.Published != "" && (taken && !both || s.GetScale() > 1) {
				return refusedCompose("service %s: Bind for 0.0.0.0:%s failed: port is already allocated by %s", name, p.Published, orItself(other.service, name))
			}
			used[key] = now
		}
		if c.front(s) != 0 {
			fronts++
		}
	}
	if fronts == 0 { // AWS would run it although nothing could answer the URL
		return refusedCompose("no service publishes port %d of the instance: nothing would answer the URL, because there is no proxy. "+
			"Write \"ports: ['%d:PORT']\"", c.g.port80(), c.g.port80())
	}
	return nil
}

// publisher has a port of the instance. One service may have it for IPv4 and for IPv6.
type publisher struct {
	service string
	six     bool
}

func orItself(other, name string) string {
	if other == "" {
		return "another container of " + name
	}
	return other
}

func checkService(s types.ServiceConfig) error {
	refused := func(format string, args ...any) error {
		return refusedCompose("service %s: %s", s.Name, fmt.Sprintf(format, args...))
	}
	switch {
	case s.Image == "":
		return refused("the local cloud builds no images; on AWS the instance does")
	case s.NetworkMode != "" && s.NetworkMode != "none" && !strings.HasPrefix(s.NetworkMode, types.ServicePrefix):
		return refused("network_mode %s cannot be run on this machine: it is a network of others", s.NetworkMode)
	}
	for _, v := range s.Volumes {
		if !slices.Contains([]string{types.VolumeTypeBind, types.VolumeTypeVolume, types.VolumeTypeTmpfs}, v.Type) {
			return refused("mounts of type %s cannot be run here", v.Type)
		}
	}
	return nil
}

// port80 returns the port of the instance that must answer.
func (g *generation) port80() int {
	if g.Port == 0 {
		return 80
	}
	return g.Port
}

// front returns the container's port behind the environment's URL, or 0. A port that is published on
// the instance's loopback is out of reach.
func (c *composer) front(s types.ServiceConfig) int {
	for _, p := range s.Ports {
		inward := strings.HasPrefix(p.HostIP, "127.") || p.HostIP == "::1"
		if p.Published == strconv.Itoa(c.g.port80()) && p.Protocol != "udp" && !inward {
			return int(p.Target)
		}
	}
	return 0
}

// needs returns what a service waits for. A replica is waited for with the first one.
func (c *composer) needs(s types.ServiceConfig) []need {
	var all []need
	for _, name := range slices.Sorted(maps.Keys(s.DependsOn)) {
		if on, enabled := c.project.Services[name]; enabled && on.GetScale() > 0 {
			d := s.DependsOn[name]
			all = append(all, need{name, condition(d.Condition), d.Restart})
		}
	}
	return all
}

// attachments returns the networks of a service, and the names that it has there.
func (c *composer) attachments(s types.ServiceConfig) []attachment {
	var all []attachment
	for _, name := range s.NetworksByPriority() {
		n := s.Networks[name]
		a := attachment{network: name}
		if n.ServiceNameAliasEnabled() {
			a.aliases = append(a.aliases, s.Name)
		}
		if s.ContainerName != "" {
			a.aliases = append(a.aliases, s.ContainerName)
		}
		if n != nil {
			a.aliases = append(a.aliases, n.Aliases...)
		}
		all = append(all, a)
	}
	return all
}

// sources returns the other services whose volumes a service mounts.
func sources(s types.ServiceConfig) ([]volumeSource, error) {
	var all []volumeSource
	for _, from := range s.VolumesFrom {
		name, mode, _ := strings.Cut(from, ":")
		if name == "container" {
			return nil, refusedCompose("service %s: volumes_from a container that is no service: %s", s.Name, from)
		}
		all = append(all, volumeSource{name, mode == "ro"})
	}
	return all, nil
}

// content returns what identifies the files of a path of the bundle.
func (c *composer) content(below string) string {
	var parts []string
	_ = filepath.WalkDir(filepath.Join(c.g.dir, below), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil // what cannot be read is equal to what is not there
		}
		text, _ := os.ReadFile(path)
		info, _ := entry.Info()
		name, _ := filepath.Rel(c.g.dir, path)
		if info != nil {
			parts = append(parts, name, info.Mode().String(), string(text))
		}
		return nil
	})
	return hashOf(parts...)
}
