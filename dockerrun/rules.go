package dockerrun

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// linter holds a document against the rules that concern more than the type of one value. It
// does not guess: a rule is silent where a value that it is about was refused already.
type linter struct {
	*report
	refused    []Finding
	containers map[string]bool
	volumes    map[string]bool
	hostPorts  map[string]bool // such as 80/tcp
}

// lint reports which rules of Dockerrun v2 a document breaks.
func lint(doc document, r *report) {
	l := &linter{r, r.findings, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	l.top(doc)
	for i, v := range doc.Volumes {
		l.name(l.volumes, fmt.Sprintf("volumes[%d].name", i), v.Name)
	}
	for i, c := range doc.ContainerDefinitions {
		l.name(l.containers, fmt.Sprintf("containerDefinitions[%d].name", i), c.Name)
		l.volumes["awseb-logs-"+c.Name] = true // which Beanstalk makes for each container
	}
	for i, c := range doc.ContainerDefinitions {
		l.container(fmt.Sprintf("containerDefinitions[%d]", i), c)
	}
	l.together(doc.ContainerDefinitions)
}

// rule reports a broken rule about the value at a path, unless that value was refused already.
func (l *linter) rule(path, format string, args ...any) {
	if !l.wasRefused(path) {
		l.add(path, format, args...)
	}
}

// wasRefused reports whether the value at a path was refused, or one in it or around it.
func (l *linter) wasRefused(path string) bool {
	return slices.ContainsFunc(l.refused, func(f Finding) bool {
		return within(f.Path, path) || within(path, f.Path)
	})
}

func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

func (l *linter) top(doc document) {
	switch v := doc.AWSEBDockerrunVersion; {
	case v == nil:
		l.rule("AWSEBDockerrunVersion", "is missing: it must be 2")
	case *v != 2:
		l.rule("AWSEBDockerrunVersion", "must be 2, the version for the ECS platform, not %d", *v)
	}
	if a := doc.Authentication; a != nil && (a.Bucket == "" || a.Key == "") {
		l.rule("authentication", "must name a bucket and a key")
	}
	for i, c := range doc.ContainerDefinitions {
		if len(c.Secrets) > 0 && doc.ExecutionRoleArn == "" {
			l.rule(fmt.Sprintf("containerDefinitions[%d].secrets", i), "need an executionRoleArn, at the top of the document")
		}
	}
}

var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// name reports a name that can't be one or that is taken, and takes it.
func (l *linter) name(taken map[string]bool, path, name string) {
	switch {
	case name == "":
		l.rule(path, "is missing")
	case !validName.MatchString(name):
		l.rule(path, "must be 1 to 255 of A-Z, a-z, 0-9, _ and -: %s", l.cite(path))
	case taken[name]:
		l.rule(path, "is the name of one before: %s", l.cite(path))
	}
	taken[name] = true
}

func (l *linter) container(at string, c container) {
	if c.Image == "" {
		l.rule(at+".image", "is missing")
	}
	if strings.ContainsFunc(c.Image, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }) {
		l.rule(at+".image", "holds a character that no image reference has")
	}
	l.memory(at, c)
	for i, p := range c.PortMappings {
		l.port(fmt.Sprintf("%s.portMappings[%d]", at, i), p)
	}
	l.mounts(at, c)
	for i, link := range c.Links {
		target, alias, aliased := strings.Cut(link, ":")
		path := fmt.Sprintf("%s.links[%d]", at, i)
		l.need(path, c.Name, target)
		if aliased && !validName.MatchString(alias) {
			l.rule(path, "has an alias that can't be one: %s", l.cite(path))
		}
	}
	for i, v := range c.VolumesFrom {
		l.need(fmt.Sprintf("%s.volumesFrom[%d].sourceContainer", at, i), c.Name, v.SourceContainer)
	}
	for i, d := range c.DependsOn {
		l.need(fmt.Sprintf("%s.dependsOn[%d].containerName", at, i), c.Name, d.ContainerName)
	}
}

func (l *linter) memory(at string, c container) {
	const least = 6 // MiB; Docker starts no container with less
	hard, soft := c.Memory, c.MemoryReservation
	switch {
	case l.wasRefused(at + ".memory"), l.wasRefused(at + ".memoryReservation"):
	case hard == 0 && soft == 0:
		l.add(at+".memory", "is missing: memory or memoryReservation must say how many MiB")
	case hard != 0 && hard < least:
		l.add(at+".memory", "must be at least %d (MiB), not %d", least, hard)
	case soft != 0 && soft < least:
		l.add(at+".memoryReservation", "must be at least %d (MiB), not %d", least, soft)
	case hard != 0 && soft > hard:
		l.add(at+".memoryReservation", "is more than memory: %d > %d", soft, hard)
	}
}

func (l *linter) port(at string, p portMapping) {
	if p.ContainerPortRange != "" {
		return
	}
	if p.ContainerPort < 1 || p.ContainerPort > 65535 {
		l.rule(at+".containerPort", "must be a port from 1 to 65535, not %d", p.ContainerPort)
	}
	if p.HostPort < 0 || p.HostPort > 65535 {
		l.rule(at+".hostPort", "must be a port from 1 to 65535, or 0 for any, not %d", p.HostPort)
	}
	protocol := strings.ToLower(p.Protocol)
	switch protocol {
	case "":
		protocol = "tcp"
	case "tcp", "udp":
	default:
		l.rule(at+".protocol", "must be tcp or udp: %s", l.cite(at+".protocol"))
	}
	host := fmt.Sprintf("%d/%s", p.HostPort, protocol)
	if p.HostPort != 0 && l.hostPorts[host] {
		l.rule(at+".hostPort", "%s is taken by a mapping before", host)
	}
	l.hostPorts[host] = true
}

func (l *linter) mounts(at string, c container) {
	for i, m := range c.MountPoints {
		path := fmt.Sprintf("%s.mountPoints[%d]", at, i)
		if !l.volumes[m.SourceVolume] {
			l.rule(path+".sourceVolume", "names no volume: %s%s", l.cite(path+".sourceVolume"), suggestion(m.SourceVolume, l.volumes))
		}
		if !strings.HasPrefix(m.ContainerPath, "/") {
			l.rule(path+".containerPath", "must be an absolute path: %s", l.cite(path+".containerPath"))
		}
	}
}

// need reports where a container needs another that isn't there.
func (l *linter) need(path, container, other string) {
	switch {
	case !l.containers[other]:
		l.rule(path, "names no container: %s%s", l.cite(path), suggestion(other, l.containers))
	case other == container:
		l.rule(path, "is the container itself")
	}
}

// together reports what is wrong with the containers as a whole.
func (l *linter) together(containers []container) {
	const path = "containerDefinitions"
	if len(containers) == 0 {
		l.rule(path, "there is no container")
		return
	}
	essential, front := false, l.hostPorts["80/tcp"]
	for i, c := range containers {
		at := fmt.Sprintf("%s[%d]", path, i)
		essential = essential || c.Essential == nil || *c.Essential || l.wasRefused(at+".essential")
		front = front || l.wasRefused(at+".portMappings")
	}
	if !essential {
		l.add(path, "no container is essential")
	}
	if !front {
		l.add(path, "no container is on host port 80, where Beanstalk sends requests")
	}
}
