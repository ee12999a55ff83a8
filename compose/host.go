package compose

import (
	"slices"
	"strings"
)

// modes checks the keys whose values may be the host's.
func (l *linter) modes(names map[string]bool, s entry) {
	for _, key := range []string{"network_mode", "ipc", "pid", "cgroup", "userns_mode", "uts"} {
		e := child(s.value, key)
		if e.key == nil {
			continue
		}
		text := resolve(e.value).Value
		kind, name, _ := strings.Cut(text, ":")
		where, isNetwork := "services."+s.name+"."+key, key == "network_mode"
		switch {
		case kind == "host" && isNetwork:
			l.refuse(e, where, "is refused: on the host's network a service publishes no port, and in the local cloud it would have this machine's; want ports:")
		case kind == "host":
			l.refuse(e, where, "is refused: %s", hostOnly)
		case kind == "container":
			l.refuse(e, where, "the instance has no container of another project; want service:NAME")
		case kind == "service" && !names[name]:
			l.refuse(e, where, "there is no service %q%s", name, suggestion(name, keysOf(names)))
		case isNetwork && kind != "service" && text != "none":
			l.refuse(e, where, "want none or service:NAME, not %q: a network of the host joins the features that are on it; want networks:", text)
		case strings.Contains(text, "$"):
			l.refuse(e, where, "must be written out, because host is refused")
		}
	}
}

// mighty are the capabilities with which a container leaves its bounds.
var mighty = []string{"ALL", "BPF", "DAC_READ_SEARCH", "SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_RAWIO", "SYS_TIME"}

// powers refuses what gives a container the host.
func (l *linter) powers(s entry) {
	where := "services." + s.name
	for _, e := range entries(child(s.value, "cap_add").value) {
		name := strings.TrimPrefix(strings.ToUpper(resolve(e.value).Value), "CAP_")
		if slices.Contains(mighty, name) || strings.Contains(name, "$") {
			l.refuse(e, where+".cap_add", "%s is refused: %s", name, hostOnly)
		}
	}
	for _, e := range entries(child(s.value, "security_opt").value) {
		option := resolve(e.value).Value
		if _, value, _ := strings.Cut(strings.ReplaceAll(option, "=", ":"), ":"); value == "unconfined" || value == "disable" || strings.Contains(option, "$") {
			l.refuse(e, where+".security_opt", "%s is refused: %s", option, hostOnly)
		}
	}
	resources := child(child(s.value, "deploy").value, "resources")
	if e := child(child(resources.value, "reservations").value, "devices"); e.key != nil && !off(e.value) {
		l.refuse(e, where+".deploy.resources.reservations.devices", "is refused: %s", hostOnly)
	}
}

// driver refuses a named volume that is not made on the instance, and one that is a folder or device of it.
func (l *linter) driver(volume entry) {
	where := "volumes." + volume.name
	if e := child(volume.value, "driver"); e.key != nil && !off(e.value) && resolve(e.value).Value != "local" {
		l.refuse(e, where+".driver", "the instances have no driver but local")
	}
	if e := child(child(volume.value, "driver_opts").value, "device"); e.key != nil {
		l.refuse(e, where+".driver_opts.device", "is refused: %s", hostOnly)
	}
}
