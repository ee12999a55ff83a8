package localcloud

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud/instance"
)

// scaled calls Auto Scaling or EC2 in eu-west-1 with NAME=VALUE parameters and returns its answer.
func (c *Cloud) scaled(t *testing.T, service, action string, parameters ...string) string {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {map[string]string{"autoscaling": "2011-01-01", "ec2": "2016-11-15"}[service]}}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		form.Set(name, value)
	}
	r := queryCall(c)
	r.service, r.body = service, form.Encode()
	resp, body := r.send(t, c)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s", action, resp.Status, body)
	}
	return body
}

// running returns the ids of the running instances, joined.
func (c *Cloud) running() string {
	var ids []string
	for _, i := range c.fleet.All("eu-west-1") {
		if i.State == instance.Running {
			ids = append(ids, i.ID)
		}
	}
	return strings.Join(ids, " ")
}

func TestAGroupOutlivesTheCloudAndFollowsItsClock(t *testing.T) {
	c := start(t, Config{})
	c.scaled(t, "ec2", "CreateLaunchTemplate", "LaunchTemplateName=web", "LaunchTemplateData.ImageId=ami-12345678")
	c.scaled(t, "autoscaling", "CreateAutoScalingGroup", "AutoScalingGroupName=g", "LaunchTemplate.LaunchTemplateName=web", "MinSize=0", "MaxSize=4", "DesiredCapacity=3", "AvailabilityZones.member.1=eu-west-1a")
	serving := func(n int) func() bool {
		return func() bool {
			answer := c.scaled(t, "autoscaling", "DescribeAutoScalingGroups")
			return strings.Count(answer, "<LifecycleState>InService</LifecycleState>") == n && strings.Count(answer, "<LifecycleState>") == n
		}
	}
	awaits(t, "three instances serve", serving(3))
	before := c.running()
	stop(t, c)
	c = start(t, Config{Dir: c.cfg.Dir})
	awaits(t, "the three instances are back", func() bool { return c.running() == before })
	awaits(t, "three instances serve again", serving(3))
	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	c.scaled(t, "autoscaling", "PutScheduledUpdateGroupAction", "AutoScalingGroupName=g", "ScheduledActionName=night", "StartTime="+tomorrow, "DesiredCapacity=1")
	c.Advance(24 * time.Hour)
	awaits(t, "the action of tomorrow is executed", serving(1))
}
