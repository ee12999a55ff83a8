package beanstalk

import (
	"slices"
	"testing"

	"beansprout/localcloud"
)

// TestSecretsAndASharedBalancerAreSettings has the local cloud check their names, too.
func TestSecretsAndASharedBalancerAreSettings(t *testing.T) {
	const (
		secret   = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-a1B2c3"
		balancer = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/dev/0123456789abcdef"
	)
	c, _ := cloud(t, localcloud.Config{})
	wish := roles()
	wish.Secrets, wish.SharedBalancer = map[string]string{"DB:URL": secret}, balancer
	e, err := launchAs(t, c, "shop-x", wish)
	if err != nil {
		t.Fatal(err)
	}
	if d := differ(t, c, e, wish.Settings(), nil); !d.Empty() {
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
		if !slices.Contains(wish.Settings(), want) {
			t.Errorf("no %v in %v", want, wish.Settings())
		}
		if got := named(want.String()); got.Namespace != want.Namespace || got.Name != want.Name {
			t.Errorf("%s is read as %q, %q", want, got.Namespace, got.Name)
		}
	}
}
