package beanstalk

import (
	"crypto/sha256"
	"fmt"

	"beansprout/localcloud/wire"
)

// Address is the elastic IP of an environment with a single instance.
type Address struct {
	InstanceId         string `json:"instanceId"`
	PublicIp           string `json:"publicIp"`
	AllocationId       string `json:"allocationId"`
	AssociationId      string `json:"associationId"`
	Domain             string `json:"domain"`
	PublicIpv4Pool     string `json:"publicIpv4Pool"`
	NetworkBorderGroup string `json:"networkBorderGroup"`
}

// Addresses returns the elastic IPs of a region.
func (s *Service) Addresses(region string) (all []Address, err error) {
	err = s.within(wire.Call{Region: region}, s.db.View, func(st *state) error {
		for e := range environments.all(st) {
			if e.hasAddress() {
				all = append(all, e.address())
			}
		}
		return nil
	})
	return all, err
}

func (e environment) hasAddress() bool {
	return e.live() && e.Setup.Options.single()
}

// address is made up: the range 198.18.0.0/15 belongs to no one.
func (e environment) address() Address {
	sum := sha256.Sum256([]byte(e.ID + "/address"))
	return Address{
		InstanceId: e.instance(), PublicIp: fmt.Sprintf("198.%d.%d.%d", 18+sum[0]%2, sum[1], sum[2]),
		AllocationId: "eipalloc-" + e.digest("allocation")[:17], AssociationId: "eipassoc-" + e.digest("association")[:17],
		Domain: "vpc", PublicIpv4Pool: "amazon", NetworkBorderGroup: e.Region,
	}
}

// flawOf returns what AWS will find wrong during the work, and "" if there is nothing.
func (st *state) flawOf(e environment, w work) string {
	if f := w.Wanted.Options.flaw(st.Roles); f != "" {
		return f
	}
	needs := (w.Verb == launch || w.Verb == restore) && w.Wanted.Options.single()
	if !needs || st.Quotas.Addresses >= st.Quotas.Environments {
		return ""
	}
	have := 0
	for other := range environments.all(st) {
		if other.hasAddress() && other.ID != e.ID {
			have++
		}
	}
	if have < st.Quotas.Addresses {
		return ""
	}
	return "Creating EIP failed Reason: The maximum number of addresses has been reached. (Service: AmazonEC2; Status Code: 400; Error Code: AddressLimitExceeded)"
}
