package wire

import "strings"

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
