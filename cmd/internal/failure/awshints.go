package failure

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/pattern"
	"beansprout/templates"
)

// knownTexts are parts of AWS's error and event messages, each with a hint that the message lacks.
var knownTexts = []struct{ text, hint string }{
	{"maximum number of addresses has been reached", "each single instance has an elastic IP, of which an account has five in a region unless AWS raises that: " +
		"take features down, or share a load balancer with environment.shared_load_balancer"},
	{"current vCPU limit", "the account's vCPUs are used up: take features down, choose a smaller environment.instance_type, or have AWS raise the limit"},
	{"the disk of the local cloud's directory", "make room there, or name another directory with --dir or BEANSPROUT_LOCAL_DIR; what is removed makes room, too"},
	{"perform sts:AssumeRoleWithWebIdentity", "AWS_ROLE_ARN names the role; its trust policy has to allow sts:AssumeRoleWithWebIdentity to the CI's OIDC provider, " +
		"for the audience of the token and for this repository and branch"},
	{"InvalidIdentityToken", "IAM takes the CI's token only if the CI is one of its OIDC providers, with the audience of the token"},
	{"failed to retrieve jwt", "AWS_WEB_IDENTITY_TOKEN_FILE names the file with the CI's token"},
	{"The instance profile", "environment.instance_profile names it; AWS's console makes aws-elasticbeanstalk-ec2-role with the account's first environment"},
	{"The service role", "environment.service_role names it; AWS's console makes aws-elasticbeanstalk-service-role with the account's first environment"},
}

// knownHint returns the hint for an error whose text is among the known ones, or "".
func knownHint(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound && strings.Contains(dns.Name, "amazonaws.") {
		return "is the region spelt right? --region, region: in beansprout.yaml, or AWS_REGION names it"
	}
	text := err.Error()
	if failure, ok := errors.AsType[*beanstalk.Failure](err); ok {
		text += failure.Details()
	}
	for _, s := range knownTexts {
		if strings.Contains(text, s.text) {
			return s.hint
		}
	}
	return ""
}

// quotas are the hints for quotas that are used up, by AWS's error code.
var quotas = map[string]string{
	"TooManyEnvironmentsException":           "beansprout list shows the environments, and down removes one; AWS raises the quota on request",
	"TooManyApplicationVersionsException":    "it is shared by all applications of the region: delete unused versions; AWS raises it on request",
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

var (
	notAuthorized = pattern.New(`not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)`)
	denials       = pattern.New(`^(AccessDenied|InsufficientPrivileges|Unauthorized|NotAuthorized)`)
)

// denied returns the action that the caller may not do, or "" if err has another cause.
func denied(err error) string {
	if m := notAuthorized.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	if refusal, ok := errors.AsType[*beanstalk.Refusal](err); ok && denials.MatchString(refusal.Code) {
		return "elasticbeanstalk:" + refusal.Operation
	}
	return ""
}

// denialHint returns which part of the policy grants the denied action.
func denialHint(err error) string {
	action := denied(err)
	if action == "" {
		return ""
	}
	if sid := grantedBy(action); sid != "" {
		return fmt.Sprintf("the right %s is missing: add it to the caller's IAM policy, in the statement %s if it was made from Beansprout's", action, sid)
	}
	return fmt.Sprintf("the right %s is missing: Beanstalk acts with the caller's rights unless environment.operations_role names a role for it, "+
		"so attach AWS's AdministratorAccess-AWSElasticBeanstalk or name one", action)
}

// grantedBy returns the id of the statement in our policy that grants the action, or "".
func grantedBy(action string) (sid string) {
	for line := range strings.Lines(templates.IAMPolicy()) {
		if _, rest, ok := strings.Cut(line, `"Sid": "`); ok {
			sid, _, _ = strings.Cut(rest, `"`)
		}
		if strings.Contains(line, `"`+action+`"`) {
			return sid
		}
	}
	return ""
}
