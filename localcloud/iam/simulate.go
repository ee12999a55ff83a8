package iam

import (
	"fmt"
	"slices"
	"strings"

	"beansprout/localcloud/wire"
)

// userName is the name of the only user.
const userName = "local"

// UserARN returns the ARN of the only user in the partition of a region.
func UserARN(region, account string) string {
	return wire.GlobalARN("iam", region, account, "user/"+userName)
}

// Lacks reports whether the configuration denies the user an action.
func (s *Service) Lacks(action string) bool {
	return slices.ContainsFunc(s.Denied, func(pattern string) bool { return like(strings.ToLower(pattern), strings.ToLower(action)) })
}

type simulateIn struct {
	PolicySourceArn string   `aws:"required,min=20,max=2048"`
	ActionNames     []string `aws:"required,each,min=3,max=128"`
	ResourceArns    []string `aws:"each,min=1,max=2048"`
	ContextEntries  []contextEntry
	paged
}

type contextEntry struct {
	ContextKeyName   string `aws:"min=5,max=256"`
	ContextKeyValues []string
	ContextKeyType   string `aws:"enum=string|stringList|numeric|numericList|boolean|booleanList|ip|ipList|binary|binaryList|date|dateList"`
}

type matchedStatement struct{ SourcePolicyId, SourcePolicyType string }

type evaluation struct {
	EvalActionName, EvalResourceName, EvalDecision string
	MatchedStatements                              []matchedStatement
	MissingContextValues                           []string
}

type simulateOut struct {
	EvaluationResults []evaluation
	pageOut
}

func simulatePrincipalPolicy(st *state, in simulateIn) (out simulateOut, err error) {
	policies, err := st.policiesOf(in.PolicySourceArn)
	if err != nil {
		return out, err
	}
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	context := map[string][]string{"aws:principalaccount": {st.Account}, "aws:principalarn": {in.PolicySourceArn}}
	for _, c := range in.ContextEntries {
		if len(c.ContextKeyValues) > 1 && c.ContextKeyType != "" && !strings.HasSuffix(c.ContextKeyType, "List") {
			return out, wire.Errorf("InvalidInput", "Context entry %s of type %s has several values.", c.ContextKeyName, c.ContextKeyType)
		}
		context[strings.ToLower(c.ContextKeyName)] = c.ContextKeyValues
	}
	all, keys := []evaluation{}, []string{}
	for _, action := range in.ActionNames {
		if !actionForm.MatchString(action) || strings.ContainsAny(action, "*?") {
			return out, wire.Errorf("InvalidInput", "Invalid Entity Action: %s", action)
		}
		for _, resource := range resources {
			all = append(all, evaluate(policies, request{action, resource, context}))
			keys = append(keys, fmt.Sprint(len(all)))
		}
	}
	return st.pageOfResults(all, keys, in.paged)
}

// pageOfResults numbers the results: their marker is the number of the last one.
func (st *state) pageOfResults(all []evaluation, keys []string, in paged) (out simulateOut, err error) {
	part, next, err := page(keys, in, func(key string) string { return key })
	if err != nil || len(part) == 0 {
		return simulateOut{[]evaluation{}, next}, err
	}
	first := slices.Index(keys, part[0])
	return simulateOut{all[first : first+len(part)], next}, nil
}

func evaluate(policies []source, r request) evaluation {
	d := decide(policies, r)
	e := evaluation{
		EvalActionName: r.action, EvalResourceName: r.resource, EvalDecision: d.decision,
		MatchedStatements: []matchedStatement{}, MissingContextValues: append([]string{}, d.lacking...),
	}
	for _, m := range d.matched {
		e.MatchedStatements = append(e.MatchedStatements, matchedStatement{m.id, m.kind})
	}
	return e
}

// policiesOf returns the policies of the user or of a role.
func (st *state) policiesOf(arn string) ([]source, error) {
	prefix := wire.GlobalARN("iam", st.Region, st.Account, "")
	kind, name, _ := strings.Cut(strings.TrimPrefix(arn, prefix), "/")
	name = name[strings.LastIndexByte(name, '/')+1:]
	switch {
	case !strings.HasPrefix(arn, prefix) || kind != "user" && kind != "role" && kind != "group":
		return nil, wire.Errorf("InvalidInput", "Invalid Entity Arn: %s", arn)
	case kind == "user" && name == userName:
		return st.policiesOfUser(), nil
	case kind != "role":
		return nil, missing("The %s with name %s cannot be found.", kind, name)
	}
	r, err := st.role(name)
	if err != nil {
		return nil, err
	}
	var all []source
	for _, suffix := range r.Attached {
		if m, ok := managedPolicy(suffix); ok {
			all = append(all, source{m.PolicyName, "aws-managed", read(st.document(m))})
		}
	}
	for _, p := range r.Inline {
		all = append(all, source{"role_" + r.Name + "_" + p.Name, "role", read(p.Document)})
	}
	return all, nil
}

// policiesOfUser returns the right to do everything, without what the configuration denies.
func (st *state) policiesOfUser() []source {
	s := statement{Effect: "Allow", Action: list{"*"}, Resource: list{"*"}}
	if len(st.Denied) > 0 {
		s.Action, s.NotAction = nil, st.Denied
	}
	return []source{{"AdministratorAccess", "aws-managed", document{Statement: statements{s}}}}
}

// read parses a policy that was checked when it was stored.
func read(text string) document {
	d, err := parse(text)
	if err != nil {
		return document{}
	}
	return d
}
