package account

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

func (c *Client) iam(ctx context.Context, action string, form url.Values, out any) error {
	return c.query(ctx, "iam", "IAM", "2010-05-08", action, form, out)
}

// A Role is a role in IAM.
type Role struct {
	Name, ARN string
	trust     string // policy document, URL-encoded
}

type roleAnswer struct {
	RoleName                 string
	Arn                      string
	AssumeRolePolicyDocument string
}

func (r roleAnswer) role() Role { return Role{r.RoleName, r.Arn, r.AssumeRolePolicyDocument} }

// Role returns the role of that name. The error wraps ErrMissing if there is none.
func (c *Client) Role(ctx context.Context, name string) (Role, error) {
	var out struct {
		Role roleAnswer `xml:"GetRoleResult>Role"`
	}
	err := c.iam(ctx, "GetRole", url.Values{"RoleName": {name}}, &out)
	return out.Role.role(), err
}

// Trusts reports whether the role lets a service, such as ec2.amazonaws.com, act with it.
func (r Role) Trusts(service string) bool {
	text, err := url.QueryUnescape(r.trust)
	if err != nil {
		return false
	}
	var document struct{ Statement list[trustStatement] }
	if json.Unmarshal([]byte(text), &document) != nil {
		return false
	}
	return slices.ContainsFunc(document.Statement, func(s trustStatement) bool {
		return s.Effect == "Allow" && slices.Contains(s.Principal.Service, service) &&
			slices.ContainsFunc(s.Action, func(action string) bool {
				return action == "*" || strings.EqualFold(action, "sts:*") || strings.EqualFold(action, "sts:AssumeRole")
			})
	})
}

type trustStatement struct {
	Effect    string
	Principal principal
	Action    list[string]
}

// principal is whom a statement speaks of.
type principal struct{ Service list[string] }

// UnmarshalJSON reads what is an object or "*", which names no service.
func (p *principal) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return nil
	}
	type plain principal
	return json.Unmarshal(text, (*plain)(p))
}

// list is what a policy document writes as a list, or alone if it is one.
type list[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *list[T]) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]T)(l))
	}
	var one T
	err := json.Unmarshal(text, &one)
	*l = list[T]{one}
	return err
}

// A Profile is an instance profile in IAM.
type Profile struct {
	Name, ARN string
	Roles     []Role // at most one
}

// Profile returns the instance profile of that name. The error wraps ErrMissing if there is none.
func (c *Client) Profile(ctx context.Context, name string) (Profile, error) {
	var out struct {
		Name  string       `xml:"GetInstanceProfileResult>InstanceProfile>InstanceProfileName"`
		ARN   string       `xml:"GetInstanceProfileResult>InstanceProfile>Arn"`
		Roles []roleAnswer `xml:"GetInstanceProfileResult>InstanceProfile>Roles>member"`
	}
	err := c.iam(ctx, "GetInstanceProfile", url.Values{"InstanceProfileName": {name}}, &out)
	p := Profile{Name: out.Name, ARN: out.ARN}
	for _, r := range out.Roles {
		p.Roles = append(p.Roles, r.role())
	}
	return p, err
}

// page is where an answer of several goes on.
type page struct {
	IsTruncated bool
	Marker      string
}

// AttachedPolicies returns the ARNs of the managed policies of a role.
func (c *Client) AttachedPolicies(ctx context.Context, role string) (all []string, err error) {
	form := url.Values{"RoleName": {role}}
	for {
		var out struct {
			Result struct {
				Policies []string `xml:"AttachedPolicies>member>PolicyArn"`
				page
			} `xml:"ListAttachedRolePoliciesResult"`
		}
		if err := c.iam(ctx, "ListAttachedRolePolicies", form, &out); err != nil {
			return nil, err
		}
		all = append(all, out.Result.Policies...)
		if !out.Result.IsTruncated {
			return all, nil
		}
		form.Set("Marker", out.Result.Marker)
	}
}

// A Question is what a principal wants to do, for Denied.
type Question struct {
	Actions  []string
	Resource string            // ARN, or "*"
	Context  map[string]string // values of condition keys
}

// Denied returns which actions the policies of a user or a role do not allow, as the policy simulator
// says. The error wraps ErrDenied if the caller may not ask.
func (c *Client) Denied(ctx context.Context, principal string, q Question) (denied []string, err error) {
	form := url.Values{"PolicySourceArn": {principal}, "ResourceArns.member.1": {q.Resource}}
	for i, action := range q.Actions {
		form.Set(fmt.Sprintf("ActionNames.member.%d", i+1), action)
	}
	n := 0
	for key, value := range q.Context {
		n++
		entry := fmt.Sprintf("ContextEntries.member.%d.", n)
		form.Set(entry+"ContextKeyName", key)
		form.Set(entry+"ContextKeyType", "string")
		form.Set(entry+"ContextKeyValues.member.1", value)
	}
	allowed := map[string]bool{}
	for {
		var out struct {
			Result struct {
				Evaluations []struct{ EvalActionName, EvalDecision string } `xml:"EvaluationResults>member"`
				page
			} `xml:"SimulatePrincipalPolicyResult"`
		}
		if err := c.iam(ctx, "SimulatePrincipalPolicy", form, &out); err != nil {
			return nil, err
		}
		for _, r := range out.Result.Evaluations {
			allowed[strings.ToLower(r.EvalActionName)] = r.EvalDecision == "allowed"
		}
		if !out.Result.IsTruncated {
			break
		}
		form.Set("Marker", out.Result.Marker)
	}
	for _, action := range q.Actions {
		if !allowed[strings.ToLower(action)] {
			denied = append(denied, action)
		}
	}
	return denied, nil
}
