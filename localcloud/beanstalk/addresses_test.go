package beanstalk

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
)

// TestALaunchNeedsAnAddress launches where there is one elastic IP. A load balancer needs none, and a
// terminated environment gives its own back.
func TestALaunchNeedsAnAddress(t *testing.T) {
	c := start(t, t.TempDir(), func(cfg *Config) { cfg.Quotas.Addresses = 1 })
	c.has("v1")
	single := setting(nsEnvironment, "EnvironmentType", "SingleInstance")
	status := func(in *eb.CreateEnvironmentInput) string { return string(c.launch(in).Status) }
	if got := status(launchInput("shop-one", single)); got != ready {
		t.Fatalf("the first: %s", got)
	}
	if got := status(launchInput("shop-two", single)); got != terminated {
		t.Errorf("the second: %s", got)
	}
	said := c.told(&eb.DescribeEventsInput{EnvironmentName: aws.String("shop-two")})
	if !slices.ContainsFunc(said, func(text string) bool { return strings.Contains(text, "AddressLimitExceeded") }) {
		t.Errorf("its events: %q", said)
	}
	if got := status(launchInput("shop-balanced")); got != ready {
		t.Errorf("with a load balancer: %s", got)
	}
	all, err := c.service.Addresses(region)
	if must(t, err); len(all) != 1 {
		t.Errorf("addresses: %v", all)
	}
	out, err := c.TerminateEnvironment(t.Context(), &eb.TerminateEnvironmentInput{EnvironmentName: aws.String("shop-one")})
	must(t, err)
	c.settled(*out.EnvironmentId)
	if got := status(launchInput("shop-three", single)); got != ready {
		t.Errorf("after the first ended: %s", got)
	}
}
