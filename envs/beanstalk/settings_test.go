package beanstalk

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"beansprout/localcloud"
	"beansprout/test/must"
)

// TestSecretsAndASharedLoadBalancerAreSettings has the local cloud check their names, too.
func TestSecretsAndASharedLoadBalancerAreSettings(t *testing.T) {
	const (
		secret   = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-a1B2c3"
		balancer = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/dev/0123456789abcdef"
	)
	c, _ := cloud(t, localcloud.Config{})
	settings := roles()
	settings.Secrets, settings.SharedBalancer = map[string]string{"DB:URL": secret}, balancer
	e, err := launchAs(t, c, "shop-x", settings)
	must.Succeed(t, err)
	if d := differ(t, c, e, settings.List(), nil); !d.Empty() {
		t.Errorf("after the launch %+v differs", d)
	}
	for _, want := range []Setting{
		{"aws:elasticbeanstalk:application:environmentsecrets", "DB:URL", secret},
		{"aws:elasticbeanstalk:environment", "EnvironmentType", "LoadBalanced"},
		{"aws:elasticbeanstalk:environment", "LoadBalancerType", "application"},
		{"aws:elasticbeanstalk:environment", "LoadBalancerIsShared", "true"},
		{"aws:elbv2:loadbalancer", "SharedLoadBalancer", balancer},
		{"aws:autoscaling:asg", "MaxSize", "1"},
	} {
		if !slices.Contains(settings.List(), want) {
			t.Errorf("no %v in %v", want, settings.List())
		}
		if got := settingOf(want.String()); got.Namespace != want.Namespace || got.Name != want.Name {
			t.Errorf("%s is read as %q, %q", want, got.Namespace, got.Name)
		}
	}
}

func TestAnEmptyValueIsCompared(t *testing.T) {
	have := Configuration{values: map[string]string{
		nsVariables + ":SET": "x", nsVariables + ":EMPTY": "", nsSecrets + ":DB": "arn:x", "n:option": "x", "n:none": "",
	}}
	ours := []string{nsVariables + ":OURS"}
	for _, tt := range []struct {
		s    Setting
		want string
	}{
		{Setting{nsVariables, "SET", ""}, "set"},
		{Setting{nsVariables, "EMPTY", ""}, "same"},
		{Setting{nsVariables, "MISSING", ""}, "set"}, // an image may have one of its own
		{Setting{nsVariables, "OURS", ""}, "same"},   // AWS has not kept it
		{Setting{nsSecrets, "DB", ""}, "removed"},
		{Setting{nsSecrets, "MISSING", ""}, "same"},
		{Setting{"n", "option", ""}, "set"},
		{Setting{"n", "none", ""}, "same"},
		{Setting{"n", "missing", ""}, "same"},
	} {
		got := "same"
		switch d := have.Compare([]Setting{tt.s}, ours); {
		case len(d.Set) == 1 && len(d.Remove) == 0:
			got = "set"
		case len(d.Remove) == 1 && len(d.Set) == 0:
			got = "removed"
		}
		if got != tt.want {
			t.Errorf("%s is %s, want %s", tt.s, got, tt.want)
		}
	}
}

func TestARejectedEmptyValueIsRemoved(t *testing.T) {
	refusal := func(s Setting) error {
		return fmt.Errorf("create: %w", &Refusal{Message: fmt.Sprintf("Invalid option value: '' (Namespace: '%s', OptionName: '%s'): no", s.Namespace, s.Name)})
	}
	blank, full, data := Setting{"n", "blank", ""}, Setting{"n", "full", "x"}, Setting{nsDatabase, "DBPassword", ""}
	d := Difference{Set: []Setting{blank, full, data}}
	got, ok := d.withoutRejectedBlank(refusal(blank))
	if !ok || !slices.Equal(got.Set, []Setting{full, data}) || !slices.Equal(got.Remove, []Setting{blank}) || !slices.Equal(got.removedBlanks, []string{"n:blank"}) {
		t.Errorf("withdraw = %+v, %v", got, ok)
	}
	for _, s := range []Setting{full, data, {"n", "other", ""}} {
		if _, ok := d.withoutRejectedBlank(refusal(s)); ok {
			t.Errorf("%s is withdrawn", s)
		}
	}
	if _, ok := d.withoutRejectedBlank(nil); ok {
		t.Error("something is withdrawn though nothing was refused")
	}
}

func TestListenersShowHTTPSOnly(t *testing.T) {
	for name, tt := range map[string]struct {
		values map[string]string
		want   bool
	}{
		"none":                       {nil, false},
		"HTTPS beside HTTP":          {map[string]string{"aws:elbv2:listener:443:Protocol": "HTTPS"}, false},
		"HTTPS only":                 {map[string]string{"aws:elbv2:listener:443:Protocol": "HTTPS", "aws:elbv2:listener:default:ListenerEnabled": "false"}, true},
		"on port 80 by its number":   {map[string]string{"aws:elbv2:listener:443:Protocol": "HTTPS", "aws:elbv2:listener:80:ListenerEnabled": "false"}, true},
		"a classic load balancer":    {map[string]string{"aws:elb:listener:443:ListenerProtocol": "HTTPS", "aws:elb:listener:ListenerEnabled": "false"}, true},
		"nothing at all":             {map[string]string{"aws:elbv2:listener:default:ListenerEnabled": "false"}, false},
		"HTTPS that is closed":       {map[string]string{"aws:elbv2:listener:443:Protocol": "HTTPS", "aws:elbv2:listener:443:ListenerEnabled": "false", "aws:elbv2:listener:default:ListenerEnabled": "false"}, false},
		"only HTTPS on another port": {map[string]string{"aws:elbv2:listener:8443:Protocol": "HTTPS", "aws:elbv2:listener:default:ListenerEnabled": "false"}, false},
		"an enabled HTTP":            {map[string]string{"aws:elbv2:listener:443:Protocol": "HTTPS", "aws:elbv2:listener:default:ListenerEnabled": "true"}, false},
	} {
		if got := (Configuration{values: tt.values}).HTTPSOnly(); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestOnlyInstancesHaveLogs(t *testing.T) {
	launch, added := Event{Message: "createEnvironment is starting."}, Event{Message: "Added instance [i-1] to your environment."}
	for name, tt := range map[string]struct {
		failure Failure
		want    bool
	}{
		"a deploy":                    {Failure{Events: []Event{{Message: "Environment update is starting."}}}, true},
		"a launch without instances":  {Failure{Events: []Event{launch}}, false},
		"a launch with one":           {Failure{Events: []Event{launch, added}}, true},
		"an environment that is gone": {Failure{Env: Env{State: Terminated}, Events: []Event{launch, added}}, false},
	} {
		if got := tt.failure.HasLogs(); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestArchitectureOfInstanceTypes(t *testing.T) {
	for want, types := range map[string][]string{
		ARM64: {
			"t4g.micro", "m6g.large", "m6gd.metal", "m7g.medium", "m8g.48xlarge", "c6gn.xlarge", "c7gn.16xlarge", "c8gb.large", "r6g.large",
			"r7gd.xlarge", "r8gn.large", "x2gd.metal", "x8g.large", "im4gn.large", "is4gen.medium", "i4g.large", "i8g.large", "i8ge.large",
			"g5g.xlarge", "hpc7g.4xlarge", "a1.medium", "mac2.metal", "mac2-m2pro.metal", "mac-m4.metal", "p6e-gb200.36xlarge", "T4G.small",
		},
		AMD64: {
			"t2.micro", "t3.micro", "t3a.small", "m5.large", "m5dn.large", "m6i.large", "m6id.large", "m7a.medium", "m7i-flex.large", "m8i.large",
			"c5n.large", "c6in.large", "r5b.large", "r6idn.large", "x1e.xlarge", "x2idn.16xlarge", "x2iedn.xlarge", "x2iezn.2xlarge", "z1d.large",
			"i3en.large", "i4i.large", "i7ie.large", "d3en.xlarge", "h1.2xlarge", "g3s.xlarge", "g4dn.xlarge", "g4ad.xlarge", "g5.xlarge", "g6.xlarge",
			"g6e.xlarge", "g6f.large", "gr6.4xlarge", "gr6f.4xlarge", "p3dn.24xlarge", "p4d.24xlarge", "p4de.24xlarge", "p5en.48xlarge", "p6-b200.48xlarge",
			"inf2.xlarge", "trn1n.32xlarge", "trn2.48xlarge", "dl1.24xlarge", "dl2q.24xlarge", "vt1.3xlarge", "f1.2xlarge", "hpc6id.32xlarge", "hpc7a.12xlarge",
			"u-24tb1.metal", "u7i-12tb.224xlarge", "u7in-16tb.224xlarge", "cg1.4xlarge", "mac1.metal", "", ".", "garbage", "\x00g4g",
		},
	} {
		for _, name := range types {
			if got := Architecture(name); got != want {
				t.Errorf("Architecture(%q) = %s, want %s", name, got, want)
			}
		}
	}
}

func TestMisspeltOptionsAreFound(t *testing.T) {
	for _, tt := range []struct{ namespace, name, want string }{
		{nsEnvironment, "EnvironmentType", ""},
		{nsEnvironment, "EnvironmentTyp", nsEnvironment + ":EnvironmentType"},
		{nsEnvironment, "environmenttype", nsEnvironment + ":EnvironmentType"},
		{nsGroup, "MinSzie", nsGroup + ":MinSize"},
		{nsGroup, "Max Size", nsGroup + ":MaxSize"},
		{"aws:elasticbeanstalk:enviroment", "EnvironmentType", nsEnvironment + ":EnvironmentType"},
		{"aws:autoscaling:trigger", "MeasureName", ""}, // exists, and is not listed
		{nsBalancer, "IpAddressType", ""},              // likewise
		{"aws:elbv2:listener:8443", "Protocol", ""},    // likewise
		{"aws:elbv2:listener:8443", "Protcol", "aws:elbv2:listener:8443:Protocol"},
		{"aws:elb:loadbalancer", "SecurityGroups", ""},   // beside aws:elbv2:loadbalancer
		{nsVariables, "EnvironmentTyp", ""},              // may be called anything
		{"aws:elasticbeanstalk:container:x", "Port", ""}, // of a platform
	} {
		meant, misspelt := Setting{Namespace: tt.namespace, Name: tt.name}.Misspelt()
		if misspelt != (tt.want != "") || misspelt && meant.String() != tt.want {
			t.Errorf("%s:%s is taken for %s, %v; want %q", tt.namespace, tt.name, meant, misspelt, tt.want)
		}
	}
}

func TestInstanceSizes(t *testing.T) {
	for _, good := range []string{"t3.micro", "m5.xlarge", "m7g.16xlarge", "m5.metal", "r8i.metal-96xl", "u7in-32tb.224xlarge", "mac2-m2.metal"} {
		if err := CheckInstanceType(good); err != nil {
			t.Error(err)
		}
	}
	for bad, nearest := range map[string]string{"t3.smal": "nearest: small", "t3.extralarge": "xlarge", "t3.": "", "t3": "", "t3.SMALL": "small", "m5.0xlarge": "xlarge", "c5.large2": "large"} {
		if err := CheckInstanceType(bad); err == nil || !strings.Contains(err.Error(), nearest) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
