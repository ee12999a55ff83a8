package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"beansprout/cmd/internal/account"
	"beansprout/cmd/internal/policy"
	"beansprout/envs"
)

// A statement of a policy allows actions on resources where conditions hold.
type statement struct {
	Action, Resource list
	Condition        map[string]map[string]list
}

// list is what a policy writes as a list, or as a string if it is one.
type list []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *list) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(l))
}

// statements reads a policy, and leaves out the actions with a wildcard.
func statements(document []byte) ([]statement, error) {
	var read struct{ Statement []statement }
	err := json.Unmarshal(document, &read)
	for i, s := range read.Statement {
		read.Statement[i].Action = slices.DeleteFunc(s.Action, func(action string) bool { return strings.Contains(action, "*") })
	}
	return read.Statement, err
}

// checkRights has the policy simulator say which rights of the policy the caller lacks.
func (e *examination) checkRights(ctx context.Context) Finding {
	if strings.HasSuffix(e.caller.ARN, ":root") {
		return ok("the root user may do everything")
	}
	principal, err := e.principal(ctx)
	if err != nil {
		return unknown(err)
	}
	holder := policy.Deployer
	if e.cfg.File == "" {
		holder = policy.Janitor
	}
	return e.judgeRights(ctx, principal, holder, func() []string { return e.grant(principal, holder) })
}

// checkOperations has the policy simulator say which rights Beanstalk lacks, which works with those of
// environment.operations_role, or else the caller's. Rights with a wildcard can't be asked for.
func (e *examination) checkOperations(ctx context.Context) Finding {
	principal := e.cfg.Environment.OperationsRole
	if principal == "" {
		if strings.HasSuffix(e.caller.ARN, ":root") {
			return ok("the root user may do everything")
		}
		var err error
		if principal, err = e.principal(ctx); err != nil {
			return unknown(err)
		}
	}
	return e.judgeRights(ctx, principal, policy.Operations, func() []string {
		return []string{e.attachTo(principal, e.managed("AdministratorAccess-AWSElasticBeanstalk"))}
	})
}

// judgeRights is the finding about the rights that a principal has of a holder's policy.
func (e *examination) judgeRights(ctx context.Context, principal string, holder policy.Holder, fix func() []string) Finding {
	all, err := statements(policy.Document(holder, policy.Of(e.cfg, e.manager.Region(), e.caller.Account)))
	if err != nil {
		return broken(ctx, err)
	}
	missing, count, err := e.lacking(ctx, principal, all)
	switch {
	case err != nil:
		return unknown(err)
	case len(missing) == 0:
		return ok("%s has all %d", lastName(principal), count)
	}
	return fail(fmt.Sprintf("%s lacks %d of %d: %s", lastName(principal), len(missing), count, strings.Join(missing, ", ")), fix()...)
}

const passRole = "iam:PassRole"

// lacking returns which actions of the statements the principal may not do, and how many there are.
func (e *examination) lacking(ctx context.Context, principal string, all []statement) (missing []string, count int, err error) {
	for _, s := range all {
		count += len(s.Action)
		if slices.Contains(s.Action, passRole) {
			refused, err := e.cannotPass(ctx, principal)
			if err != nil {
				return nil, count, err
			}
			missing = append(missing, refused...)
			continue
		}
		left := []string(s.Action)
		for _, resource := range e.resources(s) { // an action is for one of them
			if len(left) == 0 {
				break
			}
			q := account.Question{Actions: left, Resource: resource, Context: s.context(e.account.Suffix())}
			if left, err = e.account.Denied(ctx, principal, q); err != nil {
				return nil, count, err
			}
		}
		missing = append(missing, left...)
	}
	return missing, count, nil
}

// resources returns the ARNs of what a statement is about. Where that is everything, AWS's own policies name
// what Beanstalk makes.
func (e *examination) resources(s statement) (all []string) {
	for _, pattern := range s.Resource {
		all = append(all, e.concrete(pattern))
	}
	if slices.Contains(all, "*") {
		all = append(all, e.arn("ecs", "cluster/awseb-doctor"), e.arn("autoscaling", "autoScalingGroup:doctor:autoScalingGroupName/awseb-e-doctor"))
	}
	return all
}

// cannotPass returns which roles the principal may not pass to the services that use them.
func (e *examination) cannotPass(ctx context.Context, principal string) (refused []string, err error) {
	for _, p := range []struct{ role, service string }{
		{e.cfg.Environment.InstanceProfile, "ec2"}, {e.cfg.Environment.ServiceRole, "elasticbeanstalk"}, {e.cfg.Environment.OperationsRole, "elasticbeanstalk"},
	} {
		if p.role == "" {
			continue
		}
		role := e.arn("iam", "role/"+lastName(p.role))
		if strings.Contains(p.role, ":role/") {
			role = p.role
		}
		denied, err := e.account.Denied(ctx, principal, account.Question{
			Actions: []string{passRole}, Resource: role, Context: map[string]string{"iam:PassedToService": p.service + "." + e.account.Suffix()},
		})
		if err != nil {
			return nil, err
		}
		if len(denied) > 0 {
			refused = append(refused, passRole+" of "+lastName(p.role))
		}
	}
	return refused, nil
}

// lastName returns the name at the end of an ARN, or a name as it is.
func lastName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// arn returns the ARN of a resource of the account; IAM's have no region, and S3's no account either.
func (e *examination) arn(service, resource string) string {
	a := arn.ARN{Partition: e.account.Partition(), Service: service, Region: e.manager.Region(), AccountID: e.caller.Account, Resource: resource}
	switch service {
	case "s3":
		a.Region, a.AccountID = "", ""
	case "iam":
		a.Region = ""
	}
	return a.String()
}

// concrete returns the ARN of something that a deploy of the application uses and that a resource of the
// policy stands for.
func (e *examination) concrete(pattern string) string {
	a, err := arn.Parse(pattern)
	if err != nil {
		return pattern // "*"
	}
	name := envs.Name(e.caller.Account, e.cfg.Application, "doctor")
	fill := func(part *string, with string) { // ${*} is a star in a name
		*part = strings.NewReplacer("${*}", "*", "${?}", "?", "${$}", "$", "*", with).Replace(*part)
	}
	fill(&a.Partition, e.account.Partition())
	fill(&a.Region, e.manager.Region())
	fill(&a.AccountID, e.caller.Account)
	if a.Service == "elasticbeanstalk" { // KIND/APPLICATION/NAME
		kind, rest, _ := strings.Cut(a.Resource, "/")
		application, rest, both := strings.Cut(rest, "/")
		fill(&application, e.cfg.Application)
		fill(&rest, name)
		if a.Resource = kind + "/" + application; both {
			a.Resource += "/" + rest
		}
		return a.String()
	}
	fill(&a.Resource, name)
	return a.String()
}

func (e *examination) bucketName() string {
	if e.cfg.Store.Bucket != "" {
		return e.cfg.Store.Bucket
	}
	return "elasticbeanstalk-" + e.manager.Region() + "-" + e.caller.Account
}

// context returns values of condition keys with which the statement applies.
func (s statement) context(suffix string) map[string]string {
	values := map[string]string{}
	for operator, keys := range s.Condition {
		for key, allowed := range keys {
			switch {
			case operator == "Null" && slices.Equal(allowed, list{"false"}):
				values[key] = "doctor"
			case (strings.HasPrefix(operator, "String") || operator == "ArnLike") && !strings.Contains(operator, "Not") && len(allowed) > 0:
				values[key] = strings.ReplaceAll(allowed[0], "*", suffix)
			}
		}
	}
	return values
}

// grant returns the commands that give a principal the rights of a holder's policy.
func (e *examination) grant(principal string, holder policy.Holder) []string {
	name := "beansprout-" + string(holder)
	return []string{
		"beansprout iam-policy " + string(holder) + " > " + name + ".json",
		command("aws", "iam", "create-policy", "--policy-name", name, "--policy-document", "file://"+name+".json"),
		e.attachTo(principal, e.arn("iam", "policy/"+name)),
	}
}

// attachTo returns the command that gives a user or a role a policy.
func (e *examination) attachTo(principal, policy string) string {
	kind := "role"
	if strings.Contains(principal, ":user/") {
		kind = "user"
	}
	return command("aws", "iam", "attach-"+kind+"-policy", "--"+kind+"-name", lastName(principal), "--policy-arn", policy)
}
