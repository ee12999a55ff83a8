package elb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"beansprout/localcloud/instance"
	"beansprout/localcloud/wire"
)

// balancer is a load balancer.
type balancer struct {
	ARN, Name, Scheme, VPC string
	Host                   string // it answers at Host.localhost
	Subnets                []subnet
	SecurityGroups         []string
	Created                time.Time
	Tags                   []tag
}

type subnet struct{ ID, Zone string }

type balancerOut struct {
	LoadBalancerArn       string
	DNSName               string
	CanonicalHostedZoneId string
	CreatedTime           time.Time
	LoadBalancerName      string
	Scheme, VpcId         string
	State                 balancerState
	Type                  string
	AvailabilityZones     []zoneOut
	SecurityGroups        []string
	IpAddressType         string
}

type balancerState struct{ Code string }

type zoneOut struct{ ZoneName, SubnetId string }

type balancersOut struct {
	LoadBalancers []balancerOut
	NextMarker    string
}

// hostedZone is made up.
const hostedZone = "Z0LOCALLOCALLOCAL0"

func (st *state) showBalancer(b balancer, condition string) balancerOut {
	out := balancerOut{
		LoadBalancerArn: b.ARN, DNSName: fmt.Sprintf("%s.localhost:%d", b.Host, st.URLPort), CanonicalHostedZoneId: hostedZone, CreatedTime: b.Created,
		LoadBalancerName: b.Name, Scheme: b.Scheme, VpcId: b.VPC, State: balancerState{condition}, Type: "application",
		SecurityGroups: b.SecurityGroups, IpAddressType: "ipv4",
	}
	for _, n := range b.Subnets {
		out.AvailabilityZones = append(out.AvailabilityZones, zoneOut{n.Zone, n.ID})
	}
	return out
}

type createLoadBalancerIn struct {
	Name           string   `aws:"required"`
	Subnets        []string `aws:"min=1"`
	SecurityGroups []string
	Scheme         string `aws:"enum=internet-facing|internal"`
	Type           string `aws:"enum=application"`
	IpAddressType  string `aws:"enum=ipv4"`
	Tags           []tag  `aws:"min=1"`
}

const balancersPerRegion = 50

// createLoadBalancer makes a load balancer, or returns the one that is the same already.
func createLoadBalancer(st *state, in createLoadBalancerIn) (out balancersOut, err error) {
	made, err := st.newBalancer(in)
	if err != nil {
		return out, err
	}
	count := 0
	for _, b := range balancers.all(st) {
		if strings.EqualFold(b.Name, made.Name) {
			if !b.same(made) {
				return out, wire.Errorf("DuplicateLoadBalancerName", "A load balancer with the same name '%s' exists, but with different settings", in.Name)
			}
			return balancersOut{LoadBalancers: []balancerOut{st.showBalancer(b, "active")}}, nil
		}
		count++
	}
	if count >= balancersPerRegion {
		return out, wire.Errorf("TooManyLoadBalancers", "You have reached the maximum number of load balancers: %d", balancersPerRegion)
	}
	made.Host = st.freeHost(in.Name)
	balancers.put(st, made.ARN, made)
	return balancersOut{LoadBalancers: []balancerOut{st.showBalancer(made, "provisioning")}}, nil
}

// newBalancer returns the load balancer that a call describes, without its host.
func (st *state) newBalancer(in createLoadBalancerIn) (b balancer, err error) {
	if err := checkName("load balancer", in.Name); err != nil {
		return b, err
	}
	if strings.HasPrefix(in.Name, "internal-") {
		return b, wire.Errorf("ValidationError", "The load balancer name '%s' cannot begin with 'internal-'", in.Name)
	}
	if err := checkTags(in.Tags); err != nil {
		return b, err
	}
	network := st.network()
	b = balancer{
		ARN: st.arn("loadbalancer/app/" + in.Name + "/" + id()), Name: in.Name, Scheme: cmp.Or(in.Scheme, "internet-facing"), VPC: network.VPC,
		SecurityGroups: in.SecurityGroups, Created: st.Now.UTC().Truncate(time.Millisecond), Tags: in.Tags,
	}
	if b.SecurityGroups == nil {
		b.SecurityGroups = []string{network.SecurityGroup}
	}
	b.Subnets, err = st.subnets(in.Subnets)
	return b, err
}

// same reports whether a call that creates other may return b.
func (b balancer) same(other balancer) bool {
	return b.Name == other.Name && b.Scheme == other.Scheme && slices.Equal(b.Subnets, other.Subnets) &&
		slices.Equal(b.SecurityGroups, other.SecurityGroups) && slices.Equal(b.Tags, other.Tags)
}

// network returns the only VPC of the region.
func (st *state) network() instance.Network { return instance.NetworkOf(st.Region, st.Account) }

// subnets returns the subnets of a load balancer, which must be in at least two zones.
func (st *state) subnets(ids []string) (all []subnet, err error) {
	zones := map[string]bool{}
	for _, id := range ids {
		n, ok := st.network().Subnet(id)
		if !ok {
			return nil, wire.Errorf("SubnetNotFound", "The subnet ID '%s' does not exist", id)
		}
		if zones[n.Zone] {
			return nil, wire.Errorf("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
		zones[n.Zone] = true
		all = append(all, subnet{id, n.Zone})
	}
	if len(all) < 2 {
		return nil, wire.Errorf("ValidationError", "At least two subnets in two different Availability Zones must be specified")
	}
	return all, nil
}

// freeHost returns the name, with the region if the name is taken as a host already.
func (st *state) freeHost(name string) string {
	host := strings.ToLower(name)
	taken := st.Taken(host)
	for _, b := range balancers.everywhere(st) {
		taken = taken || b.Host == host
	}
	if taken {
		return host + "." + st.Region
	}
	return host
}

type describeLoadBalancersIn struct {
	LoadBalancerArns []string
	Names            []string
	paged
}

func describeLoadBalancers(st *state, in describeLoadBalancersIn) (out balancersOut, err error) {
	all := []balancer{}
	for _, b := range balancers.all(st) {
		if named(in.LoadBalancerArns, b.ARN) && named(in.Names, b.Name) {
			all = append(all, b)
		}
	}
	if len(all) < max(len(in.LoadBalancerArns), len(in.Names)) {
		return out, balancers.missing()
	}
	page, next, err := page(all, in.paged, func(b balancer) string { return b.ARN })
	out.NextMarker, out.LoadBalancers = next, []balancerOut{}
	for _, b := range page {
		out.LoadBalancers = append(out.LoadBalancers, st.showBalancer(b, "active"))
	}
	return out, err
}

type balancerNamed struct {
	LoadBalancerArn string `aws:"required"`
}

// deleteLoadBalancer deletes the listeners and rules as well. It succeeds if there is none.
func deleteLoadBalancer(st *state, in balancerNamed) (*empty, error) {
	b, ok := balancers.get(st, in.LoadBalancerArn)
	if !ok {
		return &empty{}, nil
	}
	for _, l := range st.listenersOf(b.ARN) {
		listeners.delete(st, l.ARN)
	}
	balancers.delete(st, b.ARN)
	return &empty{}, nil
}
