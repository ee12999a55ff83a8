package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"beansprout/envs/beanstalk"
	"beansprout/templates"
)

var (
	notAuthorized = regexp.MustCompile(`not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)`)
	denials       = regexp.MustCompile(`^(AccessDenied|InsufficientPrivileges|Unauthorized|NotAuthorized)`)
)

// denied returns the action that AWS won't let the caller do, "" when err is about another thing.
func denied(err error) string {
	if m := notAuthorized.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	if refusal, ok := errors.AsType[*beanstalk.Refusal](err); ok && denials.MatchString(refusal.Code) {
		return "elasticbeanstalk:" + refusal.Operation
	}
	return ""
}

// denialHint says which part of the policy grants what was denied.
func denialHint(err error) string {
	action := denied(err)
	if action == "" {
		return ""
	}
	if line, sid := policyLine(action); line > 0 {
		return fmt.Sprintf("the right %s is missing: line %d of templates/iam-policy.json (%s) grants it", action, line, sid)
	}
	return fmt.Sprintf("the right %s is missing: Beanstalk acts with the caller's rights unless environment.operations_role names a role for it, "+
		"so attach AWS's AdministratorAccess-AWSElasticBeanstalk or name one (docs/permissions.md)", action)
}

// policyLine finds the action in the policy that we print; 0 when it isn't there.
func policyLine(action string) (line int, sid string) {
	for i, text := range strings.Split(templates.IAMPolicy(), "\n") {
		if _, rest, ok := strings.Cut(text, `"Sid": "`); ok {
			sid, _, _ = strings.Cut(rest, `"`)
		}
		if strings.Contains(text, `"`+action+`"`) {
			return i + 1, sid
		}
	}
	return 0, ""
}
