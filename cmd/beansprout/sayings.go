package main

import (
	"errors"
	"net"
	"strings"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
)

// sayings are what AWS says, in answers and events, of mistakes that its words alone don't mend.
var sayings = []struct{ text, hint string }{
	{"maximum number of addresses has been reached", "each single instance has an elastic IP, of which an account has five in a region unless AWS raises that: " +
		"take features down, or share a load balancer with environment.shared_load_balancer"},
	{"current vCPU limit", "the account's vCPUs are used up: take features down, choose a smaller environment.instance_type, or have AWS raise the limit"},
	{"The instance profile", "environment.instance_profile names it; AWS's console makes aws-elasticbeanstalk-ec2-role with the account's first environment"},
	{"The service role", "environment.service_role names it; AWS's console makes aws-elasticbeanstalk-service-role with the account's first environment"},
}

func sayingHint(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "is the region spelt right? --region, region: in beansprout.yaml, or AWS_REGION names it"
	}
	text := err.Error()
	if failure, ok := errors.AsType[*beanstalk.Failure](err); ok {
		text += failure.Story()
	}
	for _, s := range sayings {
		if strings.Contains(text, s.text) {
			return s.hint
		}
	}
	return ""
}

// quotas says what to do about a quota that is used up, by AWS's code.
var quotas = map[string]string{
	"TooManyEnvironmentsException":           "beansprout list shows what lives, and down takes one away; AWS raises the quota on request",
	"TooManyApplicationVersionsException":    "it is shared by all applications of the region: delete versions that nobody needs; AWS raises it on request",
	"TooManyApplicationsException":           "name an application that exists in beansprout.yaml; AWS raises the quota on request",
	"TooManyConfigurationTemplatesException": "saved configurations called beansprout-... are copies that no living environment needs: delete some; AWS raises the quota on request",
}

func quotaHint(err error) string {
	refusal, ok := errors.AsType[*beanstalk.Refusal](err)
	if !ok || !errors.Is(err, envs.ErrQuota) {
		return ""
	}
	return quotas[refusal.Code]
}
