package engine

import (
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
)

// labels are those of all that belongs to a generation. Its networks tell what it consists of.
func (e *Engine) labels(g *generation) map[string]string {
	return map[string]string{
		labelCloud: e.Cloud, labelEnvironment: g.Environment, labelGeneration: g.id, labelKey: g.key,
		labelVersion: g.Version, labelCount: strconv.Itoa(len(g.units)),
	}
}

// spec translates a unit into the Docker Engine's types.
func (e *Engine) spec(g *generation, u unit) (*container.Config, *container.HostConfig, *network.NetworkingConfig) {
	config, host := u.config, u.host
	config.Labels = e.labels(g)
	for name, value := range u.config.Labels {
		config.Labels[name] = value
	}
	config.Labels[labelContainer], config.Labels[labelEssential], config.Labels[labelHash] = u.name, string(u.must), u.hash
	for _, v := range u.volumesFrom {
		mode := ":rw"
		if v.readOnly {
			mode = ":ro"
		}
		host.VolumesFrom = append(host.VolumesFrom, g.names[v.container]+mode)
	}
	if host.LogConfig.Type == "" {
		host.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "2"}}
	}
	if u.isFront() {
		publish(&config, &host, u.front, g.port)
		config.Labels[labelFront] = strconv.Itoa(g.port)
		config.Labels[labelHost], config.Labels[labelHealth] = g.health().host, g.health().path
	}
	switch {
	case u.shares != "":
		host.NetworkMode = container.NetworkMode("container:" + g.names[u.shares])
		return &config, &host, nil
	case len(u.networks) == 0:
		return &config, &host, nil
	}
	first := e.network(g, u.networks[0].network)
	host.NetworkMode = container.NetworkMode(first)
	return &config, &host, &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{first: endpoint(g, u, u.networks[0])}}
}

// network returns the name of a generation's network. Later generations have later names, so that a
// container on several networks keeps the gateway and the names of the one where it was created.
func (e *Engine) network(g *generation, name string) string {
	if name == "" {
		return e.name(g.Environment, g.id)
	}
	return e.name(g.Environment, g.id, name)
}

// endpoint returns how a unit is connected to one of its networks: the names by which others find
// it, and those by which it finds the units that it links to.
func endpoint(g *generation, u unit, a attachment) *network.EndpointSettings {
	var links []string
	for _, l := range u.links {
		name, alias, found := strings.Cut(l, ":")
		if !found {
			alias = name
		}
		links = append(links, g.names[name]+":"+alias)
	}
	return &network.EndpointSettings{Links: links, Aliases: a.aliases}
}

func publish(config *container.Config, host *container.HostConfig, inside, outside int) {
	port := nat.Port(strconv.Itoa(inside) + "/tcp")
	config.ExposedPorts = nat.PortSet{port: {}}
	host.PortBindings = nat.PortMap{port: {{HostIP: "127.0.0.1", HostPort: strconv.Itoa(outside)}}}
}
