package elb

import (
	"slices"
	"strconv"
	"strings"

	"beansprout/localcloud/elb/traffic"
	"beansprout/localcloud/wire"
)

// rule is a rule of a listener. The default one has priority 0 and no conditions.
type rule struct {
	ARN        string
	Priority   int
	Conditions []condition
	Action     action
	Tags       []tag
}

type ruleOut struct {
	RuleArn, Priority string
	Conditions        []conditionOut
	Actions           []actionOut
	IsDefault         bool
}

type rulesOut struct {
	Rules      []ruleOut
	NextMarker string
}

func (r rule) show() ruleOut {
	out := ruleOut{RuleArn: r.ARN, Priority: strconv.Itoa(r.Priority), Actions: []actionOut{r.Action.show()}}
	if r.Priority == 0 {
		out.Priority, out.IsDefault = "default", true
	}
	for _, c := range r.Conditions {
		out.Conditions = append(out.Conditions, c.show())
	}
	return out
}

// ruleARN returns a new ARN for a rule of a listener.
func ruleARN(listenerARN string) string {
	return strings.Replace(listenerARN, ":listener/", ":listener-rule/", 1) + "/" + id()
}

// rule returns a rule and its listener.
func (st *state) rule(arn string) (l listener, r rule, err error) {
	if !strings.HasPrefix(arn, "arn:") {
		return l, r, wire.Errorf("ValidationError", "'%s' is not a valid listener rule ARN", arn)
	}
	of, _, _ := cutLast(strings.Replace(arn, ":listener-rule/", ":listener/", 1), "/")
	l, ok := listeners.get(st, of)
	if ok {
		for _, r := range l.all() {
			if r.ARN == arn {
				return l, r, nil
			}
		}
	}
	return l, r, wire.Errorf("RuleNotFound", "One or more rules not found")
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

type createRuleIn struct {
	listenerNamed
	Conditions []conditionIn `aws:"required"`
	Priority   int           `aws:"required,min=1,max=50000"`
	Actions    []actionIn    `aws:"required"`
	Tags       []tag         `aws:"min=1"`
}

const rulesPerBalancer = 100 // without the default ones

func createRule(st *state, in createRuleIn) (out rulesOut, err error) {
	l, err := listeners.must(st, in.ListenerArn)
	if err != nil {
		return out, err
	}
	b, err := balancers.must(st, l.Balancer)
	if err != nil {
		return out, err
	}
	if err := checkTags(in.Tags); err != nil {
		return out, err
	}
	made := rule{ARN: ruleARN(l.ARN), Priority: in.Priority, Tags: in.Tags}
	if made.Conditions, err = conditions(in.Conditions); err != nil {
		return out, err
	}
	if made.Action, err = st.action(b, in.Actions); err != nil {
		return out, err
	}
	if slices.ContainsFunc(l.Rules, func(r rule) bool { return r.Priority == in.Priority }) {
		return out, wire.Errorf("PriorityInUse", "Priority '%d' is currently in use", in.Priority)
	}
	count := 0
	for _, other := range st.listenersOf(b.ARN) {
		count += len(other.Rules)
	}
	if count >= rulesPerBalancer {
		return out, wire.Errorf("TooManyRules", "You have reached the maximum number of rules of a load balancer: %d", rulesPerBalancer)
	}
	l.Rules = append(l.Rules, made)
	slices.SortFunc(l.Rules, func(a, b rule) int { return a.Priority - b.Priority })
	listeners.put(st, l.ARN, l)
	return rulesOut{Rules: []ruleOut{made.show()}}, nil
}

type describeRulesIn struct {
	ListenerArn string
	RuleArns    []string
	paged
}

func describeRules(st *state, in describeRulesIn) (out rulesOut, err error) {
	all, err := st.chosenRules(in)
	if err != nil {
		return out, err
	}
	page, next, err := page(all, in.paged, func(r rule) string { return r.ARN })
	out.NextMarker, out.Rules = next, []ruleOut{}
	for _, r := range page {
		out.Rules = append(out.Rules, r.show())
	}
	return out, err
}

func (st *state) chosenRules(in describeRulesIn) (all []rule, err error) {
	switch {
	case in.ListenerArn == "" && in.RuleArns == nil:
		return nil, wire.Errorf("ValidationError", "You must specify either listener rule ARNs or a listener ARN")
	case in.ListenerArn != "" && in.RuleArns != nil:
		return nil, wire.Errorf("ValidationError", "Listener rule ARNs and a listener ARN cannot be specified at the same time")
	case in.ListenerArn != "":
		l, err := listeners.must(st, in.ListenerArn)
		return l.all(), err
	}
	for _, arn := range in.RuleArns {
		_, r, err := st.rule(arn)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

type deleteRuleIn struct {
	RuleArn string `aws:"required"`
}

func deleteRule(st *state, in deleteRuleIn) (*empty, error) {
	l, r, err := st.rule(in.RuleArn)
	if err != nil {
		return nil, err
	}
	if r.Priority == 0 {
		return nil, wire.Errorf("OperationNotPermitted", "Default rule '%s' cannot be deleted", in.RuleArn)
	}
	l.Rules = slices.DeleteFunc(l.Rules, func(other rule) bool { return other.ARN == r.ARN })
	listeners.put(st, l.ARN, l)
	return &empty{}, nil
}

// traffic returns what the rule is for the requests.
func (r rule) traffic() traffic.Rule {
	out := traffic.Rule{Answer: r.Action.Answer, Forward: r.Action.Forward}
	for _, c := range r.Conditions {
		switch c.Field {
		case hostHeader:
			out.Hosts = c.Values
		case pathPattern:
			out.Paths = c.Values
		}
	}
	return out
}
