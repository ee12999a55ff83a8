package localcloud

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/localcloud/instance"
)

// balanced calls a service in eu-west-1 with NAME=VALUE parameters and returns its answer.
func (c *Cloud) balanced(t *testing.T, action string, parameters ...string) string {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2015-12-01"}}
	for _, p := range parameters {
		name, value, _ := strings.Cut(p, "=")
		form.Set(name, value)
	}
	r := queryCall(c)
	r.service, r.body = "elasticloadbalancing", form.Encode()
	resp, body := r.send(t, c)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s", action, resp.Status, body)
	}
	return body
}

func arnIn(t *testing.T, answer, name string) string {
	t.Helper()
	m := regexp.MustCompile("<" + name + ">([^<]*)<").FindStringSubmatch(answer)
	if m == nil {
		t.Fatalf("no %s in %s", name, answer)
	}
	return m[1]
}

// visitAt gets a page of the URL port.
func (c *Cloud) visitAt(t *testing.T, host string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.urls.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	resp, body := exchange(t, r)
	return resp.StatusCode, body
}

// shopBehindABalancer launches an instance with version v1 behind the load balancer shop and returns
// the target group.
func (c *Cloud) shopBehindABalancer(t *testing.T) (group string) {
	t.Helper()
	network := instance.NetworkOf("eu-west-1", c.id.Account)
	group = arnIn(t, c.balanced(t, "CreateTargetGroup", "Name=web", "Protocol=HTTP", "Port=80", "VpcId="+network.VPC), "TargetGroupArn")
	shop := arnIn(t, c.balanced(t, "CreateLoadBalancer", "Name=shop", "Subnets.member.1="+network.Subnets[0].ID, "Subnets.member.2="+network.Subnets[1].ID), "LoadBalancerArn")
	c.balanced(t, "CreateListener", "LoadBalancerArn="+shop, "Protocol=HTTP", "Port=80", "DefaultActions.member.1.Type=forward", "DefaultActions.member.1.TargetGroupArn="+group)
	id := instance.NewID("i-")
	err := c.fleet.Launch(instance.Instance{ID: id, Region: "eu-west-1", Account: c.id.Account, Subnet: network.Subnets[0].ID, VPC: network.VPC, Tags: map[string]string{instance.VersionTag: "v1"}})
	if err != nil {
		t.Fatal(err)
	}
	awaits(t, "the instance runs", func() bool { i, _ := c.fleet.Get(id); return i.State == instance.Running })
	c.balanced(t, "RegisterTargets", "TargetGroupArn="+group, "Targets.member.1.Id="+id)
	return group
}

func awaits(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestALoadBalancerAnswersAtItsNameBesideTheEnvironments(t *testing.T) {
	c := start(t, Config{})
	deploy(t, c, "127.0.0.1:1/shop:1")
	awaitPage(t, c, "shop-login")
	group := c.shopBehindABalancer(t)
	awaits(t, "the target is healthy", func() bool { return c.HealthyTargets()[group] == 1 })
	for host, want := range map[string]string{
		fmt.Sprintf("shop.localhost:%d", c.URLPort()): "200 v1 ", "80.shop.localhost": "200 v1 ", "shop-login.localhost": "200 ", "nobody.localhost": "404 ",
	} {
		status, body := c.visitAt(t, host)
		if got := fmt.Sprint(status, " ", body); !strings.HasPrefix(got, want) {
			t.Errorf("%s answers %s, want %s", host, got, want)
		}
	}
	network := instance.NetworkOf("eu-west-1", c.id.Account)
	made := c.balanced(t, "CreateLoadBalancer", "Name=shop-login", "Subnets.member.1="+network.Subnets[0].ID, "Subnets.member.2="+network.Subnets[1].ID)
	if want := fmt.Sprintf("<DNSName>shop-login.eu-west-1.localhost:%d</DNSName>", c.URLPort()); !strings.Contains(made, want) {
		t.Errorf("the name of an environment: %s, want %s", made, want)
	}
}

func TestLoadBalancersOutliveARestart(t *testing.T) {
	c := start(t, Config{})
	group := c.shopBehindABalancer(t)
	stop(t, c)
	c = start(t, Config{Dir: c.cfg.Dir})
	awaits(t, "the target is healthy", func() bool { return c.HealthyTargets()[group] == 1 })
	if status, body := c.visitAt(t, "shop.localhost"); status != http.StatusOK || !strings.HasPrefix(body, "v1 ") {
		t.Errorf("after a restart: %d %s", status, body)
	}
}

func TestAWatcherSeesTheHealthAfterEachCall(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	var c *Cloud
	c = start(t, Config{Watch: func(e Entry) {
		mu.Lock()
		defer mu.Unlock()
		for _, n := range c.HealthyTargets() {
			seen = append(seen, fmt.Sprint(e.Action, " ", n))
		}
	}})
	group := c.shopBehindABalancer(t)
	awaits(t, "the target is healthy", func() bool { return c.HealthyTargets()[group] == 1 })
	id := arnIn(t, c.balanced(t, "DescribeTargetHealth", "TargetGroupArn="+group), "Id")
	c.balanced(t, "DeregisterTargets", "TargetGroupArn="+group, "Targets.member.1.Id="+id)
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(seen[max(0, len(seen)-2):], ", "); got != "DescribeTargetHealth 1, DeregisterTargets 0" {
		t.Errorf("the watcher saw %q", seen)
	}
}
