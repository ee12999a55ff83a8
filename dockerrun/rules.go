package dockerrun

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"beansprout/pattern"
)

// linter checks the rules about more than the type of one value. A rule reports nothing about a
// value that was refused already.
type linter struct {
	report     *report
	refused    []Finding
	containers map[string]bool
	volumes    map[string]bool
	hostPorts  map[string]bool // such as 80/tcp
	frontPort  int             // port to which requests are sent, or AnyPort
}

// lint reports the rules of Dockerrun v2 that a document breaks. port is the port to which requests
// are sent.
func lint(doc document, port int, r *report) {
	l := &linter{r, r.findings, map[string]bool{}, map[string]bool{}, map[string]bool{}, port}
	l.top(doc)
	for i, v := range doc.Volumes {
		l.name(l.volumes, fmt.Sprintf("volumes[%d].name", i), v.Name)
	}
	for i, c := range doc.ContainerDefinitions {
		l.name(l.containers, fmt.Sprintf("containerDefinitions[%d].name", i), c.Name)
		l.volumes["awseb-logs-"+c.Name] = true // Beanstalk creates it for each container
	}
	for i, c := range doc.ContainerDefinitions {
		l.container(fmt.Sprintf("containerDefinitions[%d]", i), c)
	}
	l.allContainers(doc.ContainerDefinitions)
}

// rule reports a broken rule about the value at a path, unless that value was refused already.
func (l *linter) rule(path, format string, args ...any) {
	if !l.wasRefused(path) {
		l.report.add(path, format, args...)
	}
}

// wasRefused reports whether the value at a path was refused, or one inside or around it.
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

var validName = pattern.New(`^[A-Za-z0-9_-]{1,255}$`)

// name reports an invalid or duplicate name, and adds the name to those taken.
func (l *linter) name(taken map[string]bool, path, name string) {
	switch {
	case name == "":
		l.rule(path, "is missing")
	case !validName.MatchString(name):
		l.rule(path, "must be 1 to 255 of A-Z, a-z, 0-9, _ and -: %s", l.report.source.cite(path))
	case taken[name]:
		l.rule(path, "is used before: %s", l.report.source.cite(path))
	}
	taken[name] = true
}

func (l *linter) container(at string, c container) {
	if c.Image == "" {
		l.rule(at+".image", "is missing")
	}
	if strings.ContainsFunc(c.Image, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }) {
		l.rule(at+".image", "contains a character that is not allowed in an image reference")
	}
	l.memory(at, c)
	for i, p := range c.PortMappings {
		l.port(fmt.Sprintf("%s.portMappings[%d]", at, i), p)
	}
	l.mounts(at, c)
	for i, v := range c.Environment {
		if v.Name == "" || strings.ContainsAny(v.Name, "=\x00") || strings.Contains(v.Value, "\x00") {
			l.rule(fmt.Sprintf("%s.environment[%d].name", at, i), "is missing, or is not valid as an environment variable")
		}
	}
	for i, link := range c.Links {
		target, alias, aliased := strings.Cut(link, ":")
		path := fmt.Sprintf("%s.links[%d]", at, i)
		l.requireContainer(path, c.Name, target)
		if aliased && !validName.MatchString(alias) {
			l.rule(path, "has an invalid alias: %s", l.report.source.cite(path))
		}
	}
	for i, v := range c.VolumesFrom {
		l.requireContainer(fmt.Sprintf("%s.volumesFrom[%d].sourceContainer", at, i), c.Name, v.SourceContainer)
	}
	for i, d := range c.DependsOn {
		l.requireContainer(fmt.Sprintf("%s.dependsOn[%d].containerName", at, i), c.Name, d.ContainerName)
	}
}

func (l *linter) memory(at string, c container) {
	const least = 6 // MiB: Docker's minimum
	hard, soft := c.Memory, c.MemoryReservation
	switch {
	case l.wasRefused(at + ".memory"), l.wasRefused(at + ".memoryReservation"):
	case hard == 0 && soft == 0:
		l.report.add(at+".memory", "is missing: memory or memoryReservation must say how many MiB")
	case hard != 0 && hard < least:
		l.report.add(at+".memory", "must be at least %d (MiB), not %d", least, hard)
	case soft != 0 && soft < least:
		l.report.add(at+".memoryReservation", "must be at least %d (MiB), not %d", least, soft)
	case hard != 0 && soft > hard:
		l.report.add(at+".memoryReservation", "is more than memory: %d > %d", soft, hard)
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
		l.rule(at+".protocol", "must be tcp or udp: %s", l.report.source.cite(at+".protocol"))
	}
	host := fmt.Sprintf("%d/%s", p.HostPort, protocol)
	if p.HostPort != 0 && l.hostPorts[host] {
		l.rule(at+".hostPort", "%s is used by an earlier mapping", host)
	}
	l.hostPorts[host] = true
}

func (l *linter) mounts(at string, c container) {
	for i, m := range c.MountPoints {
		path := fmt.Sprintf("%s.mountPoints[%d]", at, i)
		if !l.volumes[m.SourceVolume] {
			l.rule(path+".sourceVolume", "is not the name of a volume: %s%s", l.report.source.cite(path+".sourceVolume"), suggestion(m.SourceVolume, l.volumes))
		}
		if !strings.HasPrefix(m.ContainerPath, "/") {
			l.rule(path+".containerPath", "must be an absolute path: %s", l.report.source.cite(path+".containerPath"))
		}
	}
}

// requireContainer reports that a container needs another one that doesn't exist.
func (l *linter) requireContainer(path, container, other string) {
	switch {
	case !l.containers[other]:
		l.rule(path, "is not the name of a container: %s%s", l.report.source.cite(path), suggestion(other, l.containers))
	case other == container:
		l.rule(path, "is the container itself")
	}
}

// allContainers checks the rules about all containers together.
func (l *linter) allContainers(containers []container) {
	const path = "containerDefinitions"
	if len(containers) == 0 {
		l.rule(path, "there is no container")
		return
	}
	essential, front := false, l.hasFrontPort()
	for i, c := range containers {
		at := fmt.Sprintf("%s[%d]", path, i)
		essential = essential || c.Essential == nil || *c.Essential || l.wasRefused(at+".essential")
		front = front || l.wasRefused(at+".portMappings")
	}
	if !essential {
		l.report.add(path, "no container is essential")
	}
	switch {
	case front:
	case l.frontPort == AnyPort:
		l.report.add(path, "no container is on a port of the host, where Beanstalk sends requests")
	default:
		l.report.add(path, "no container is on host port %d, where Beanstalk sends requests", l.frontPort)
	}
}

// hasFrontPort reports whether a container is on the port to which requests are sent.
func (l *linter) hasFrontPort() bool {
	for port := range l.hostPorts {
		if port != "0/tcp" && strings.HasSuffix(port, "/tcp") && (l.frontPort == AnyPort || port == fmt.Sprintf("%d/tcp", l.frontPort)) {
			return true
		}
	}
	return false
}
