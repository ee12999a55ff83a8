package elb

import (
	"slices"
	"strings"

	"beansprout/localcloud/elb/traffic"
	"beansprout/localcloud/wire"
)

// listener is a port of a load balancer, with its rules by priority. Its default rule comes after
// them.
type listener struct {
	ARN, Balancer string
	Port          int
	Rules         []rule
	Default       rule
	Tags          []tag
}

type listenerOut struct {
	ListenerArn, LoadBalancerArn string
	Port                         int
	Protocol                     string
	DefaultActions               []actionOut
}

type listenersOut struct {
	Listeners  []listenerOut
	NextMarker string
}

func (l listener) show() listenerOut {
	return listenerOut{l.ARN, l.Balancer, l.Port, "HTTP", []actionOut{l.Default.Action.show()}}
}

// names reports whether a rule of the listener names the group.
func (l listener) names(groupARN string) bool {
	return slices.ContainsFunc(l.all(), func(r rule) bool { return slices.Contains(r.Action.groups(), groupARN) })
}

// all returns the rules with the default one.
func (l listener) all() []rule { return append(slices.Clone(l.Rules), l.Default) }

// listenersOf returns the listeners of a load balancer by port.
func (st *state) listenersOf(balancerARN string) (all []listener) {
	for _, l := range listeners.all(st) {
		if l.Balancer == balancerARN {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b listener) int { return a.Port - b.Port })
	return all
}

type createListenerIn struct {
	balancerNamed
	Protocol       string     `aws:"enum=HTTP"`
	Port           *int       `aws:"min=1,max=65535"`
	DefaultActions []actionIn `aws:"required"`
	Tags           []tag      `aws:"min=1"`
}

const listenersPerBalancer = 50

// createListener makes a listener, or returns the one that is the same already.
func createListener(st *state, in createListenerIn) (out listenersOut, err error) {
	b, err := balancers.must(st, in.LoadBalancerArn)
	if err != nil {
		return out, err
	}
	switch {
	case in.Protocol == "":
		return out, wire.Errorf("ValidationError", "A listener protocol must be specified")
	case in.Port == nil:
		return out, wire.Errorf("ValidationError", "A listener port must be specified")
	}
	if err := checkTags(in.Tags); err != nil {
		return out, err
	}
	act, err := st.action(b, in.DefaultActions)
	if err != nil {
		return out, err
	}
	others := st.listenersOf(b.ARN)
	if i := slices.IndexFunc(others, func(l listener) bool { return l.Port == *in.Port }); i >= 0 {
		if l := others[i]; l.Default.Action.same(act) && slices.Equal(l.Tags, in.Tags) {
			return listenersOut{Listeners: []listenerOut{l.show()}}, nil
		}
		return out, wire.Errorf("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", b.ARN)
	}
	if len(others) >= listenersPerBalancer {
		return out, wire.Errorf("TooManyListeners", "You have reached the maximum number of listeners of a load balancer: %d", listenersPerBalancer)
	}
	arn := strings.Replace(b.ARN, ":loadbalancer/", ":listener/", 1) + "/" + id()
	l := listener{ARN: arn, Balancer: b.ARN, Port: *in.Port, Default: rule{ARN: ruleARN(arn), Action: act}, Tags: in.Tags}
	listeners.put(st, l.ARN, l)
	return listenersOut{Listeners: []listenerOut{l.show()}}, nil
}

type describeListenersIn struct {
	LoadBalancerArn string
	ListenerArns    []string
	paged
}

func describeListeners(st *state, in describeListenersIn) (out listenersOut, err error) {
	all, err := st.chosenListeners(in)
	if err != nil {
		return out, err
	}
	page, next, err := page(all, in.paged, func(l listener) string { return l.ARN })
	out.NextMarker, out.Listeners = next, []listenerOut{}
	for _, l := range page {
		out.Listeners = append(out.Listeners, l.show())
	}
	return out, err
}

func (st *state) chosenListeners(in describeListenersIn) (all []listener, err error) {
	switch {
	case in.LoadBalancerArn == "" && in.ListenerArns == nil:
		return nil, wire.Errorf("ValidationError", "You must specify either listener ARNs or a load balancer ARN")
	case in.LoadBalancerArn != "" && in.ListenerArns != nil:
		return nil, wire.Errorf("ValidationError", "Listener ARNs and a load balancer ARN cannot be specified at the same time")
	case in.LoadBalancerArn != "":
		_, err := balancers.must(st, in.LoadBalancerArn)
		return st.listenersOf(in.LoadBalancerArn), err
	}
	for _, arn := range in.ListenerArns {
		l, err := listeners.must(st, arn)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

type listenerNamed struct {
	ListenerArn string `aws:"required"`
}

// deleteListener deletes the rules as well.
func deleteListener(st *state, in listenerNamed) (*empty, error) {
	l, err := listeners.must(st, in.ListenerArn)
	if err != nil {
		return nil, err
	}
	listeners.delete(st, l.ARN)
	return &empty{}, nil
}

// traffic returns what the listener is for the requests.
func (l listener) traffic() traffic.Listener {
	out := traffic.Listener{Port: l.Port}
	for _, r := range l.all() {
		out.Rules = append(out.Rules, r.traffic())
	}
	return out
}
