package wire

import "testing"

func TestAnARNBeginsWithThePartitionOfItsRegion(t *testing.T) {
	for region, want := range map[string]string{
		"us-east-1": "aws", "eu-west-1": "aws", "ap-northeast-2": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov",
		"us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e", "us-isof-south-1": "aws-iso-f", "eusc-de-east-1": "aws-eusc",
	} {
		if got, want := ARN("ecr", region, "123456789012", "repository/a"), "arn:"+want+":ecr:"+region+":123456789012:repository/a"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, want := GlobalARN("iam", region, "123456789012", "role/a"), "arn:"+want+":iam::123456789012:role/a"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
