package compose

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"beansprout/dockerrun"
)

// status says what becomes of a key.
type status string

const (
	honoured status = "honoured"  // Beansprout acts on it, or checks what it says
	handedOn status = "handed on" // the bundle has it, and compose on the instances acts on it
	leftOut  status = "left out"  // it has no effect, and a line says so
	refused  status = "refused"
)

// key is what becomes of a key, and why.
type key struct {
	status status
	why    string
}

const (
	windows  = "it is for Windows, and the instances run Linux"
	newer    = "the platform's own compose may be too old for it"
	hostOnly = "it gives the containers of a feature the instance, and in the local cloud this machine"
)

// topKeys are the keys of a file.
var topKeys = map[string]key{
	"configs":  {honoured, "files go into the bundle; `external` is refused"},
	"include":  {refused, "the bundle has one file; write its services into this one"},
	"jobs":     {refused, newer},
	"models":   {refused, newer},
	"name":     {handedOn, ""},
	"networks": {honoured, "`external` is refused"},
	"secrets":  {honoured, "files go into the bundle; `external` is refused"},
	"services": {honoured, ""},
	"version":  {handedOn, "compose ignores it"},
	"volumes":  {honoured, "named ones stay over a redeploy, as long as the instance does; `external`, `device` and other drivers than `local` are refused"},
}

// serviceKeys are the keys of a service.
var serviceKeys = join(
	each(handedOn, "", "annotations", "attach", "blkio_config", "cap_drop", "cgroup_parent", "command", "cpu_count",
		"cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus", "cpuset", "device_cgroup_rules",
		"dns", "dns_opt", "dns_search", "domainname", "entrypoint", "expose", "extra_hosts", "group_add", "healthcheck", "hostname",
		"init", "labels", "logging", "mac_address", "mem_limit", "mem_reservation", "mem_swappiness", "memswap_limit", "oom_kill_disable",
		"oom_score_adj", "pids_limit", "post_start", "pre_stop", "read_only", "restart", "runtime", "shm_size", "stdin_open",
		"stop_grace_period", "stop_signal", "storage_opt", "sysctls", "tmpfs", "tty", "ulimits", "user", "working_dir"),
	each(refused, windows, "credential_spec", "isolation"),
	each(refused, newer, "models", "pre_start", "provider", "pull_refresh_after", "umask"),
	each(refused, hostOnly, "device_cgroup_rules", "devices", "gpus", "privileged", "use_api_socket"),
	map[string]key{
		"build":          {honoured, "becomes `image` with the digest of what is built (below)"},
		"cap_add":        {honoured, "`ALL`, `SYS_ADMIN` and others that leave the container are refused"},
		"cgroup":         {honoured, "`host` is refused"},
		"configs":        {honoured, "must be defined"},
		"container_name": {honoured, "no two services may have the same"},
		"depends_on":     {honoured, "the services must exist"},
		"deploy":         {honoured, "several `replicas` can't share a host port; `devices` are refused; the rest is handed on"},
		"develop":        {leftOut, "`docker compose watch` alone reads it"},
		"env_file":       {honoured, "`.env` is what Beanstalk writes; other files go into the bundle"},
		"environment":    {honoured, "a variable of `environment.variables` that no service can see gets a line"},
		"extends":        {honoured, "a service of the same file; `file` is refused"},
		"external_links": {refused, "the instance has no other containers"},
		"image":          {honoured, "a name that a service gives to what it builds is that image in other services, too"},
		"ipc":            {honoured, "`host` is refused"},
		"label_file":     {honoured, "goes into the bundle"},
		"links":          {honoured, "the services must exist"},
		"network_mode":   {honoured, "`none` and `service:NAME`; the networks of the host are refused"},
		"networks":       {honoured, "must be defined"},
		"pid":            {honoured, "`host` is refused"},
		"platform":       {honoured, "that of the build, too, if `build.platforms` has none; an image for another architecture than that of the instances doesn't start"},
		"ports":          {honoured, "one service must publish port 80 of the host, or that of the process; no two the same"},
		"profiles":       {honoured, "a service with profiles runs only if `COMPOSE_PROFILES` in `environment.variables` names one"},
		"pull_policy":    {honoured, "`never` and `build` are refused: an instance begins without images and builds none"},
		"scale":          {honoured, "several containers can't share a host port"},
		"secrets":        {honoured, "must be defined"},
		"security_opt":   {honoured, "files of `seccomp` go into the bundle; `unconfined` and `disable` are refused"},
		"userns_mode":    {honoured, "`host` is refused"},
		"uts":            {honoured, "`host` is refused"},
		"volumes":        {honoured, "what the bundle holds, named volumes, `${EB_LOG_BASE_DIR}/SERVICE`, `tmpfs`; anything else of the host is refused"},
		"volumes_from":   {honoured, "the services must exist; `container:NAME` is refused"},
	},
)

// buildKeys are the keys of a build section.
var buildKeys = join(
	each(honoured, "", "args", "cache_from", "dockerfile", "pull", "secrets", "ssh", "target"),
	each(leftOut, "the image has Beansprout's own tags, labels and cache", "cache_to", "labels", "no_cache", "no_cache_filter", "provenance", "sbom", "tags"),
	each(refused, "the builder has nothing like it", "entitlements", "extra_hosts", "privileged", "shm_size", "ulimits"),
	map[string]key{
		"additional_contexts": {refused, "the builder takes one context; COPY from stages or images, or widen the context"},
		"context":             {honoured, "a folder relative to the file; git and URLs are refused"},
		"dockerfile_inline":   {refused, "write it into a Dockerfile"},
		"isolation":           {refused, windows},
		"network":             {honoured, "`default`, `none` or `host`"},
		"platforms":           {honoured, "one: `linux/amd64` or `linux/arm64`"},
	},
)

func each(s status, why string, names ...string) map[string]key {
	all := map[string]key{}
	for _, name := range names {
		all[name] = key{s, why}
	}
	return all
}

func join(tables ...map[string]key) map[string]key {
	all := map[string]key{}
	for _, t := range tables {
		maps.Copy(all, t)
	}
	return all
}

// unknown returns findings about keys that compose doesn't know or that are refused.
func (f *File) unknown() (findings []dockerrun.Finding) {
	services := child(f.doc.root, "services")
	if services.key == nil {
		for _, e := range entries(f.doc.root) {
			if child(e.value, "image").key != nil || child(e.value, "build").key != nil {
				return []dockerrun.Finding{f.doc.finding(e.key, "", "the file has the first format of compose files; put the services below services:")}
			}
		}
		return []dockerrun.Finding{f.doc.finding(nil, "", "there are no services; want services:")}
	}
	findings = f.unknownIn("", f.doc.root, topKeys)
	for _, s := range entries(services.value) {
		findings = append(findings, f.unknownIn("services."+s.name, s.value, serviceKeys)...)
		findings = append(findings, f.unknownIn("services."+s.name+".build", child(s.value, "build").value, buildKeys)...)
	}
	return findings
}

func (f *File) unknownIn(path string, object *yaml.Node, table map[string]key) (findings []dockerrun.Finding) {
	if n := resolve(object); n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for _, e := range entries(object) {
		k, known := table[e.name]
		at := strings.TrimPrefix(path+"."+e.name, ".")
		switch {
		case strings.HasPrefix(e.name, "x-"):
		case !known:
			findings = append(findings, f.doc.finding(e.key, at, "unknown key%s", suggestion(e.name, slices.Collect(maps.Keys(table)))))
		case k.status == refused && !off(e.value):
			findings = append(findings, f.doc.finding(e.key, at, "is refused: %s", k.why))
		}
	}
	return findings
}

// off reports whether a value is one that does nothing, such as privileged: false.
func off(v *yaml.Node) bool {
	n := resolve(v)
	return n == nil || n.ShortTag() == "!!null" || n.ShortTag() == "!!bool" && n.Value == "false" || n.Kind != yaml.ScalarNode && len(n.Content) == 0
}
