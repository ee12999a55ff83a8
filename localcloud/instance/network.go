package instance

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Network is the default VPC of a region, the only one, with a subnet in each of its three zones.
type Network struct {
	VPC, CIDR     string
	SecurityGroup string // the default one
	Subnets       []Subnet
}

// Subnet is a part of a network in one zone.
type Subnet struct{ ID, Zone, ZoneID, CIDR string }

// NetworkOf returns the network of an account in a region. It is always the same.
func NetworkOf(region, account string) Network {
	id := func(prefix, what string) string {
		sum := sha256.Sum256([]byte(account + "/" + region + "/" + what))
		return prefix + hex.EncodeToString(sum[:])[:17]
	}
	n := Network{VPC: id("vpc-", "vpc"), CIDR: "172.31.0.0/16", SecurityGroup: id("sg-", "default")}
	for i, letter := range []string{"a", "b", "c"} {
		n.Subnets = append(n.Subnets, Subnet{
			ID: id("subnet-", letter), Zone: region + letter, ZoneID: fmt.Sprintf("%s-az%d", region, i+1), CIDR: fmt.Sprintf("172.31.%d.0/20", 16*i),
		})
	}
	return n
}

// Subnet returns the subnet with an id.
func (n Network) Subnet(id string) (Subnet, bool) {
	return n.find(func(s Subnet) bool { return s.ID == id })
}

// In returns the subnet in a zone.
func (n Network) In(zone string) (Subnet, bool) {
	return n.find(func(s Subnet) bool { return s.Zone == zone })
}

func (n Network) find(is func(Subnet) bool) (Subnet, bool) {
	i := slices.IndexFunc(n.Subnets, is)
	if i < 0 {
		return Subnet{}, false
	}
	return n.Subnets[i], true
}

// address returns the n-th address of a subnet. AWS keeps the first four and the last of the 4,096.
func (n Network) address(subnet string, number uint64) string {
	i := max(0, slices.IndexFunc(n.Subnets, func(s Subnet) bool { return s.ID == subnet }))
	host := 4 + number%4091
	return fmt.Sprintf("172.31.%d.%d", 16*uint64(i)+host/256, host%256)
}
