package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"beansprout/cmd/internal/account"
	"beansprout/cmd/internal/policy"
)

// A purpose is what a role must allow: one of AWS's policies does, or the actions themselves are allowed.
type purpose struct {
	what     string
	policies []string // paths of AWS's managed policies; the first is the one to attach
	actions  []string
	resource string
}

// all is which of AWS's policies allow everything that Beanstalk needs.
var all = []string{"AdministratorAccess", "PowerUserAccess", "AdministratorAccess-AWSElasticBeanstalk"}

// instancePurposes are what the instances do (developer guide, "Managing Elastic Beanstalk instance
// profiles"; ECR user guide, "Amazon ECR managed policies").
func (e *examination) instancePurposes() []purpose {
	purposes := []purpose{{
		"read bundles", []string{"AWSElasticBeanstalkWebTier", "AWSElasticBeanstalkWorkerTier"},
		[]string{"s3:GetObject"}, e.arn("s3", e.bucketName()+"/beansprout/bundles/doctor.zip"),
	}}
	if !e.Project.HasImages() {
		return purposes
	}
	purposes = append(purposes, purpose{
		"pull images", []string{"AmazonEC2ContainerRegistryReadOnly", "AmazonEC2ContainerRegistryPullOnly", "AmazonEC2ContainerRegistryPowerUser", "AmazonEC2ContainerRegistryFullAccess"},
		[]string{pullImage, "ecr:GetDownloadUrlForLayer"}, e.repository(),
	})
	if !e.cfg.Dockerrun.IsCompose() {
		purposes = append(purposes, purpose{
			"run ECS's agent", []string{"AWSElasticBeanstalkMulticontainerDocker", "service-role/AmazonEC2ContainerServiceforEC2Role"},
			[]string{"ecs:Poll", "ecs:RegisterContainerInstance", "ecs:StartTask", "ecs:SubmitTaskStateChange"}, "*",
		})
	}
	return purposes
}

const pullImage = "ecr:BatchGetImage"

// repository returns the ARN of the repository, as the instances' policy names it.
func (e *examination) repository() string {
	all, _ := statements(policy.Document(policy.Instance, policy.Of(e.cfg, e.manager.Region(), e.caller.Account)))
	for _, s := range all {
		if slices.Contains(s.Action, pullImage) {
			return e.concrete(s.Resource[0])
		}
	}
	return "*"
}

// servicePurposes are what Beanstalk does (developer guide, "Managing Elastic Beanstalk service roles").
var servicePurposes = []purpose{
	{
		"watch the health", []string{"service-role/AWSElasticBeanstalkEnhancedHealth", "service-role/AWSElasticBeanstalkService"},
		[]string{"autoscaling:DescribeAutoScalingGroups", "ec2:DescribeInstanceStatus", "elasticloadbalancing:DescribeTargetHealth"}, "*",
	},
	{
		"update the platform", []string{"AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy", "service-role/AWSElasticBeanstalkService"},
		[]string{"elasticbeanstalk:UpdateEnvironment"}, "*",
	},
}

// checkProfile asks whether the instance profile exists, and lets the instances do what they must.
func (e *examination) checkProfile(ctx context.Context) Finding {
	name := lastName(e.basisOr(e.cfg.Environment.InstanceProfile, e.basis.InstanceProfile()))
	if name == "" {
		return fail("the configuration names none, and Beanstalk launches no instance without", "set environment.instance_profile in beansprout.yaml to aws-elasticbeanstalk-ec2-role, or to your own")
	}
	service, purposes := "ec2."+e.account.Suffix(), e.instancePurposes()
	profile, err := e.account.Profile(ctx, name)
	switch {
	case errors.Is(err, account.ErrMissing):
		fix, err := e.makeRole(ctx, name, service, purposes)
		if err != nil {
			return unknown(err)
		}
		return fail(name+" does not exist", append(fix,
			command("aws", "iam", "create-instance-profile", "--instance-profile-name", name),
			command("aws", "iam", "add-role-to-instance-profile", "--instance-profile-name", name, "--role-name", name))...)
	case err != nil:
		return unknown(err)
	case len(profile.Roles) == 0:
		fix, err := e.makeRole(ctx, name, service, purposes)
		if err != nil {
			return unknown(err)
		}
		return fail(name+" has no role", append(fix, command("aws", "iam", "add-role-to-instance-profile", "--instance-profile-name", name, "--role-name", name))...)
	}
	return e.judgeRole(ctx, profile.Roles[0], service, purposes)
}

// checkRole asks whether the service role exists, and lets Beanstalk do what it must.
func (e *examination) checkRole(ctx context.Context) Finding {
	name := lastName(e.basisOr(e.cfg.Environment.ServiceRole, e.basis.ServiceRole()))
	if name == "" {
		return ok("the configuration names none")
	}
	service := "elasticbeanstalk.amazonaws.com" // in every partition
	role, err := e.account.Role(ctx, name)
	switch {
	case errors.Is(err, account.ErrMissing):
		return fail(name+" does not exist", e.create(name, service, servicePurposes)...)
	case err != nil:
		return unknown(err)
	}
	return e.judgeRole(ctx, role, service, servicePurposes)
}

// basisOr returns the role that the file names, or else the one of the configuration that a launch starts
// from.
func (e *examination) basisOr(named, based string) string {
	if named != "" {
		return named
	}
	return based
}

// makeRole returns the commands that make a role unless it exists.
func (e *examination) makeRole(ctx context.Context, name, service string, purposes []purpose) ([]string, error) {
	_, err := e.account.Role(ctx, name)
	if errors.Is(err, account.ErrMissing) {
		return e.create(name, service, purposes), nil
	}
	return nil, err
}

func trust(service string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`
}

// create returns the commands that make a role.
func (e *examination) create(name, service string, purposes []purpose) []string {
	fix := []string{command("aws", "iam", "create-role", "--role-name", name, "--assume-role-policy-document", trust(service))}
	for _, p := range purposes {
		fix = append(fix, e.attach(name, p))
	}
	return fix
}

func (e *examination) attach(role string, p purpose) string {
	return command("aws", "iam", "attach-role-policy", "--role-name", role, "--policy-arn", e.managed(p.policies[0]))
}

// managed returns the ARN of a managed policy of AWS.
func (e *examination) managed(policy string) string {
	return "arn:" + e.account.Partition() + ":iam::aws:policy/" + policy
}

// judgeRole asks whether the service may act with the role, and whether the role allows what it is for.
func (e *examination) judgeRole(ctx context.Context, role account.Role, service string, purposes []purpose) Finding {
	if !role.Trusts(service) {
		return fail(fmt.Sprintf("%s does not trust %s", role.Name, service),
			command("aws", "iam", "update-assume-role-policy", "--role-name", role.Name, "--policy-document", trust(service)))
	}
	attached, err := e.account.AttachedPolicies(ctx, role.Name)
	if err != nil && !errors.Is(err, account.ErrDenied) {
		return unknown(err)
	}
	var missing, fix []string
	for _, p := range purposes {
		allowed, err := e.allows(ctx, role, attached, p)
		if err != nil {
			return unknown(err)
		}
		if !allowed {
			missing, fix = append(missing, p.what), append(fix, e.attach(role.Name, p))
		}
	}
	if len(missing) > 0 {
		return fail(role.Name+" does not allow to "+strings.Join(missing, ", nor to "), fix...)
	}
	return ok("%s", role.Name)
}

// allows reports whether a role with these managed policies allows what it is for.
func (e *examination) allows(ctx context.Context, role account.Role, attached []string, p purpose) (bool, error) {
	for _, policy := range slices.Concat(p.policies, all) {
		if slices.Contains(attached, e.managed(policy)) {
			return true, nil
		}
	}
	denied, err := e.account.Denied(ctx, role.ARN, account.Question{Actions: p.actions, Resource: p.resource})
	return len(denied) == 0, err
}
