package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/go-units"
)

// unit translates a service. Keys that are not translated are not applied: what gives a container
// rights over this machine (privileged, devices, cap_add, pid and ipc of the host, security_opt), and
// what only matters to other tools.
func (c *composer) unit(s types.ServiceConfig) (unit, error) {
	mounts, owns, err := c.mounts(s)
	if err != nil {
		return unit{}, err
	}
	from, err := sources(s)
	if err != nil {
		return unit{}, err
	}
	u := unit{
		name: s.Name, front: c.front(s), must: mayEnd, probed: true, owns: owns, logs: logFolders(s),
		links: s.Links, volumesFrom: from, after: c.needs(s), networks: c.attachments(s),
		config: container.Config{
			Image: s.Image, Cmd: []string(s.Command), Entrypoint: entrypoint(s.Entrypoint), Env: variables(s.Environment),
			User: s.User, WorkingDir: s.WorkingDir, Hostname: s.Hostname, Domainname: s.DomainName,
			Tty: s.Tty, OpenStdin: s.StdinOpen, StopSignal: s.StopSignal, StopTimeout: grace(s), Healthcheck: c.healthcheck(s.HealthCheck),
			Labels: s.Labels,
		},
		host: container.HostConfig{
			Mounts: mounts, Tmpfs: tmpfs(s.Tmpfs), RestartPolicy: restartPolicy(s), Resources: limits(s), ReadonlyRootfs: s.ReadOnly,
			CapDrop: s.CapDrop, GroupAdd: s.GroupAdd, Init: s.Init, ShmSize: int64(s.ShmSize),
			ExtraHosts: s.ExtraHosts.AsList(":"), DNS: s.DNS, DNSOptions: s.DNSOpts, DNSSearch: s.DNSSearch,
		},
	}
	if u.isFront() || u.host.RestartPolicy.IsAlways() || u.host.RestartPolicy.IsUnlessStopped() {
		u.must = mustRun
	}
	if service, shares := strings.CutPrefix(s.NetworkMode, types.ServicePrefix); shares {
		u.shares = service
	} else if s.NetworkMode != "" {
		u.host.NetworkMode = container.NetworkMode(s.NetworkMode)
	}
	u.hash, err = c.hash(s)
	return u, err
}

// hash identifies what a service's container is made from. What it waits for and how many replicas it
// has are not part of that.
func (c *composer) hash(s types.ServiceConfig) (string, error) {
	s.DependsOn, s.Profiles, s.Scale, s.Build, s.PullPolicy, s.Develop = nil, nil, nil, nil, "", nil
	if s.Deploy != nil {
		deploy := *s.Deploy
		deploy.Replicas, s.Deploy = nil, &deploy
	}
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("identify service %s: %w", s.Name, err)
	}
	parts := []string{strings.ReplaceAll(string(text), c.g.dir, ".")}
	for name := range s.Networks {
		parts = append(parts, name, strconv.FormatBool(c.project.Networks[name].Internal))
	}
	slices.Sort(parts[1:])
	for _, m := range c.files(s) {
		parts = append(parts, m.Target, c.content(m.below))
	}
	for _, r := range references(s) {
		parts = append(parts, c.text(r.in(c.project)))
	}
	if c.front(s) != 0 {
		parts = append(parts, c.g.Name, c.g.HealthPath)
	}
	return hashOf(parts...), nil
}

func hashOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// entrypoint returns an entry point that replaces the image's: an empty one clears it.
func entrypoint(e types.ShellCommand) []string {
	if e != nil && len(e) == 0 {
		return []string{""}
	}
	return e
}

// logFolders returns the folders in which a service writes logs, each with its place in the container.
func logFolders(s types.ServiceConfig) (logs []string) {
	for _, v := range s.Volumes {
		if strings.HasPrefix(v.Source, composeLogs+"/") {
			logs = append(logs, v.Source+":"+v.Target)
		}
	}
	return logs
}

func variables(all types.MappingWithEquals) []string {
	var env []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if value := all[name]; value != nil {
			env = append(env, name+"="+*value)
		}
	}
	return env
}

// grace returns how many seconds a service gets to stop; compose's default is ten.
func grace(s types.ServiceConfig) *int {
	seconds := 10
	if s.StopGracePeriod != nil {
		seconds = int(time.Duration(*s.StopGracePeriod).Round(time.Second).Seconds())
	}
	return &seconds
}

// healthcheck leaves start_interval to engines that know it.
func (c *composer) healthcheck(h *types.HealthCheckConfig) *container.HealthConfig {
	if h == nil {
		return nil
	}
	if h.Disable {
		return &container.HealthConfig{Test: []string{"NONE"}}
	}
	out := &container.HealthConfig{Test: h.Test}
	often := c.knows("1.44")
	for from, to := range map[*types.Duration]*time.Duration{
		h.Interval: &out.Interval, h.Timeout: &out.Timeout, h.StartPeriod: &out.StartPeriod, h.StartInterval: &out.StartInterval,
	} {
		if from != nil && (often || from != h.StartInterval) {
			*to = time.Duration(*from)
		}
	}
	if h.Retries != nil {
		out.Retries = int(*h.Retries)
	}
	return out
}

// knows reports whether the engine's API has this version or a later one.
func (c *composer) knows(version string) bool {
	return versions.GreaterThanOrEqualTo(c.docker.ClientVersion(), version)
}

// restartPolicy reads restart, such as on-failure:3, or else deploy.restart_policy.
func restartPolicy(s types.ServiceConfig) container.RestartPolicy {
	if s.Restart == "" && s.Deploy != nil && s.Deploy.RestartPolicy != nil {
		r := s.Deploy.RestartPolicy
		policy := container.RestartPolicy{Name: container.RestartPolicyAlways}
		switch r.Condition {
		case "none":
			policy.Name = container.RestartPolicyDisabled
		case "on-failure":
			policy.Name = container.RestartPolicyOnFailure
			if r.MaxAttempts != nil {
				policy.MaximumRetryCount = int(*r.MaxAttempts)
			}
		}
		return policy
	}
	name, count, _ := strings.Cut(s.Restart, ":")
	most, _ := strconv.Atoi(count)
	return container.RestartPolicy{Name: container.RestartPolicyMode(name), MaximumRetryCount: most}
}

func limits(s types.ServiceConfig) container.Resources {
	r := container.Resources{
		Memory: int64(s.MemLimit), MemoryReservation: int64(s.MemReservation), MemorySwap: int64(s.MemSwapLimit), NanoCPUs: int64(float64(s.CPUS) * 1e9),
		CPUShares: s.CPUShares, CPUPeriod: s.CPUPeriod, CPUQuota: s.CPUQuota, CpusetCpus: s.CPUSet,
	}
	pids := s.PidsLimit
	if s.Deploy != nil && s.Deploy.Resources.Limits != nil {
		l := s.Deploy.Resources.Limits
		r.Memory, r.NanoCPUs, pids = max(r.Memory, int64(l.MemoryBytes)), max(r.NanoCPUs, int64(float64(l.NanoCPUs.Value())*1e9)), max(pids, l.Pids)
	}
	if s.Deploy != nil && s.Deploy.Resources.Reservations != nil {
		r.MemoryReservation = max(r.MemoryReservation, int64(s.Deploy.Resources.Reservations.MemoryBytes))
	}
	if pids != 0 {
		r.PidsLimit = &pids
	}
	for _, name := range slices.Sorted(maps.Keys(s.Ulimits)) {
		soft, hard := int64(s.Ulimits[name].Soft), int64(s.Ulimits[name].Hard)
		if single := int64(s.Ulimits[name].Single); single != 0 {
			soft, hard = single, single
		}
		r.Ulimits = append(r.Ulimits, &units.Ulimit{Name: name, Soft: soft, Hard: hard})
	}
	return r
}

func tmpfs(list types.StringList) map[string]string {
	if len(list) == 0 {
		return nil
	}
	all := map[string]string{}
	for _, entry := range list {
		path, options, _ := strings.Cut(entry, ":")
		all[path] = options
	}
	return all
}
