package elb

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"beansprout/localcloud/wire"
)

// The attributes of target groups that can be changed.
const (
	delay            = "deregistration_delay.timeout_seconds"
	algorithm        = "load_balancing.algorithm.type"
	leastOutstanding = "least_outstanding_requests"
)

// defaults are AWS's defaults of all attributes of a target group.
var defaults = map[string]string{
	delay:     "300",
	algorithm: "round_robin",
	"load_balancing.algorithm.anomaly_mitigation":                                    "off",
	"load_balancing.cross_zone.enabled":                                              "use_load_balancer_configuration",
	"slow_start.duration_seconds":                                                    "0",
	"stickiness.app_cookie.cookie_name":                                              "",
	"stickiness.app_cookie.duration_seconds":                                         "86400",
	"stickiness.enabled":                                                             "false",
	"stickiness.lb_cookie.duration_seconds":                                          "86400",
	"stickiness.type":                                                                "lb_cookie",
	"target_group_health.dns_failover.minimum_healthy_targets.count":                 "1",
	"target_group_health.dns_failover.minimum_healthy_targets.percentage":            "off",
	"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count":      "1",
	"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
}

func (g group) attribute(name string) string {
	if value, ok := g.Attributes[name]; ok {
		return value
	}
	return defaults[name]
}

// delay returns the deregistration delay.
func (g group) delay() time.Duration {
	n, _ := strconv.Atoi(g.attribute(delay)) // checked when it was set
	return seconds(n)
}

type attribute struct {
	Key   string `aws:"max=256,pattern=[a-zA-Z0-9._]+"`
	Value string
}

type attributeOut struct {
	Key   string
	Value *string
}

type attributesOut struct{ Attributes []attributeOut }

func (g group) showAttributes() (out attributesOut) {
	for _, name := range slices.Sorted(maps.Keys(defaults)) {
		value := g.attribute(name)
		out.Attributes = append(out.Attributes, attributeOut{name, &value})
	}
	return out
}

func describeTargetGroupAttributes(st *state, in groupNamed) (attributesOut, error) {
	g, err := groups.must(st, in.TargetGroupArn)
	return g.showAttributes(), err
}

type modifyAttributesIn struct {
	groupNamed
	Attributes []attribute `aws:"required,min=1"`
}

func modifyTargetGroupAttributes(st *state, in modifyAttributesIn) (out attributesOut, err error) {
	g, err := groups.must(st, in.TargetGroupArn)
	if err != nil {
		return out, err
	}
	given := map[string]string{}
	for _, a := range in.Attributes {
		if _, twice := given[a.Key]; twice {
			return out, wire.Errorf("ValidationError", "Target group attribute key '%s' was provided multiple times", a.Key)
		}
		if err := a.check(); err != nil {
			return out, err
		}
		given[a.Key] = a.Value
	}
	if g.Attributes == nil {
		g.Attributes = map[string]string{}
	}
	maps.Copy(g.Attributes, given)
	groups.put(st, g.ARN, g)
	return g.showAttributes(), nil
}

// check refuses values that AWS refuses, and those that have no effect here.
func (a attribute) check() error {
	usual, known := defaults[a.Key]
	switch {
	case !known:
		return wire.Errorf("ValidationError", "Target group attribute key '%s' is not recognized", a.Key)
	case a.Key == delay:
		if n, err := strconv.Atoi(a.Value); err != nil || n < 0 || n > 3600 {
			return wire.Errorf("ValidationError", "'%s' value '%s' must be between '0-3600' inclusive", delay, a.Value)
		}
	case a.Value != usual && (a.Key != algorithm || a.Value != leastOutstanding):
		return wire.Errorf("ValidationError", "'%s' value '%s' must be one that the local cloud honours: '%s'", a.Key, a.Value, usual)
	}
	return nil
}
