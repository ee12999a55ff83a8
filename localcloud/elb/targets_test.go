package elb

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/test/must"
)

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err()
}

// states returns the states of a group's targets with the reasons, such as "healthy".
func (c *cloud) states(t *testing.T, group string, more ...string) (all []string) {
	t.Helper()
	answer := c.call(t, "DescribeTargetHealth", append(more, "TargetGroupArn="+group)...)
	for _, part := range strings.Split(answer, "<TargetHealth>")[1:] {
		state := one(t, part, "State")
		if strings.Contains(part, "<Reason>") {
			state += " " + one(t, part, "Reason")
		}
		all = append(all, state)
	}
	return all
}

// shop is a load balancer on port 80 with one group of running instances.
func (c *cloud) shop(t *testing.T, versions ...string) (group string, ids []string) {
	t.Helper()
	group = c.group(t, "web", "HealthCheckIntervalSeconds=10")
	c.listener(t, c.balancer(t, "shop"), 80, group)
	for _, v := range versions {
		id := c.run(t, v)
		must.Succeed(t, c.Register(group, id))
		ids = append(ids, id)
	}
	synctest.Wait()
	return group, ids
}

func TestTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, t.TempDir(), Config{})
		web := c.group(t, "web")
		id := c.run(t, "v1")
		arn, one := "TargetGroupArn="+web, "Targets.member.1.Id="+id
		c.drive(t, []step{
			{"RegisterTargets", []string{arn, one}, "<RequestId>"},
			{"RegisterTargets", []string{arn, one}, "<RequestId>"}, // again
			{"RegisterTargets", []string{arn, one, "Targets.member.1.Port=8080"}, "<RequestId>"},
			{"RegisterTargets", []string{arn, "Targets.member.1.Id=i-0"}, "InvalidTarget: The following targets are not in a running state and cannot be registered: 'i-0'"},
			{"RegisterTargets", []string{arn}, "ValidationError"},
			{"RegisterTargets", []string{arn + "0", one}, "TargetGroupNotFound"},
			{"DescribeTargetHealth", []string{arn}, "<TargetHealthDescriptions><member><Target><Id>" + id + "</Id><Port>80</Port></Target><HealthCheckPort>80</HealthCheckPort>" +
				"<TargetHealth><State>unused</State><Reason>Target.NotInUse</Reason><Description>Target group is not configured to receive traffic from the load balancer</Description></TargetHealth></member>"},
			{"DescribeTargetHealth", []string{arn, one, "Targets.member.1.Port=8080"}, "<HealthCheckPort>8080</HealthCheckPort>"},
			{"DescribeTargetHealth", []string{arn, "Targets.member.1.Id=i-0"}, "<State>unused</State><Reason>Target.NotRegistered</Reason>"},
			{"DeregisterTargets", []string{arn, "Targets.member.1.Id=i-0"}, "<RequestId>"}, // absent
			{"DeregisterTargets", []string{arn, one}, "<RequestId>"},
		})
		if got := fmt.Sprint(c.states(t, web)); got != "[draining Target.DeregistrationInProgress unused Target.NotInUse]" {
			t.Errorf("the port must be named again: %s", got)
		}
		must.Succeed(t, c.fleet.Terminate("Client.X: test", id))
		synctest.Wait()
		same(t, "what does not run", code(c.call(t, "RegisterTargets", arn, one)), "InvalidTarget")
	})
}

func TestAGroupHasAThousandTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, t.TempDir(), Config{})
		web, id := c.group(t, "web"), c.run(t, "v1")
		given := []string{"TargetGroupArn=" + web}
		for n := range targetsPerGroup {
			given = append(given, fmt.Sprintf("Targets.member.%d.Id=%s", n+1, id), fmt.Sprintf("Targets.member.%d.Port=%d", n+1, n+1))
		}
		c.drive(t, []step{
			{"RegisterTargets", given, "<RequestId>"},
			{"RegisterTargets", []string{"TargetGroupArn=" + web, "Targets.member.1.Id=" + id, "Targets.member.1.Port=2000"}, "TooManyTargets"},
		})
		same(t, "targets", len(c.states(t, web)), targetsPerGroup)
	})
}

func TestRequestsReachTheInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, t.TempDir(), Config{HealthSpeed: 10})
		web, ids := c.shop(t, "v1")
		same(t, "a request", c.get("http://shop.localhost/"), "200 v1")
		same(t, "a listener that is not there", c.get("http://81.shop.localhost/"), "502")
		same(t, "another host", c.get("http://other.localhost/"), "404")
		other := c.group(t, "other")
		must.Succeed(t, c.Register(other, c.run(t, "v2")))
		same(t, "without a rule", fmt.Sprint(c.states(t, other)), "[unused Target.NotInUse]")
		listener := one(t, c.call(t, "DescribeListeners", "LoadBalancerArn="+one(t, c.call(t, "DescribeLoadBalancers"), "LoadBalancerArn")), "ListenerArn")
		rule := c.rule(t, listener, 1, "/other", other)
		synctest.Wait()
		same(t, "with a rule", fmt.Sprint(c.states(t, other)), "[healthy]")
		same(t, "the rule", c.get("http://shop.localhost/other"), "200 v2")
		c.call(t, "DeleteRule", "RuleArn="+rule)
		same(t, "after the rule", c.get("http://shop.localhost/other"), "200 v1")
		same(t, "unused again", fmt.Sprint(c.states(t, other)), "[unused Target.NotInUse]")

		must.Succeed(t, c.fleet.Terminate("Client.X: test", ids...))
		time.Sleep(time.Second) // of the health checks
		synctest.Wait()
		same(t, "what was terminated", fmt.Sprint(c.states(t, web)), "[unused Target.InvalidState]")
		same(t, "with no target", c.get("http://shop.localhost/"), "503")
	})
}

func TestDrainingLastsForTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, t.TempDir(), Config{})
		web, ids := c.shop(t, "v1", "v2")
		c.call(t, "ModifyTargetGroupAttributes", "TargetGroupArn="+web, "Attributes.member.1.Key="+delay, "Attributes.member.1.Value=10")
		if n := c.Healthy()[web]; n != 2 {
			t.Errorf("%d healthy", n)
		}
		drained, err := c.Deregister(web, ids[0])
		must.Succeed(t, err)
		same(t, "drained in", time.Until(drained), 10*time.Second)
		time.Sleep(5 * time.Second)
		again, err := c.Deregister(web, ids[0])
		must.Succeed(t, err)
		same(t, "again", again, drained)
		same(t, "health", c.Health(web, ids[0]), "draining")
		same(t, "healthy", c.Healthy()[web], 1)
		for range 3 {
			same(t, "a request", c.get("http://shop.localhost/"), "200 v2")
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		same(t, "after the delay", c.Health(web, ids[0]), "unused")
		same(t, "targets", fmt.Sprint(c.states(t, web)), "[healthy]")
		none, err := c.Deregister(web, ids[0])
		if err != nil || !none.IsZero() {
			t.Errorf("not registered: %s, %v", none, err)
		}
		must.Succeed(t, c.Register(web, ids[0]))
		synctest.Wait()
		same(t, "registered again", c.Health(web, ids[0]), "healthy")
		if c.Known(web+"0") || !c.Known(web) {
			t.Error("another group is known than there is")
		}
		if _, err := c.Deregister(web+"0", ids[0]); err == nil || c.Register(web+"0", ids[0]) == nil || c.Register(web, "i-0") == nil {
			t.Error("a group or an instance that is not there was used")
		}
	})
}

func TestARegistrationEndsTheDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, t.TempDir(), Config{HealthSpeed: 1})
		web, ids := c.shop(t, "v1")
		_, err := c.Deregister(web, ids[0])
		must.Succeed(t, err)
		must.Succeed(t, c.Register(web, ids[0]))
		synctest.Wait()
		same(t, "health", c.Health(web, ids[0]), "healthy")
		time.Sleep(time.Hour)
		same(t, "an hour later", c.Health(web, ids[0]), "healthy")
	})
}

func TestAllOutlivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := start(t, dir, Config{HealthSpeed: 1})
		web, ids := c.shop(t, "v1", "v2")
		_, err := c.Deregister(web, ids[0])
		must.Succeed(t, err)
		looks := []string{"DescribeLoadBalancers", "DescribeTargetGroups", "DescribeListeners", "DescribeRules", "DescribeTargetGroupAttributes"}
		balancer := one(t, c.call(t, "DescribeLoadBalancers"), "LoadBalancerArn")
		listener := one(t, c.call(t, "DescribeListeners", "LoadBalancerArn="+balancer), "ListenerArn")
		look := func() (all []string) {
			for i, given := range [][]string{nil, nil, {"LoadBalancerArn=" + balancer}, {"ListenerArn=" + listener}, {"TargetGroupArn=" + web}} {
				all = append(all, c.call(t, looks[i], given...))
			}
			return all
		}
		before := look()
		c.close()
		time.Sleep(time.Minute)
		c = start(t, dir, Config{HealthSpeed: 1})
		time.Sleep(15 * time.Second) // the first check may come before the instances run again
		synctest.Wait()
		for i, after := range look() {
			same(t, looks[i], after, before[i])
		}
		if got := fmt.Sprint(c.states(t, web)); got != "[draining Target.DeregistrationInProgress healthy]" {
			t.Errorf("after the restart: %s", got)
		}
		same(t, "a request", c.get("http://shop.localhost/"), "200 v2")
		time.Sleep(4 * time.Minute) // five in all
		synctest.Wait()
		if got := fmt.Sprint(c.states(t, web)); got != "[healthy]" {
			t.Errorf("after the delay: %s", got)
		}
	})
}
