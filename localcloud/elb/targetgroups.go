package elb

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"beansprout/localcloud/elb/traffic"
	"beansprout/localcloud/wire"
)

// group is a target group.
type group struct {
	ARN, Name, VPC string
	Port           int
	Check          check
	Attributes     map[string]string // those that differ from the defaults
	Targets        []target
	Tags           []tag
}

// check is a health check as the API has it.
type check struct {
	Port, Path                        string // Port is traffic-port or a number
	Interval, Timeout                 int    // seconds
	HealthyThreshold, UnhealthyThresh int
	Codes                             string
}

type groupOut struct {
	TargetGroupArn, TargetGroupName string
	Protocol                        string
	Port                            int
	VpcId                           string
	HealthCheckProtocol             string
	HealthCheckPort                 string
	HealthCheckEnabled              bool
	HealthCheckIntervalSeconds      int
	HealthCheckTimeoutSeconds       int
	HealthyThresholdCount           int
	UnhealthyThresholdCount         int
	HealthCheckPath                 string
	Matcher                         matcher
	LoadBalancerArns                []string
	TargetType                      string
	ProtocolVersion                 string
	IpAddressType                   string
}

type matcher struct {
	HttpCode string `aws:"min=1"`
}

type groupsOut struct {
	TargetGroups []groupOut
	NextMarker   string
}

func (st *state) showGroup(g group) groupOut {
	return groupOut{
		TargetGroupArn: g.ARN, TargetGroupName: g.Name, Protocol: "HTTP", Port: g.Port, VpcId: g.VPC,
		HealthCheckProtocol: "HTTP", HealthCheckPort: g.Check.Port, HealthCheckEnabled: true,
		HealthCheckIntervalSeconds: g.Check.Interval, HealthCheckTimeoutSeconds: g.Check.Timeout,
		HealthyThresholdCount: g.Check.HealthyThreshold, UnhealthyThresholdCount: g.Check.UnhealthyThresh,
		HealthCheckPath: g.Check.Path, Matcher: matcher{g.Check.Codes}, LoadBalancerArns: st.balancersOf(g.ARN),
		TargetType: "instance", ProtocolVersion: "HTTP1", IpAddressType: "ipv4",
	}
}

// balancersOf returns the load balancers with a rule that names the group: one at most.
func (st *state) balancersOf(groupARN string) []string {
	arns := []string{}
	for _, l := range listeners.all(st) {
		if l.names(groupARN) && !slices.Contains(arns, l.Balancer) {
			arns = append(arns, l.Balancer)
		}
	}
	return arns
}

type createTargetGroupIn struct {
	Name                       string   `aws:"required"`
	Protocol                   string   `aws:"enum=HTTP"`
	ProtocolVersion            string   `aws:"enum=HTTP1"`
	Port                       *int     `aws:"min=1,max=65535"`
	VpcId                      string   //
	HealthCheckProtocol        string   `aws:"enum=HTTP"`
	HealthCheckPort            string   //
	HealthCheckEnabled         *bool    //
	HealthCheckPath            string   `aws:"min=1,max=1024"`
	HealthCheckIntervalSeconds *int     `aws:"min=5,max=300"`
	HealthCheckTimeoutSeconds  *int     `aws:"min=2,max=120"`
	HealthyThresholdCount      *int     `aws:"min=2,max=10"`
	UnhealthyThresholdCount    *int     `aws:"min=2,max=10"`
	Matcher                    *matcher //
	TargetType                 string   `aws:"enum=instance"`
	IpAddressType              string   `aws:"enum=ipv4"`
	Tags                       []tag    `aws:"min=1"`
}

const groupsPerRegion = 3000

// createTargetGroup makes a target group, or returns the one that is the same already.
func createTargetGroup(st *state, in createTargetGroupIn) (out groupsOut, err error) {
	made, err := st.newGroup(in)
	if err != nil {
		return out, err
	}
	count := 0
	for _, g := range groups.all(st) {
		if g.Name == made.Name {
			if !g.same(made) {
				return out, wire.Errorf("DuplicateTargetGroupName", "A target group with the same name '%s' exists, but with different settings", in.Name)
			}
			return groupsOut{TargetGroups: []groupOut{st.showGroup(g)}}, nil
		}
		count++
	}
	if count >= groupsPerRegion {
		return out, wire.Errorf("TooManyTargetGroups", "You have reached the maximum number of target groups: %d", groupsPerRegion)
	}
	groups.put(st, made.ARN, made)
	return groupsOut{TargetGroups: []groupOut{st.showGroup(made)}}, nil
}

// newGroup returns the group that a call describes.
func (st *state) newGroup(in createTargetGroupIn) (g group, err error) {
	if err := checkName("target group", in.Name); err != nil {
		return g, err
	}
	if err := checkTags(in.Tags); err != nil {
		return g, err
	}
	switch {
	case in.Protocol == "":
		return g, wire.Errorf("ValidationError", "A protocol must be specified")
	case in.Port == nil:
		return g, wire.Errorf("ValidationError", "A port must be specified")
	case in.VpcId == "":
		return g, wire.Errorf("ValidationError", "A VPC ID must be specified")
	case in.VpcId != st.network().VPC:
		return g, wire.Errorf("ValidationError", "The VPC ID '%s' is not found", in.VpcId)
	}
	c, err := in.check()
	return group{
		ARN: st.arn("targetgroup/" + in.Name + "/" + id()), Name: in.Name, VPC: in.VpcId, Port: *in.Port, Check: c, Tags: in.Tags,
	}, err
}

// check returns the health check that a call describes, with AWS's defaults.
func (in createTargetGroupIn) check() (check, error) {
	c := check{
		Port: cmp.Or(in.HealthCheckPort, trafficPort), Path: cmp.Or(in.HealthCheckPath, "/"), Codes: "200",
		Interval: or(in.HealthCheckIntervalSeconds, 30), Timeout: or(in.HealthCheckTimeoutSeconds, 5),
		HealthyThreshold: or(in.HealthyThresholdCount, 5), UnhealthyThresh: or(in.UnhealthyThresholdCount, 2),
	}
	if in.Matcher != nil {
		c.Codes = in.Matcher.HttpCode
	}
	port, err := strconv.Atoi(c.Port)
	switch {
	case c.Port != trafficPort && (err != nil || port < 1 || port > 65535):
		return c, wire.Errorf("ValidationError", "Health check port '%s' must be 'traffic-port' or a number between '1-65535' inclusive", c.Port)
	case c.Path[0] != '/':
		return c, wire.Errorf("ValidationError", "Health check path '%s' must begin with a '/' character", c.Path)
	case traffic.CheckCodes(c.Codes) != nil:
		return c, wire.Errorf("ValidationError", "Health check matcher HTTP code '%s' must be within '200-499' inclusive", c.Codes)
	case c.Timeout >= c.Interval:
		return c, wire.Errorf("ValidationError", "Health check timeout '%d' must be smaller than the interval '%d'", c.Timeout, c.Interval)
	case in.HealthCheckEnabled != nil && !*in.HealthCheckEnabled:
		return c, wire.Errorf("ValidationError", "Health check enabled must be true for target groups with target type 'instance'")
	}
	return c, nil
}

const trafficPort = "traffic-port"

func or(given *int, fallback int) int {
	if given == nil {
		return fallback
	}
	return *given
}

// same reports whether a call that creates other may return g.
func (g group) same(other group) bool {
	return g.Port == other.Port && g.VPC == other.VPC && g.Check == other.Check && slices.Equal(g.Tags, other.Tags)
}

type describeTargetGroupsIn struct {
	LoadBalancerArn string
	TargetGroupArns []string
	Names           []string
	paged
}

func describeTargetGroups(st *state, in describeTargetGroupsIn) (out groupsOut, err error) {
	if in.LoadBalancerArn != "" {
		if _, err := balancers.must(st, in.LoadBalancerArn); err != nil {
			return out, err
		}
	}
	all := []group{}
	for _, g := range groups.all(st) {
		if named(in.TargetGroupArns, g.ARN) && named(in.Names, g.Name) &&
			(in.LoadBalancerArn == "" || slices.Contains(st.balancersOf(g.ARN), in.LoadBalancerArn)) {
			all = append(all, g)
		}
	}
	if len(all) < max(len(in.TargetGroupArns), len(in.Names)) {
		return out, groups.missing()
	}
	page, next, err := page(all, in.paged, func(g group) string { return g.ARN })
	out.NextMarker, out.TargetGroups = next, []groupOut{}
	for _, g := range page {
		out.TargetGroups = append(out.TargetGroups, st.showGroup(g))
	}
	return out, err
}

type groupNamed struct {
	TargetGroupArn string `aws:"required"`
}

// deleteTargetGroup succeeds if there is none.
func deleteTargetGroup(st *state, in groupNamed) (*empty, error) {
	if _, ok := groups.get(st, in.TargetGroupArn); !ok {
		return &empty{}, nil
	}
	if len(st.balancersOf(in.TargetGroupArn)) > 0 {
		return nil, wire.Errorf("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", in.TargetGroupArn)
	}
	groups.delete(st, in.TargetGroupArn)
	return &empty{}, nil
}

// traffic returns what the group is for the requests.
func (g group) traffic(now time.Time) traffic.Group {
	port, _ := strconv.Atoi(g.Check.Port) // 0 for traffic-port
	out := traffic.Group{
		ID: g.ARN, LeastOutstanding: g.attribute(algorithm) == leastOutstanding,
		Check: traffic.Check{
			Path: g.Check.Path, Port: port, Interval: seconds(g.Check.Interval), Timeout: seconds(g.Check.Timeout),
			Good: g.Check.HealthyThreshold, Bad: g.Check.UnhealthyThresh, Codes: g.Check.Codes,
		},
	}
	for _, t := range g.Targets {
		if !t.gone(now) {
			out.Targets = append(out.Targets, traffic.Target(t))
		}
	}
	return out
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
