package compose

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"beansprout/dockerrun"
)

// published is a port of the host that a service has.
type published struct {
	service string
	types.ServicePortConfig
}

// isInward reports whether only the host reaches the port.
func (p published) isInward() bool {
	address, err := netip.ParseAddr(p.HostIP)
	return err == nil && address.IsLoopback()
}

// meets reports whether two services can't have both ports.
func (p published) meets(other published) bool {
	low, high := bounds(p.Published)
	otherLow, otherHigh := bounds(other.Published)
	if low > otherHigh || otherLow > high || p.Protocol != other.Protocol {
		return false
	}
	a, err1 := netip.ParseAddr(p.HostIP)
	b, err2 := netip.ParseAddr(other.HostIP)
	return err1 != nil || err2 != nil || // every address
		a.Is4() == b.Is4() && (a == b || a.IsUnspecified() || b.IsUnspecified())
}

// bounds returns the first and the last port of a range, or of one port.
func bounds(published string) (low, high int) {
	first, last, isRange := strings.Cut(published, "-")
	low, _ = strconv.Atoi(first)
	if !isRange {
		return low, low
	}
	high, _ = strconv.Atoi(last)
	return low, high
}

// publish adds a port of a service to those that are taken, and refuses one that the service can't have.
func (l *linter) publish(taken []published, s types.ServiceConfig, i int, port types.ServicePortConfig) []published {
	e, where := l.at("services", s.Name, "ports", strconv.Itoa(i)), "services."+s.Name+".ports"
	if port.Published == "" || l.isUnknown(e.value) {
		return taken
	}
	if s.GetScale() > 1 {
		l.refuse(e, where, "%d containers can't share port %s of the host", s.GetScale(), port.Published)
	}
	p := published{s.Name, port}
	for _, other := range taken {
		if p.meets(other) {
			l.refuse(e, where, "port %s of the host is published by service %s, too", port.Published, other.service)
			break
		}
	}
	return append(taken, p)
}

// front refuses a file of which no service is where requests are sent: nothing runs before the services.
func (l *linter) front(taken []published) {
	for _, s := range entries(l.at("services").value) {
		if l.isUnknown(child(s.value, "ports").value) {
			return
		}
	}
	port := l.port
	if port == 0 {
		port = 80
	}
	for _, p := range taken {
		if p.Protocol == "tcp" && !p.isInward() && (port == dockerrun.AnyPort || p.Published == strconv.Itoa(port)) {
			return
		}
	}
	e := l.at("services")
	if len(taken) > 0 { // where one publishes another port
		for _, name := range l.project.ServiceNames() {
			if len(l.project.Services[name].Ports) > 0 {
				e = l.at("services", name, "ports")
				break
			}
		}
	}
	if port == dockerrun.AnyPort {
		l.refuse(e, "services", "no service publishes a port, to which requests are sent: Beanstalk runs no proxy before a compose file")
		return
	}
	l.refuse(e, "services", `no service publishes port %[1]d, to which requests are sent: Beanstalk runs no proxy before a compose file; want ports: ["%[1]d:CONTAINER-PORT"]`, port)
}
