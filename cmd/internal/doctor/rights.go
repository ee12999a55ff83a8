package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"beansprout/cmd/internal/account"
	"beansprout/envs"
	"beansprout/templates"
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

func statements(document string) (all []statement, err error) {
	var policy struct{ Statement []statement }
	err = json.Unmarshal([]byte(document), &policy)
	return policy.Statement, err
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
	all, err := statements(templates.IAMPolicy())
	if err != nil {
		return broken(ctx, err)
	}
	missing, count, err := e.lacking(ctx, principal, all)
	switch {
	case err != nil:
		return unknown(err)
	case len(missing) == 0:
		return ok("all %d of the policy", count)
	}
	return fail(fmt.Sprintf("%d of %d are missing: %s", len(missing), count, strings.Join(missing, ", ")), e.grant(principal)...)
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
		for _, resource := range s.Resource { // an action is for one of them
			if len(left) == 0 {
				break
			}
			q := account.Question{Actions: left, Resource: e.concrete(resource), Context: s.context(e.account.Suffix())}
			if left, err = e.account.Denied(ctx, principal, q); err != nil {
				return nil, count, err
			}
		}
		missing = append(missing, left...)
	}
	return missing, count, nil
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
	kind, rest, _ := strings.Cut(a.Resource, "/")
	switch a.Service {
	case "s3":
		resource := e.bucketName()
		if rest != "" {
			resource += "/" + strings.ReplaceAll(rest, "*", "bundles/"+name)
		}
		return e.arn("s3", resource)
	case "ecr":
		return e.arn("ecr", "repository/"+e.Project.ManagerConfig().Repository.Name)
	}
	parts := strings.Split(rest, "/")
	for i, part := range parts {
		with := name
		if i == 0 {
			with = e.cfg.Application
		}
		parts[i] = strings.ReplaceAll(part, "*", with)
	}
	return e.arn(a.Service, kind+"/"+strings.Join(parts, "/"))
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
			case strings.HasPrefix(operator, "String") && !strings.Contains(operator, "Not") && len(allowed) > 0:
				values[key] = strings.ReplaceAll(allowed[0], "*", suffix)
			}
		}
	}
	return values
}

// grant returns the commands that give the principal the rights of the policy.
func (e *examination) grant(principal string) []string {
	const policy = "beansprout-deployer"
	kind := "role"
	if strings.Contains(principal, ":user/") {
		kind = "user"
	}
	return []string{
		"beansprout iam-policy deployer > " + policy + ".json",
		command("aws", "iam", "create-policy", "--policy-name", policy, "--policy-document", "file://"+policy+".json"),
		command("aws", "iam", "attach-"+kind+"-policy", "--"+kind+"-name", lastName(principal), "--policy-arn", e.arn("iam", "policy/"+policy)),
	}
}
