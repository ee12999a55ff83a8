package wire

import (
	"crypto/rand"
	"fmt"
	"strings"
)

// partitions lists the partitions by the prefixes of their regions' names.
var partitions = []struct{ prefix, name string }{
	{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"eusc-", "aws-eusc"},
	{"us-iso-", "aws-iso"}, {"us-isob-", "aws-iso-b"}, {"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"},
}

// ARN returns the ARN of a service's resource in a region.
func ARN(service, region, account, resource string) string {
	return strings.Join([]string{"arn", partition(region), service, region, account, resource}, ":")
}

// GlobalARN returns the ARN of a service's resource without a region, in the partition of the given
// region.
func GlobalARN(service, region, account, resource string) string {
	return strings.Join([]string{"arn", partition(region), service, "", account, resource}, ":")
}

func partition(region string) string {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			return p.name
		}
	}
	return "aws"
}

// UUID returns a random UUID, the form of AWS's request ids and of the ids in some ARNs.
func UUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // does not fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
