package engine

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"beansprout/pattern"
)

// mostContainers is AWS's limit. It also keeps a generation within its /28.
const mostContainers = 10

var (
	nameRule = pattern.New(`^[A-Za-z0-9_-]{1,255}$`)
	linkRule = pattern.New(`^[A-Za-z0-9_-]+(:[A-Za-z0-9_.-]+)?$`)
)

// rule is one of ECS's rules with the message for its violation. The message is ours where AWS's is
// not known.
type rule struct {
	broken bool
	says   string
}

// check applies ECS's rules and sorts the containers so that each comes after those that it needs.
func (d *document) check(port int) error {
	d.find(port)
	if a := d.access; a != nil && (a.bucket == "" || a.key == "") {
		return refused("authentication must name a bucket and a key")
	}
	rules := []rule{
		{len(d.containers) == 0, "Container list cannot be empty."},
		{len(d.containers) > mostContainers, "Too many containers."},
	}
	for _, v := range d.volumes {
		rules = append(rules, d.volumeRules(v)...)
	}
	for _, c := range d.containers {
		rules = append(rules, d.nameRules(c)...)
		rules = append(rules, containerRules(c)...)
		rules = append(rules, d.mountRules(c)...)
	}
	rules = append(rules,
		rule{!slices.ContainsFunc(d.containers, definition.isEssential), "TaskDefinition must have at least one essential container."},
		rule{d.sharesHostPort(), "A host port is used in more than one port mapping."})
	for _, r := range rules {
		if r.broken {
			return refusedByECS(r.says)
		}
	}
	// AWS would run it although nothing could answer the URL. It is refused here before it starts.
	if !slices.ContainsFunc(d.containers, definition.isFront) {
		return refused("no container has hostPort %d: nothing would answer the URL", port)
	}
	return d.sort()
}

func (d *document) volumeRules(v volume) []rule {
	same := func(other volume) bool { return other.name == v.name }
	return []rule{
		{!nameRule.MatchString(v.name), "Volume.name contains invalid characters."},
		{count(d.volumes, same) > 1, fmt.Sprintf("Volume '%s' is used more than once.", v.name)},
		{v.sourcePath != "" && !path.IsAbs(v.sourcePath), fmt.Sprintf("Invalid volume '%s'. host.sourcePath must be absolute.", v.name)},
	}
}

func (d *document) nameRules(c definition) []rule {
	rules := []rule{
		{c.name == "", "Container.name should not be null or empty."},
		{!nameRule.MatchString(c.name), "Container.name contains invalid characters."},
		{count(d.containers, func(other definition) bool { return other.name == c.name }) > 1,
			fmt.Sprintf("Container name '%s' is used more than once.", c.name)},
	}
	for _, name := range c.needs() {
		rules = append(rules, rule{!d.has(name), fmt.Sprintf("Container '%s' needs container '%s', which does not exist.", c.name, name)})
	}
	return rules
}

func containerRules(c definition) []rule {
	invalid := fmt.Sprintf("Invalid setting for container '%s'. ", c.name)
	badLink := func(l string) bool { return !linkRule.MatchString(l) }
	return []rule{
		{c.image == "", "Container.image should not be null or empty."},
		{c.memory == 0 && c.reservation == 0, invalid + "At least one of 'memory' or 'memoryReservation' must be specified."},
		{min(c.memory, c.reservation) < 0 || max(c.memory, c.reservation) > 1<<30, invalid + "'memory' and 'memoryReservation' are MiB."},
		{c.memory > 0 && c.memory < c.reservation, invalid + "'memory' must be at least 'memoryReservation'."},
		{slices.ContainsFunc(c.environment, variable.invalid), invalid + "'environment' has an invalid name or value."},
		{slices.ContainsFunc(c.ports, portMapping.invalid), invalid + "'portMappings' has an invalid port or protocol."},
		{slices.ContainsFunc(c.links, badLink), invalid + "'links' has an invalid link."},
	}
}

func (d *document) mountRules(c definition) []rule {
	var rules []rule
	for _, m := range c.mounts {
		_, known := d.volume(m.volume)
		rules = append(rules,
			rule{!known, fmt.Sprintf("Unknown volume '%s'.", m.volume)},
			rule{!path.IsAbs(m.path) || path.Clean(m.path) == "/", fmt.Sprintf("Invalid containerPath '%s' for container '%s'.", m.path, c.name)})
	}
	return rules
}

func count[T any](all []T, is func(T) bool) int {
	n := 0
	for _, one := range all {
		if is(one) {
			n++
		}
	}
	return n
}

func (v variable) invalid() bool {
	return v.name == "" || strings.ContainsAny(v.name, "=\x00") || strings.Contains(v.value, "\x00")
}

func (p portMapping) invalid() bool {
	if p.ports != "" {
		return false
	}
	return p.container < 1 || p.container > 65535 || p.host < 0 || p.host > 65535 ||
		!slices.Contains([]string{"", "tcp", "udp"}, p.protocol)
}

func (d *document) sharesHostPort() bool {
	used := map[string]bool{}
	for _, c := range d.containers {
		for _, p := range c.ports {
			key := fmt.Sprint(p.host, p.protocol == "udp")
			if p.host != 0 && used[key] {
				return true
			}
			used[key] = true
		}
	}
	return false
}

// sort puts each container after those that it needs.
func (d *document) sort() error {
	sorted, ok := inOrder(d.containers)
	if !ok {
		return refusedByECS("Container links should not have a cycle")
	}
	d.containers = sorted
	return nil
}
