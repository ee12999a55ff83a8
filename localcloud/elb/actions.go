package elb

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"beansprout/localcloud/elb/traffic"
	"beansprout/localcloud/wire"
)

// action is what a rule does: it forwards, or it answers.
type action struct {
	Order   int
	Forward []traffic.Share
	Sticky  *stickiness
	Answer  *traffic.Answer
}

const (
	forward       = "forward"
	fixedResponse = "fixed-response"
)

type actionIn struct {
	Type                string `aws:"required,enum=forward|fixed-response"`
	Order               *int   `aws:"min=1,max=50000"`
	TargetGroupArn      string
	ForwardConfig       *forwardIn
	FixedResponseConfig *fixedIn
}

type forwardIn struct {
	TargetGroups                []tuple
	TargetGroupStickinessConfig *stickiness
}

type tuple struct {
	TargetGroupArn string
	Weight         *int `aws:"min=0,max=999"`
}

type stickiness struct {
	Enabled         bool
	DurationSeconds *int `aws:"min=1,max=604800"`
}

type fixedIn struct {
	MessageBody string `aws:"max=1024"`
	StatusCode  string `aws:"required,pattern=(2|4|5)\\d\\d"`
	ContentType string `aws:"max=32"`
}

type actionOut struct {
	Type                string
	TargetGroupArn      string
	Order               int
	ForwardConfig       *forwardOut
	FixedResponseConfig *fixedOut
}

type forwardOut struct {
	TargetGroups                []tupleOut
	TargetGroupStickinessConfig stickiness
}

type tupleOut struct {
	TargetGroupArn string
	Weight         int
}

type fixedOut struct{ MessageBody, StatusCode, ContentType string }

// show returns one group in both of its places, as AWS does.
func (a action) show() actionOut {
	if a.Answer != nil {
		return actionOut{Type: fixedResponse, Order: a.Order, FixedResponseConfig: &fixedOut{a.Answer.Body, strconv.Itoa(a.Answer.Status), a.Answer.Type}}
	}
	out := actionOut{Type: forward, Order: a.Order, ForwardConfig: &forwardOut{}}
	for _, s := range a.Forward {
		out.ForwardConfig.TargetGroups = append(out.ForwardConfig.TargetGroups, tupleOut{s.Group, s.Weight})
	}
	if len(a.Forward) == 1 {
		out.TargetGroupArn = a.Forward[0].Group
	}
	if a.Sticky != nil {
		out.ForwardConfig.TargetGroupStickinessConfig = *a.Sticky
	}
	return out
}

// groups returns the ARNs of the groups that the action forwards to.
func (a action) groups() (arns []string) {
	for _, s := range a.Forward {
		arns = append(arns, s.Group)
	}
	return arns
}

func (a action) same(b action) bool {
	if (a.Answer == nil) != (b.Answer == nil) || a.Answer != nil && *a.Answer != *b.Answer {
		return false
	}
	return a.Order == b.Order && slices.Equal(a.Forward, b.Forward)
}

// action returns the one action of a rule of a load balancer.
func (st *state) action(b balancer, given []actionIn) (a action, err error) {
	switch len(given) {
	case 0:
		return a, wire.Errorf("ValidationError", "An action must be specified")
	case 1:
	default:
		return a, wire.Errorf("TooManyActions", "You've reached the limit on the number of actions per rule")
	}
	in := given[0]
	a.Order = or(in.Order, 1)
	if in.Type == fixedResponse {
		a.Answer, err = in.answer()
		return a, err
	}
	if in.FixedResponseConfig != nil {
		return a, wire.Errorf("InvalidLoadBalancerAction", "A 'forward' action cannot have a fixed response")
	}
	if a.Forward, err = in.shares(); err != nil {
		return a, err
	}
	if in.ForwardConfig != nil {
		a.Sticky = in.ForwardConfig.TargetGroupStickinessConfig
	}
	if a.Sticky != nil && a.Sticky.Enabled {
		return a, wire.Errorf("InvalidLoadBalancerAction", "The local cloud does not honour the stickiness of target groups")
	}
	return a, st.checkGroups(b, a.groups())
}

func (in actionIn) answer() (*traffic.Answer, error) {
	fixed := in.FixedResponseConfig
	types := []string{"text/html", "application/json", "application/javascript", "text/css", "text/plain"}
	switch {
	case in.TargetGroupArn != "" || in.ForwardConfig != nil:
		return nil, wire.Errorf("InvalidLoadBalancerAction", "A 'fixed-response' action cannot have a target group")
	case fixed == nil:
		return nil, wire.Errorf("InvalidLoadBalancerAction", "A fixed response must be specified")
	case fixed.ContentType != "" && !slices.Contains(types, fixed.ContentType):
		return nil, wire.Errorf("InvalidLoadBalancerAction", "The ContentType must be one of:'%s'", strings.Join(types, "', '"))
	}
	status, _ := strconv.Atoi(fixed.StatusCode) // its pattern has three digits
	return &traffic.Answer{Status: status, Type: cmp.Or(fixed.ContentType, "text/plain"), Body: fixed.MessageBody}, nil
}

const groupsPerAction = 5

// shares returns the groups of a forward, which are in one of two places, or one group in both.
func (in actionIn) shares() (shares []traffic.Share, err error) {
	if in.ForwardConfig == nil {
		if in.TargetGroupArn == "" {
			return nil, wire.Errorf("ValidationError", "A target group ARN must be specified")
		}
		return []traffic.Share{{Group: in.TargetGroupArn, Weight: 1}}, nil
	}
	for _, t := range in.ForwardConfig.TargetGroups {
		if slices.ContainsFunc(shares, func(s traffic.Share) bool { return s.Group == t.TargetGroupArn }) {
			return nil, wire.Errorf("ValidationError", "Target group '%s' was provided multiple times", t.TargetGroupArn)
		}
		shares = append(shares, traffic.Share{Group: t.TargetGroupArn, Weight: or(t.Weight, 1)})
	}
	switch {
	case len(shares) == 0:
		return nil, wire.Errorf("ValidationError", "A target group ARN must be specified")
	case len(shares) > groupsPerAction:
		return nil, wire.Errorf("TooManyTargetGroups", "A forward action can only have '%d' target groups", groupsPerAction)
	case in.TargetGroupArn != "" && (len(shares) > 1 || shares[0].Group != in.TargetGroupArn):
		return nil, wire.Errorf("ValidationError", "The target group ARN and the forward configuration must name the same target group")
	}
	return shares, nil
}

const groupsPerBalancer = 100

// checkGroups refuses groups that do not exist or belong to another load balancer.
func (st *state) checkGroups(b balancer, arns []string) error {
	all := slices.Clone(arns)
	for _, arn := range arns {
		if _, ok := groups.get(st, arn); !ok {
			return wire.Errorf("TargetGroupNotFound", "Target group '%s' not found", arn)
		}
		if used := st.balancersOf(arn); len(used) > 0 && used[0] != b.ARN {
			return wire.Errorf("TargetGroupAssociationLimit", "The following target groups cannot be associated with more than one load balancer: %s", arn)
		}
	}
	for _, l := range st.listenersOf(b.ARN) {
		for _, r := range l.all() {
			all = append(all, r.Action.groups()...)
		}
	}
	slices.Sort(all)
	if len(slices.Compact(all)) > groupsPerBalancer {
		return wire.Errorf("TooManyUniqueTargetGroupsPerLoadBalancer", "You have reached the maximum number of target groups of a load balancer: %d", groupsPerBalancer)
	}
	return nil
}
