package elb

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"beansprout/test/must"
)

func list(name string, values ...string) (given []string) {
	for i, v := range values {
		given = append(given, fmt.Sprintf("%s.member.%d=%s", name, i+1, v))
	}
	return given
}

func TestLoadBalancers(t *testing.T) {
	c := start(t, t.TempDir(), Config{Taken: func(host string) bool { return host == "taken" }})
	a, b := network.Subnets[0].ID, network.Subnets[1].ID
	with := func(name string, subnets ...string) []string {
		return append(list("Subnets", subnets...), "Name="+name)
	}
	c.drive(t, []step{
		{"CreateLoadBalancer", with("Shop", a, b), "<DNSName>shop.localhost:2327</DNSName>"},
		{"CreateLoadBalancer", with("Shop", a, b), "<State><Code>active</Code></State>"}, // the same again
		{"CreateLoadBalancer", with("shop", a, b), "DuplicateLoadBalancerName: A load balancer with the same name 'shop' exists, but with different settings"},
		{"CreateLoadBalancer", append(with("Shop", a, b), "Scheme=internal"), "DuplicateLoadBalancerName"},
		{"CreateLoadBalancer", append(with("inside", a, b), "Scheme=internal", "SecurityGroups.member.1=sg-1", "Tags.member.1.Key=k", "Tags.member.1.Value=v"), "<Code>provisioning</Code>"},
		{"CreateLoadBalancer", with("taken", a, b), "<DNSName>taken.eu-west-1.localhost:2327</DNSName>"},
		{"CreateLoadBalancer", with("x", a), "ValidationError: At least two subnets in two different Availability Zones must be specified"},
		{"CreateLoadBalancer", []string{"Name=x"}, "ValidationError: At least two subnets"},
		{"CreateLoadBalancer", with("x", a, a), "InvalidConfigurationRequest: A load balancer cannot be attached to multiple subnets in the same Availability Zone"},
		{"CreateLoadBalancer", with("x", a, "subnet-0"), "SubnetNotFound: The subnet ID 'subnet-0' does not exist"},
		{"CreateLoadBalancer", append(with("x", a, b), "Type=network"), "ValidationError"},
		{"CreateLoadBalancer", append(with("x", a, b), "Tags.member.1.Key=k", "Tags.member.2.Key=k"), "DuplicateTagKeys: Tag key was specified more than once: k"},
		{"CreateLoadBalancer", append(with("x", a, b), "Tags.member.1.Key=aws:k"), "ValidationError"},
		{"CreateLoadBalancer", with("internal-x", a, b), "ValidationError: The load balancer name 'internal-x' cannot begin with 'internal-'"},
		{"CreateLoadBalancer", with("-x", a, b), "ValidationError: Load balancer name '-x' cannot begin or end with '-'"},
		{"CreateLoadBalancer", with("x_y", a, b), "can only contain characters that are alphanumeric characters or hyphens(-)"},
		{"CreateLoadBalancer", with(strings.Repeat("x", 33), a, b), "cannot be longer than '32' characters"},
		{"DescribeLoadBalancers", []string{"Names.member.1=Shop"}, "<Code>active</Code>"},
		{"DescribeLoadBalancers", []string{"Names.member.1=inside"}, "<Scheme>internal</Scheme>"},
		{"DescribeLoadBalancers", []string{"Names.member.1=Shop", "Names.member.2=none"}, "LoadBalancerNotFound: One or more load balancers not found"},
		{"DescribeLoadBalancers", []string{"PageSize=2", "Marker=x"}, "ValidationError"},
		{"DeleteLoadBalancer", []string{"LoadBalancerArn=arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/none/1"}, "<RequestId>"},
	})
	first := c.call(t, "DescribeLoadBalancers", "PageSize=2")
	rest := c.call(t, "DescribeLoadBalancers", "PageSize=2", "Marker="+one(t, first, "NextMarker"))
	same(t, "load balancers in two pages", strings.Count(first+rest, "<LoadBalancerName>"), 3)
	same(t, "a marker at the end", strings.Contains(rest, "NextMarker"), false)
	arn := one(t, c.call(t, "DescribeLoadBalancers", "Names.member.1=inside"), "LoadBalancerArn")
	same(t, "tags", strings.Contains(c.call(t, "DescribeTags", "ResourceArns.member.1="+arn), "<Tags><member><Key>k</Key><Value>v</Value></member></Tags>"), true)
	must.Succeed(t, c.change(c.callFor(arn), func(st *state) error {
		for n := range balancersPerRegion - 3 {
			balancers.put(st, fmt.Sprint(arn, n), balancer{ARN: fmt.Sprint(arn, n), Name: fmt.Sprint("more", n)})
		}
		return nil
	}))
	same(t, "one too many", code(c.call(t, "CreateLoadBalancer", with("last", a, b)...)), "TooManyLoadBalancers")
}

func TestTargetGroups(t *testing.T) {
	c := start(t, t.TempDir(), Config{})
	with := func(name string, more ...string) []string {
		return append([]string{"Name=" + name, "Protocol=HTTP", "Port=80", "VpcId=" + network.VPC}, more...)
	}
	without := func(parameter string) []string {
		return slices.DeleteFunc(with("x"), func(p string) bool { return strings.HasPrefix(p, parameter) })
	}
	c.drive(t, []step{
		{"CreateTargetGroup", with("web"), "<HealthCheckPort>traffic-port</HealthCheckPort><HealthCheckEnabled>true</HealthCheckEnabled><HealthCheckIntervalSeconds>30</HealthCheckIntervalSeconds>" +
			"<HealthCheckTimeoutSeconds>5</HealthCheckTimeoutSeconds><HealthyThresholdCount>5</HealthyThresholdCount><UnhealthyThresholdCount>2</UnhealthyThresholdCount>" +
			"<HealthCheckPath>/</HealthCheckPath><Matcher><HttpCode>200</HttpCode></Matcher><LoadBalancerArns></LoadBalancerArns><TargetType>instance</TargetType>"},
		{"CreateTargetGroup", with("web"), "<TargetGroupName>web</TargetGroupName>"},
		{"CreateTargetGroup", with("web", "HealthCheckPath=/up"), "DuplicateTargetGroupName: A target group with the same name 'web' exists, but with different settings"},
		{"CreateTargetGroup", with("full", "ProtocolVersion=HTTP1", "HealthCheckProtocol=HTTP", "HealthCheckPort=8080", "HealthCheckEnabled=true", "HealthCheckPath=/up?x=1", "HealthCheckIntervalSeconds=5",
			"HealthCheckTimeoutSeconds=2", "HealthyThresholdCount=2", "UnhealthyThresholdCount=3", "Matcher.HttpCode=200-299,404", "TargetType=instance", "IpAddressType=ipv4"), "<HttpCode>200-299,404</HttpCode>"},
		{"CreateTargetGroup", without("Protocol"), "ValidationError: A protocol must be specified"},
		{"CreateTargetGroup", without("Port"), "ValidationError: A port must be specified"},
		{"CreateTargetGroup", without("VpcId"), "ValidationError: A VPC ID must be specified"},
		{"CreateTargetGroup", append(without("VpcId"), "VpcId=vpc-0"), "ValidationError: The VPC ID 'vpc-0' is not found"},
		{"CreateTargetGroup", with("x", "HealthCheckPort=http"), "ValidationError"},
		{"CreateTargetGroup", with("x", "HealthCheckPort=0"), "ValidationError"},
		{"CreateTargetGroup", with("x", "HealthCheckPath=up"), "ValidationError"},
		{"CreateTargetGroup", with("x", "HealthCheckEnabled=false"), "ValidationError"},
		{"CreateTargetGroup", with("x", "HealthCheckIntervalSeconds=5"), "ValidationError: Health check timeout '5' must be smaller than the interval '5'"},
		{"CreateTargetGroup", with("x", "Matcher.HttpCode=500"), "ValidationError"},
		{"CreateTargetGroup", with("x", "TargetType=ip"), "ValidationError"},
		{"CreateTargetGroup", with("x-"), "ValidationError: Target group name 'x-' cannot begin or end with '-'"},
		{"DescribeTargetGroups", []string{"Names.member.1=full"}, "<UnhealthyThresholdCount>3</UnhealthyThresholdCount>"},
		{"DescribeTargetGroups", []string{"Names.member.1=none"}, "TargetGroupNotFound: One or more target groups not found"},
		{"DescribeTargetGroups", []string{"LoadBalancerArn=arn:aws:x"}, "LoadBalancerNotFound"},
		{"DescribeTargetGroups", []string{"PageSize=1"}, "<NextMarker>"},
	})
}

func TestAttributes(t *testing.T) {
	c := start(t, t.TempDir(), Config{})
	arn := "TargetGroupArn=" + c.group(t, "web")
	set := func(key, value string) []string {
		return []string{arn, "Attributes.member.1.Key=" + key, "Attributes.member.1.Value=" + value}
	}
	c.drive(t, []step{
		{"DescribeTargetGroupAttributes", []string{arn}, "<Key>deregistration_delay.timeout_seconds</Key><Value>300</Value>"},
		{"DescribeTargetGroupAttributes", []string{arn}, "<Key>stickiness.app_cookie.cookie_name</Key><Value></Value>"},
		{"ModifyTargetGroupAttributes", set(delay, "15"), "<Key>deregistration_delay.timeout_seconds</Key><Value>15</Value>"},
		{"ModifyTargetGroupAttributes", set(algorithm, leastOutstanding), "<Value>least_outstanding_requests</Value>"},
		{"ModifyTargetGroupAttributes", set("stickiness.enabled", "false"), "<Value>15</Value>"},
		{"ModifyTargetGroupAttributes", set("stickiness.enabled", "true"), "ValidationError"},
		{"ModifyTargetGroupAttributes", set("slow_start.duration_seconds", "30"), "ValidationError"},
		{"ModifyTargetGroupAttributes", set(algorithm, "weighted_random"), "ValidationError"},
		{"ModifyTargetGroupAttributes", set(delay, "3601"), "ValidationError: 'deregistration_delay.timeout_seconds' value '3601' must be between '0-3600' inclusive"},
		{"ModifyTargetGroupAttributes", set(delay, "soon"), "ValidationError"},
		{"ModifyTargetGroupAttributes", set("nonsense", "1"), "ValidationError: Target group attribute key 'nonsense' is not recognized"},
		{"ModifyTargetGroupAttributes", append(set(delay, "1"), "Attributes.member.2.Key="+delay, "Attributes.member.2.Value=2"), "ValidationError"},
		{"ModifyTargetGroupAttributes", []string{arn}, "ValidationError"},
		{"DescribeTargetGroupAttributes", []string{arn}, "<Key>deregistration_delay.timeout_seconds</Key><Value>15</Value>"},
		{"DescribeTargetGroupAttributes", []string{"TargetGroupArn=web"}, "ValidationError: 'web' is not a valid target group ARN"},
		{"DescribeTargetGroupAttributes", []string{arn + "0"}, "TargetGroupNotFound"},
	})
}

func TestListeners(t *testing.T) {
	c := start(t, t.TempDir(), Config{})
	shop, other := c.balancer(t, "shop"), c.balancer(t, "other")
	web, api := c.group(t, "web"), c.group(t, "api")
	l := c.listener(t, shop, 80, web)
	on := func(port, action string, more ...string) []string {
		return append([]string{"LoadBalancerArn=" + shop, "Protocol=HTTP", "Port=" + port, "DefaultActions.member.1.Type=" + action}, more...)
	}
	const act = "DefaultActions.member.1."
	c.drive(t, []step{
		{"CreateListener", on("80", "forward", act+"TargetGroupArn="+web), "<ListenerArn>" + l + "</ListenerArn>"}, // the same again
		{"CreateListener", on("80", "forward", act+"TargetGroupArn="+api), "DuplicateListener: A listener already exists on this port for this load balancer '" + shop + "'"},
		{"CreateListener", on("81", "forward"), "ValidationError: A target group ARN must be specified"},
		{"CreateListener", on("81", "forward", act+"TargetGroupArn="+web+"0"), "TargetGroupNotFound: Target group '" + web + "0' not found"},
		{"CreateListener", on("81", "redirect"), "ValidationError"},
		{"CreateListener", on("81", "fixed-response"), "InvalidLoadBalancerAction"},
		{"CreateListener", on("81", "fixed-response", act+"FixedResponseConfig.StatusCode=302"), "ValidationError"},
		{"CreateListener", on("81", "fixed-response", act+"FixedResponseConfig.StatusCode=200", act+"FixedResponseConfig.ContentType=a/b"), "InvalidLoadBalancerAction: The ContentType must be one of"},
		{"CreateListener", on("81", "forward", act+"TargetGroupArn="+web, "DefaultActions.member.2.Type=forward", "DefaultActions.member.2.TargetGroupArn="+api), "TooManyActions"},
		{"CreateListener", on("81", "forward", act+"ForwardConfig.TargetGroups.member.1.TargetGroupArn="+web, act+"ForwardConfig.TargetGroupStickinessConfig.Enabled=true"), "InvalidLoadBalancerAction"},
		{"CreateListener", on("81", "forward", act+"TargetGroupArn="+web, act+"ForwardConfig.TargetGroups.member.1.TargetGroupArn="+api), "ValidationError"},
		{"CreateListener", on("81", "forward", act+"ForwardConfig.TargetGroups.member.1.TargetGroupArn="+web, act+"ForwardConfig.TargetGroups.member.2.TargetGroupArn="+web), "ValidationError"},
		{"CreateListener", on("81", "forward", act+"ForwardConfig.TargetGroups.member.1.TargetGroupArn="+web, act+"ForwardConfig.TargetGroups.member.1.Weight=1000"), "ValidationError"},
		{"CreateListener", on("81", "fixed-response", act+"FixedResponseConfig.StatusCode=404", act+"FixedResponseConfig.MessageBody=none"), "<ContentType>text/plain</ContentType>"},
		{"CreateListener", []string{"LoadBalancerArn=" + other, "Protocol=HTTP", "Port=80", act + "Type=forward", act + "TargetGroupArn=" + web},
			"TargetGroupAssociationLimit: The following target groups cannot be associated with more than one load balancer: " + web},
		{"CreateListener", []string{"LoadBalancerArn=" + other, "Port=80", act + "Type=forward", act + "TargetGroupArn=" + web}, "ValidationError: A listener protocol must be specified"},
		{"CreateListener", []string{"LoadBalancerArn=" + other, "Protocol=HTTP", act + "Type=forward", act + "TargetGroupArn=" + web}, "ValidationError: A listener port must be specified"},
	})
}

func TestRules(t *testing.T) {
	c := start(t, t.TempDir(), Config{})
	shop, other := c.balancer(t, "shop"), c.balancer(t, "other")
	web, api := c.group(t, "web"), c.group(t, "api")
	l := c.listener(t, shop, 80, web)
	c.drive(t, []step{
		{"CreateRule", rule1(l, 10, "/api/*", api), "<Priority>10</Priority><Conditions><member><Field>path-pattern</Field><Values><member>/api/*</member></Values>" +
			"<PathPatternConfig><Values><member>/api/*</member></Values></PathPatternConfig></member></Conditions><Actions><member><Type>forward</Type><TargetGroupArn>" + api +
			"</TargetGroupArn><Order>1</Order><ForwardConfig><TargetGroups><member><TargetGroupArn>" + api + "</TargetGroupArn><Weight>1</Weight></member></TargetGroups>" +
			"<TargetGroupStickinessConfig><Enabled>false</Enabled></TargetGroupStickinessConfig></ForwardConfig></member></Actions><IsDefault>false</IsDefault>"},
		{"CreateRule", rule1(l, 10, "/x", api), "PriorityInUse: Priority '10' is currently in use"},
		{"CreateRule", rule1(l, 5, "/first", api), "<Priority>5</Priority>"},
		{"CreateRule", rule1(l, 0, "/x", api), "ValidationError"},
		{"CreateRule", rule1(l, 50001, "/x", api), "ValidationError"},
		{"CreateRule", rule1(l+"0", 11, "/x", api), "ListenerNotFound: One or more listeners not found"},
		{"DescribeRules", []string{"ListenerArn=" + l, "PageSize=1"}, "<Priority>5</Priority>"},
		{"DescribeRules", nil, "ValidationError: You must specify either listener rule ARNs or a listener ARN"},
		{"DescribeRules", []string{"ListenerArn=" + l, "RuleArns.member.1=x"}, "ValidationError: Listener rule ARNs and a listener ARN cannot be specified at the same time"},
		{"DescribeRules", []string{"RuleArns.member.1=arn:aws:x"}, "RuleNotFound: One or more rules not found"},
		{"DescribeListeners", nil, "ValidationError: You must specify either listener ARNs or a load balancer ARN"},
		{"DescribeListeners", []string{"LoadBalancerArn=" + shop, "ListenerArns.member.1=" + l}, "ValidationError"},
		{"DescribeListeners", []string{"ListenerArns.member.1=" + l}, "<Port>80</Port><Protocol>HTTP</Protocol>"},
		{"DescribeTargetGroups", []string{"LoadBalancerArn=" + shop, "Names.member.1=api"}, "<LoadBalancerArns><member>" + shop + "</member></LoadBalancerArns>"},
		{"DescribeTargetGroups", []string{"LoadBalancerArn=" + other}, "<TargetGroups></TargetGroups>"},
		{"DeleteTargetGroup", []string{"TargetGroupArn=" + api}, "ResourceInUse: Target group '" + api + "' is currently in use by a listener or a rule"},
	})
	rules := c.call(t, "DescribeRules", "ListenerArn="+l)
	if first, tenth, last := strings.Index(rules, ">5<"), strings.Index(rules, ">10<"), strings.Index(rules, ">default<"); first < 0 || first > tenth || tenth > last {
		t.Errorf("the rules are not in order: %s", rules)
	}
	last := rules[strings.LastIndex(rules, "<RuleArn>"):]
	same(t, "the default rule stays", code(c.call(t, "DeleteRule", "RuleArn="+one(t, last, "RuleArn"))), "OperationNotPermitted")
	c.drive(t, []step{
		{"DeleteRule", []string{"RuleArn=" + c.rule(t, l, 12, "/x", web)}, "<RequestId>"},
		{"DeleteRule", []string{"RuleArn=" + one(t, rules, "RuleArn")}, "<RequestId>"},
		{"DeleteRule", []string{"RuleArn=" + one(t, rules, "RuleArn")}, "RuleNotFound"},
		{"DeleteTargetGroup", []string{"TargetGroupArn=" + api}, "ResourceInUse"}, // by the rule that is left
		{"DeleteListener", []string{"ListenerArn=" + l}, "<RequestId>"},
		{"DeleteListener", []string{"ListenerArn=" + l}, "ListenerNotFound"},
		{"DeleteTargetGroup", []string{"TargetGroupArn=" + api}, "<RequestId>"},
		{"DeleteTargetGroup", []string{"TargetGroupArn=" + api}, "<RequestId>"}, // again
		{"DeleteLoadBalancer", []string{"LoadBalancerArn=" + shop}, "<RequestId>"},
		{"DescribeListeners", []string{"LoadBalancerArn=" + shop}, "LoadBalancerNotFound"},
	})
}

func TestConditions(t *testing.T) {
	c := start(t, t.TempDir(), Config{})
	web := c.group(t, "web")
	l := c.listener(t, c.balancer(t, "shop"), 80, web)
	priority := 0
	for _, tt := range []struct {
		given []string
		want  string
	}{
		{[]string{"1.Field=host-header", "1.HostHeaderConfig.Values.member.1=*.example.com", "1.HostHeaderConfig.Values.member.2=a?.example.com"}, "<HostHeaderConfig><Values><member>*.example.com</member><member>a?.example.com</member>"},
		{[]string{"1.Field=host-header", "1.Values.member.1=a", "2.Field=path-pattern", "2.Values.member.1=/x"}, "<Field>path-pattern</Field>"},
		{[]string{"1.Field=host-header", "1.Values.member.1=a", "2.Field=host-header", "2.Values.member.1=b"}, "ValidationError: A rule can only have one 'host-header' condition"},
		{[]string{"1.Values.member.1=/x"}, "ValidationError: A condition field must be specified"},
		{[]string{"1.Field=http-header", "1.Values.member.1=x"}, "ValidationError: Condition field 'http-header' must be one of '[path-pattern,host-header]'"},
		{[]string{"1.Field=path-pattern"}, "ValidationError: A condition value must be specified"},
		{[]string{"1.Field=path-pattern", "1.Values.member.1="}, "ValidationError: A condition value must be specified"},
		{[]string{"1.Field=path-pattern", "1.Values.member.1=/a", "1.Values.member.2=/b"}, "ValidationError: The 'path-pattern' field contains too many values; the limit is '1'"},
		{[]string{"1.Field=path-pattern", "1.Values.member.1=/a", "1.PathPatternConfig.Values.member.1=/a"}, "ValidationError: You cannot specify both"},
		{[]string{"1.Field=path-pattern", "1.HostHeaderConfig.Values.member.1=/a"}, "ValidationError: The condition field 'path-pattern' has the configuration of another field"},
		{append([]string{"1.Field=path-pattern"}, list("1.PathPatternConfig.Values", "/a", "/b", "/c", "/d")...), "the limit is '3'"},
		{append(append([]string{"1.Field=path-pattern", "2.Field=host-header"}, list("1.PathPatternConfig.Values", "/a", "/b", "/c")...), list("2.HostHeaderConfig.Values", "a", "b", "c")...), "'5' condition values"},
		{[]string{"1.Field=path-pattern", "1.Values.member.1=/*/*/*/*/?/?"}, "'5' condition wildcards"},
		{[]string{"1.Field=path-pattern", "1.Values.member.1=/" + strings.Repeat("x", 128)}, "is too long; the limit is '128'"},
		{[]string{"1.Field=path-pattern", "1.Values.member.1=/a b"}, "contains a character that is not valid"},
		{[]string{"1.Field=host-header", "1.Values.member.1=a/b"}, "contains a character that is not valid"},
	} {
		priority++
		given := []string{"ListenerArn=" + l, fmt.Sprint("Priority=", priority), "Actions.member.1.Type=forward", "Actions.member.1.TargetGroupArn=" + web}
		for _, g := range tt.given {
			given = append(given, "Conditions.member."+g)
		}
		if got := c.call(t, "CreateRule", given...); !strings.Contains(got, tt.want) {
			t.Errorf("%q: %s\nwant %s", tt.given, got, tt.want)
		}
	}
}

func TestTheLimitsOfALoadBalancer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, t.TempDir(), Config{})
		web := c.group(t, "web")
		shop := c.balancer(t, "shop")
		l := c.listener(t, shop, 80, web)
		must.Succeed(t, c.change(c.callFor(l), func(st *state) error {
			full, _ := listeners.get(st, l)
			for n := range rulesPerBalancer {
				full.Rules = append(full.Rules, rule{ARN: ruleARN(l), Priority: n + 1, Action: full.Default.Action})
			}
			listeners.put(st, l, full)
			for n := range listenersPerBalancer - 1 {
				arn := fmt.Sprint(l, n)
				listeners.put(st, arn, listener{ARN: arn, Balancer: shop, Port: 1000 + n, Default: full.Default})
			}
			return nil
		}))
		same(t, "rules", code(c.call(t, "CreateRule", rule1(l, 1000, "/x", web)...)), "TooManyRules")
		same(t, "listeners", code(c.call(t, "CreateListener", "LoadBalancerArn="+shop, "Protocol=HTTP", "Port=9",
			"DefaultActions.member.1.Type=forward", "DefaultActions.member.1.TargetGroupArn="+web)), "TooManyListeners")
		var six []string
		for n := range groupsPerAction + 1 {
			six = append(six, fmt.Sprintf("DefaultActions.member.1.ForwardConfig.TargetGroups.member.%d.TargetGroupArn=%s", n+1, c.group(t, fmt.Sprint("g", n))))
		}
		same(t, "groups", code(c.call(t, "CreateListener", append(six, "LoadBalancerArn="+shop, "Protocol=HTTP", "Port=9", "DefaultActions.member.1.Type=forward")...)), "TooManyTargetGroups")
	})
}

func TestRegionsKnowNothingOfOneAnother(t *testing.T) {
	c := start(t, t.TempDir(), Config{})
	web := c.group(t, "web")
	shop := c.balancer(t, "shop")
	for _, s := range []step{
		{"DescribeTargetGroups", nil, "<TargetGroups></TargetGroups>"},
		{"DescribeTargetHealth", []string{"TargetGroupArn=" + web}, "TargetGroupNotFound"},
		{"DescribeTags", []string{"ResourceArns.member.1=" + shop}, "ValidationError"},
		{"DescribeListeners", []string{"LoadBalancerArn=" + shop}, "LoadBalancerNotFound"},
	} {
		if got := c.callIn(t, "us-east-1", s.action, s.given...); !strings.Contains(got, s.want) {
			t.Errorf("%s: %s, want %s", s.action, got, s.want)
		}
	}
}
