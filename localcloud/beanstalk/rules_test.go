package beanstalk

import (
	"fmt"
	"strings"
	"testing"
)

func TestLaterOptionsReplaceEarlierOnes(t *testing.T) {
	a := options{opt("b", "x", "1"), opt("a", "y", "2")}
	got := a.with(options{opt("b", "x", "3"), opt("c", "z", "4"), opt("c", "z", "5")}).without(options{opt("a", "y", "")})
	if want := (options{opt("b", "x", "3"), opt("c", "z", "5")}); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if a[0].Value != "1" {
		t.Error("the options laid over were changed")
	}
}

func TestOptionRefusals(t *testing.T) {
	role := opt(nsEnvironment, "ServiceRole", ServiceRole)
	for _, tt := range []struct {
		name   string
		given  options
		before options
		want   string
	}{
		{"none", nil, nil, ""},
		{"environment variable", options{opt(nsVariables, "A", "")}, nil, ""},
		{"variable with what Beanstalk takes", options{opt(nsVariables, `A.b:/+\-@_9`, "a=b,c=d\t'\"한글")}, nil, ""},
		{"variable of two lines", options{opt(nsVariables, "A", "x\ny")}, nil,
			"(Namespace: 'aws:cloudformation:template:parameter', OptionName: 'EnvironmentVariables'): Not a List of Key/Value pairs."},
		{"variable with a carriage return", options{opt(nsVariables, "A", "x\r")}, nil, "Not a List of Key/Value pairs."},
		{"variable with a zero byte", options{opt(nsVariables, "A", "\x00")}, nil, "Not a List of Key/Value pairs."},
		{"name of a variable", options{opt(nsVariables, "A=B", "x")}, nil, "The name may contain letters"},
		{"long name of a variable", options{opt(nsVariables, strings.Repeat("A", 129), "x")}, nil, "The name may contain letters"},
		{"name of a secret", options{opt(nsSecrets, "A,B", "arn:aws:ssm:us-east-1:123456789012:parameter/a")}, nil, "The name may contain letters"},
		{"option with an escape", options{opt("aws:ec2:vpc", "VPCId", "\x1b[2J")}, nil, "Value contains a control character"},
		{"another process", options{opt("aws:elasticbeanstalk:environment:process:api", "Port", "8080")}, nil, ""},
		{"a listener", options{opt("aws:elbv2:listener:443", "Protocol", "HTTPS")}, nil, ""},
		{"unknown namespace", options{opt("aws:x", "A", "1")}, nil, "Invalid option specification (Namespace: 'aws:x', OptionName: 'A'): Unknown configuration setting."},
		{"a misspelt option", options{opt(nsEnvironment, "EnvironmentTyp", "SingleInstance")}, nil,
			"Invalid option specification (Namespace: 'aws:elasticbeanstalk:environment', OptionName: 'EnvironmentTyp'): Unknown configuration setting."},
		{"in other capitals", options{opt(nsGroup, "minsize", "1")}, nil, "Unknown configuration setting."},
		{"misspelt of a process", options{opt("aws:elasticbeanstalk:environment:process:api", "Prot", "1")}, nil, "Unknown configuration setting."},
		{"of a container, which may have any", options{opt("aws:elasticbeanstalk:container:tomcat:jvmoptions", "Xmx", "1g")}, nil, ""},
		{"instance types", options{opt("aws:ec2:instances", "InstanceTypes", "t3.micro, m7g-flex.12xlarge,m5.metal,r8i.metal-96xl")}, nil, ""},
		{"no size of instances", options{opt("aws:ec2:instances", "InstanceTypes", "t3.micro,t3.smal")}, nil,
			"Invalid option value: 't3.micro,t3.smal' (Namespace: 'aws:ec2:instances', OptionName: 'InstanceTypes'): Value is not one of the allowed values: [t3.nano, t3.micro, t3.small,"},
		{"no size of an instance", options{opt(nsLaunch, "InstanceType", "t3.smal")}, nil, "OptionName: 'InstanceType'): Value is not one of the allowed values: ["},
		{"no name", options{opt(nsGroup, "", "1")}, nil, "Unknown configuration setting."},
		{"not in the list", options{opt(nsEnvironment, "EnvironmentType", "Single")}, nil,
			"Invalid option value: 'Single' (Namespace: 'aws:elasticbeanstalk:environment', OptionName: 'EnvironmentType'): Value is not one of the allowed values: [LoadBalanced, SingleInstance]"},
		{"no number", options{opt(nsGroup, "MinSize", "many")}, nil, "Value is not an integer"},
		{"too small", options{opt(nsCommand, "Timeout", "0")}, nil, "Value is less than minimum allowed value: 1"},
		{"too large", options{opt(nsGroup, "MaxSize", "10001")}, nil, "Value is greater than maximum allowed value: 10000"},
		{"min above max", options{opt(nsGroup, "MinSize", "5")}, nil, "MinSize is greater than MaxSize"},
		{"paused", options{opt(nsGroup, "MinSize", "0"), opt(nsGroup, "MaxSize", "0")}, nil, ""},
		{"enhanced without a role", options{opt(nsHealth, "SystemType", "enhanced")}, nil, "requires a service role"},
		{"enhanced with a role", options{opt(nsHealth, "SystemType", "enhanced"), role}, nil, ""},
		{"a secret", options{opt("aws:elasticbeanstalk:application:environmentsecrets", "A", "arn:aws:ssm:us-east-1:123456789012:parameter/a")}, nil, ""},
		{"a secret that is none", options{opt("aws:elasticbeanstalk:application:environmentsecrets", "A", "secret")}, nil, "Value is not the ARN"},
		{"a classic load balancer to share", options{opt(nsEnvironment, "LoadBalancerIsShared", "true")}, nil, "Only an application load balancer can be shared"},
		{"no load balancer to share", options{opt(nsEnvironment, "LoadBalancerIsShared", "true"), opt(nsEnvironment, "LoadBalancerType", "application")}, nil, "Specify the ARN"},
		{"fixed at launch", options{opt(nsEnvironment, "LoadBalancerType", "application")}, nil, ""},
		{"fixed and changed", options{opt(nsEnvironment, "LoadBalancerType", "application")}, options{}, "only when you create the environment"},
		{"fixed and the same", options{opt(nsEnvironment, "LoadBalancerType", "classic")}, options{}, ""},
	} {
		err := tt.given.check(tt.before)
		if tt.want == "" && err != nil || tt.want != "" && (code(err) != "ConfigurationValidationException" || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestFlawsAreFoundOnlyAtTheLaunch(t *testing.T) {
	profile := func(name string) options { return options{opt(nsLaunch, "IamInstanceProfile", name)} }
	for _, tt := range []struct {
		name  string
		given options
		want  string
	}{
		{"sound", sound, ""},
		{"by ARN", profile("arn:aws:iam::123456789012:instance-profile/" + InstanceProfile), ""},
		{"no profile", nil, "Environment must have instance profile associated with it."},
		{"unknown profile", profile("mine"), "The instance profile mine associated with the environment does not exist."},
		{"unknown role", sound.with(options{opt(nsEnvironment, "ServiceRole", "mine")}), "The service role mine associated with the environment does not exist."},
		{"4096 bytes of variables", sound.with(options{opt(nsVariables, "K", strings.Repeat("v", 4094))}), ""},
		{"4097 bytes of variables", sound.with(options{opt(nsVariables, "K", strings.Repeat("v", 4095))}),
			"Service:AmazonCloudFormation, Message:Template format error: Parameter 'EnvironmentVariables' default value '[****]' length is greater than 4096."},
	} {
		if got := tt.given.flaw(console{}); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDefaultsFollowTheEnvironmentType(t *testing.T) {
	balanced, single := options{}.complete(), options{opt(nsEnvironment, "EnvironmentType", "SingleInstance")}.complete()
	for _, tt := range []struct {
		o               options
		namespace, name string
		set             bool
		want            string
	}{
		{balanced, nsEnvironment, "LoadBalancerIsShared", true, "false"},
		{balanced, nsEnvironment, "EnvironmentType", true, "LoadBalanced"},
		{balanced, nsGroup, "MaxSize", true, "4"},
		{single, nsEnvironment, "LoadBalancerIsShared", false, "false"},
		{single, nsEnvironment, "EnvironmentType", true, "SingleInstance"},
		{single, nsGroup, "MaxSize", true, "1"},
	} {
		if got := tt.o.get(tt.namespace, tt.name); tt.o.set(tt.namespace, tt.name) != tt.set || got != tt.want {
			t.Errorf("%s %s = %q (set: %t)", tt.namespace, tt.name, got, !tt.set)
		}
	}
}

func TestTagRefusals(t *testing.T) {
	many := make([]tag, 48)
	for i := range many {
		many[i] = tag{fmt.Sprint("k", i), "v"}
	}
	for _, tt := range []struct {
		name string
		have map[string]string
		add  []tag
		want string
	}{
		{"plain", nil, []tag{{"beansprout:feature", "한글 a_b.c:d/e=f+g-h@i"}}, ""},
		{"47", nil, many[:47], ""},
		{"48", nil, many, "TooManyTagsException"},
		{"one more", map[string]string{"x": "y"}, many[:47], "TooManyTagsException"},
		{"replaced", map[string]string{"k0": "y"}, many[:47], ""},
		{"twice", nil, []tag{{"a", "1"}, {"a", "2"}}, "InvalidParameterValue"},
		{"reserved", nil, []tag{{"aws:a", "1"}}, "InvalidParameterValue"},
		{"reserved in capitals", nil, []tag{{"ElasticBeanstalk:a", "1"}}, "InvalidParameterValue"},
		{"strange key", nil, []tag{{"a;b", "1"}}, "InvalidParameterValue"},
		{"strange value", nil, []tag{{"a", "<b>"}}, "InvalidParameterValue"},
		{"escape in the value", nil, []tag{{"a", "\x1b"}}, "InvalidParameterValue"},
	} {
		if _, err := addTags(tt.have, tt.add); code(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	for value, want := range map[string]bool{"shop-x": true, "Shop1": true, "-shop": false, "shop-": false, "sh_op": false, "shöp": false, "shop\n": false, "": false} {
		if err := checkHyphenated("EnvironmentName", value); (err == nil) != want {
			t.Errorf("%q: %v", value, err)
		}
	}
	for value, want := range map[string]bool{"가게 1.0": true, "a/b": false, "a\x00b": false, "a\nb": false} {
		if err := checkPlain("ApplicationName", value); (err == nil) != want {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestPages(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e"}
	self := func(s string) string { return s }
	var got []string
	token, rounds := "", 0
	for {
		part, next, err := page(all, 2, token, self)
		if err != nil {
			t.Fatal(err)
		}
		got, token, rounds = append(got, part...), next, rounds+1
		if token == "" {
			break
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(all) || rounds != 3 {
		t.Errorf("got %v in %d pages", got, rounds)
	}
	if whole, token, _ := page(all, 0, "", self); len(whole) != 5 || token != "" {
		t.Errorf("without a limit: %v %q", whole, token)
	}
	if _, _, err := page(all, 2, "%", self); code(err) != "InvalidParameterValue" {
		t.Errorf("foreign token: %v", err)
	}
}

func TestPlatformFilters(t *testing.T) {
	attributes := map[string][]string{"Name": {"ECS on Linux"}, "Tier": {"Web", "Worker"}}
	for _, tt := range []struct {
		filters []filter
		want    bool
		code    string
	}{
		{nil, true, ""},
		{[]filter{{Type: "Name", Operator: "=", Values: []string{"x", "ECS on Linux"}}}, true, ""},
		{[]filter{{Attribute: "Name", Operator: "begins_with", Values: []string{"ECS"}}}, true, ""},
		{[]filter{{Type: "Name", Operator: "ends_with", Values: []string{"ECS"}}}, false, ""},
		{[]filter{{Type: "Name", Operator: "contains", Values: []string{" on "}}, {Type: "Tier", Operator: "=", Values: []string{"Batch"}}}, false, ""},
		{[]filter{{Type: "Tier", Operator: "in", Values: []string{"Worker"}}}, true, ""},
		{[]filter{{Type: "Name", Operator: "not_in", Values: []string{"x", "ECS on Linux"}}}, false, ""},
		{[]filter{{Type: "Name", Operator: "!=", Values: []string{"x"}}}, true, ""},
		{[]filter{{Type: "Age", Operator: "=", Values: []string{"x"}}}, false, "InvalidParameterValue"},
		{[]filter{{Type: "Name", Operator: "~", Values: []string{"x"}}}, false, "InvalidParameterValue"},
	} {
		if got, err := match(tt.filters, attributes); got != tt.want || code(err) != tt.code {
			t.Errorf("%v: %t, %v", tt.filters, got, err)
		}
	}
}

func TestThePortIsThatOfTheEnabledListener(t *testing.T) {
	const process = "aws:elasticbeanstalk:environment:process:"
	for name, test := range map[string]struct {
		set  options
		want int
	}{
		"nothing is set":  {nil, 80},
		"the default's":   {options{opt(process+"default", "Port", "9050")}, 9050},
		"a named one's":   {options{opt(process+"web", "Port", "9050"), opt("aws:elbv2:listener:default", "DefaultProcess", "web")}, 9050},
		"HTTPS as well":   {options{opt(process+"web", "Port", "9050"), opt("aws:elbv2:listener:443", "DefaultProcess", "web")}, 80},
		"HTTPS alone":     {options{opt(process+"web", "Port", "9050"), opt("aws:elbv2:listener:443", "DefaultProcess", "web"), opt("aws:elbv2:listener:default", "ListenerEnabled", "false")}, 9050},
		"a classic one's": {options{opt("aws:elb:listener", "InstancePort", "3000")}, 3000},
		"a classic 80's":  {options{opt("aws:elb:listener:80", "InstancePort", "3000")}, 3000},
	} {
		if got := test.set.port(); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
