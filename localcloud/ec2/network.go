package ec2

import (
	"strings"

	"beansprout/localcloud/instance"
	"beansprout/localcloud/wire"
)

type vpc struct {
	OwnerId         string   `json:"ownerId"`
	InstanceTenancy string   `json:"instanceTenancy"`
	IsDefault       bool     `json:"isDefault"`
	Tags            []tagOut `json:"tagSet"`
	VpcId           string   `json:"vpcId"`
	State           string   `json:"state"`
	CidrBlock       string   `json:"cidrBlock"`
}

type describeVpcsIn struct {
	Filters []filter `json:"Filter"`
	VpcIds  []string `json:"VpcId"`
}

type vpcsOut struct {
	Vpcs []vpc `json:"vpcSet"`
}

// describeVpcs describes the default VPC of the region, the only one.
func describeVpcs(st *state, in describeVpcsIn) (out vpcsOut, err error) {
	n := st.network()
	tagged, err := st.tagged(n.VPC)
	if err != nil {
		return out, err
	}
	one := vpc{st.Account, "default", true, shownTags(tagged), n.VPC, "available", n.CIDR}
	rows, missing := named([]vpc{one}, in.VpcIds, func(v vpc) string { return v.VpcId })
	if missing != nil {
		return out, wire.Errorf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", strings.Join(missing, ", "))
	}
	for _, v := range rows {
		ok, err := passes(in.Filters, attributes{"vpc-id": {v.VpcId}, "is-default": {"true"}, "isDefault": {"true"}, "cidr": {v.CidrBlock}, "state": {v.State}, "owner-id": {v.OwnerId}}, tagged)
		if err != nil {
			return out, err
		}
		if ok {
			out.Vpcs = append(out.Vpcs, v)
		}
	}
	return out, nil
}

type subnet struct {
	AvailabilityZoneId      string   `json:"availabilityZoneId"`
	OwnerId                 string   `json:"ownerId"`
	Tags                    []tagOut `json:"tagSet"`
	SubnetArn               string   `json:"subnetArn"`
	SubnetId                string   `json:"subnetId"`
	State                   string   `json:"state"`
	VpcId                   string   `json:"vpcId"`
	CidrBlock               string   `json:"cidrBlock"`
	AvailableIpAddressCount int      `json:"availableIpAddressCount"`
	AvailabilityZone        string   `json:"availabilityZone"`
	DefaultForAz            bool     `json:"defaultForAz"`
	MapPublicIpOnLaunch     bool     `json:"mapPublicIpOnLaunch"`
}

type describeSubnetsIn struct {
	Filters   []filter `json:"Filter"`
	SubnetIds []string `json:"SubnetId"`
}

type subnetsOut struct {
	Subnets []subnet `json:"subnetSet"`
}

// describeSubnets describes the default VPC's subnets, one in each zone.
func describeSubnets(st *state, in describeSubnetsIn) (out subnetsOut, err error) {
	n := st.network()
	rows, missing := named(n.Subnets, in.SubnetIds, func(s instance.Subnet) string { return s.ID })
	if missing != nil {
		return out, wire.Errorf("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", missing[0])
	}
	for _, s := range rows {
		tagged, err := st.tagged(s.ID)
		if err != nil {
			return out, err
		}
		ok, err := passes(in.Filters, attributes{
			"subnet-id": {s.ID}, "vpc-id": {n.VPC}, "availability-zone": {s.Zone}, "availabilityZone": {s.Zone}, "availability-zone-id": {s.ZoneID},
			"default-for-az": {"true"}, "defaultForAz": {"true"}, "cidr-block": {s.CIDR}, "state": {"available"}, "owner-id": {st.Account},
		}, tagged)
		if err != nil {
			return out, err
		}
		if ok {
			out.Subnets = append(out.Subnets, st.showSubnet(n.VPC, s, tagged))
		}
	}
	return out, nil
}

func (st *state) showSubnet(vpc string, s instance.Subnet, tagged map[string]string) subnet {
	const free = 4091
	return subnet{
		AvailabilityZoneId: s.ZoneID, OwnerId: st.Account, Tags: shownTags(tagged), SubnetArn: wire.ARN("ec2", st.Region, st.Account, "subnet/"+s.ID), SubnetId: s.ID,
		State: "available", VpcId: vpc, CidrBlock: s.CIDR, AvailableIpAddressCount: free, AvailabilityZone: s.Zone, DefaultForAz: true, MapPublicIpOnLaunch: true,
	}
}
