package doctor

import (
	"context"
	"fmt"
	"strconv"

	"beansprout/envs/beanstalk"
)

// quotaChecks are about what the account limits, and a deploy uses up.
func (e *examination) quotaChecks() []check {
	signedIn, placed := []string{credentialsCheck}, []string{nameCheck}
	all := []check{
		{name: environmentsCheck, needs: signedIn, after: placed, run: e.checkEnvironments},
		{name: versionsCheck, needs: signedIn, run: e.checkVersions},
	}
	if e.cfg.Environment.CopyFrom != "" {
		all = append(all, check{name: templatesCheck, needs: signedIn, after: placed, run: e.checkTemplates})
	}
	return append(all, check{name: addressesCheck, needs: signedIn, after: []string{nameCheck, platformCheck, savedCheck, copyCheck}, run: e.checkAddresses})
}

// launches reports whether a deploy would launch an environment.
func (e *examination) launches() bool { return e.place.Environment.ID == "" }

func (e *examination) checkEnvironments(ctx context.Context) Finding {
	q, err := e.quotas(ctx)
	if err != nil {
		return unknown(err)
	}
	return e.judgeQuota(q.Environments, e.launches(), "elasticbeanstalk", "L-8EFC1C51", "beansprout list shows the environments, and beansprout down FEATURE removes one")
}

func (e *examination) checkVersions(ctx context.Context) Finding {
	q, err := e.quotas(ctx)
	if err != nil {
		return unknown(err)
	}
	return e.judgeQuota(q.Versions, true, "elasticbeanstalk", "L-D64F1F14", "all applications of the region share it: delete versions that nothing uses")
}

func (e *examination) checkTemplates(ctx context.Context) Finding {
	q, err := e.quotas(ctx)
	if err != nil {
		return unknown(err)
	}
	return e.judgeQuota(q.SavedConfigurations, e.launches(), "elasticbeanstalk", "L-9838E43F", "those called beansprout-... are copies that no living environment needs: delete some")
}

func (e *examination) checkAddresses(ctx context.Context) Finding {
	if !e.basis.SingleInstance() && e.basis.Platform != "" {
		return ok("not needed: a load balancer has the address")
	}
	used, limit, err := e.account.Addresses(ctx)
	if err != nil {
		return unknown(err)
	}
	return e.judgeQuota(beanstalk.Usage{Used: used, Limit: limit}, e.launches(), "ec2", "L-0263D0A3",
		"each single instance has one: beansprout down FEATURE frees one, or share a load balancer with environment.shared_load_balancer")
}

// scarce is the part of a quota of which is warned when no more is left.
const scarce = 20

// judgeQuota is the finding about a quota, of which a deploy needs one more or not. hint says what else
// there is than to have AWS raise it.
func (e *examination) judgeQuota(u beanstalk.Usage, needed bool, service, code, hint string) Finding {
	text := fmt.Sprintf("%d of %d are left", u.Left(), u.Limit)
	if u.Left() > u.Limit/scarce {
		return ok("%s", text)
	}
	raise := command("aws", "service-quotas", "request-service-quota-increase", "--service-code", service, "--quota-code", code,
		"--desired-value", strconv.Itoa(2*max(u.Limit, u.Used)), "--region", e.manager.Region())
	if u.Left() == 0 && needed {
		return fail(text+"; "+hint, raise)
	}
	return warn(text+"; "+hint, raise)
}
