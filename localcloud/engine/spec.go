package engine

import (
	"maps"
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

// unitLabels are those of a unit's container: its document's, but for the engine's prefix, and all of
// the engine's own. Those that say nothing are empty, because an image's would count otherwise.
func (e *Engine) unitLabels(g *generation, u unit) map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, u.config.Labels)
	maps.DeleteFunc(labels, func(name, _ string) bool { return strings.HasPrefix(name, labelPrefix) })
	maps.Copy(labels, e.labels(g))
	maps.Copy(labels, map[string]string{
		labelContainer: u.name, labelEssential: string(u.must), labelHash: u.hash, labelLogs: strings.Join(u.logs, "\n"),
		labelFront: "", labelHost: "", labelHealth: "",
	})
	if u.isFront() {
		labels[labelFront], labels[labelHost], labels[labelHealth] = strconv.Itoa(g.port), g.health().host, g.health().path
	}
	return labels
}

// spec translates a unit into the Docker Engine's types.
func (e *Engine) spec(g *generation, u unit) (*container.Config, *container.HostConfig, *network.NetworkingConfig) {
	config, host := u.config, u.host
	config.Labels = e.unitLabels(g, u)
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
