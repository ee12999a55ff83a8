package elb

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/localcloud/instance"
	"beansprout/localcloud/wire"
	"beansprout/localcloud/wire/wiretest"
	"beansprout/test/must"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
)

var network = instance.NetworkOf(region, account)

// cloud is a service with pretended instances in a directory.
type cloud struct {
	*Service
	fleet *instance.Fleet
	close func()
}

// start opens the service in dir, which is closed when the test ends.
func start(t *testing.T, dir string, c Config) *cloud {
	t.Helper()
	runner := instance.NewPretended(time.Now)
	fleet, err := instance.Open(t.Context(), instance.Config{File: filepath.Join(dir, "instances.db"), Runner: runner, Now: time.Now})
	must.Succeed(t, err)
	c.File, c.Account, c.URLPort, c.Fleet, c.Now, c.Sleep = filepath.Join(dir, "elb.db"), account, 2327, fleet, time.Now, sleep
	s, err := Open(c)
	must.Succeed(t, err)
	closed := false
	made := &cloud{s, fleet, func() {
		if !closed {
			closed = true
			must.Succeed(t, errors.Join(s.Close(), fleet.Close(), runner.Close()))
		}
	}}
	t.Cleanup(made.close)
	return made
}

// run launches an instance and waits until it runs.
func (c *cloud) run(t *testing.T, version string) (id string) {
	t.Helper()
	id = instance.NewID("i-")
	must.Succeed(t, c.fleet.Launch(instance.Instance{ID: id, Region: region, Account: account, Zone: region + "a", Subnet: network.Subnets[0].ID, VPC: network.VPC,
		Tags: map[string]string{instance.VersionTag: version}}))
	synctest.Wait()
	return id
}

// call sends NAME=VALUE parameters and returns the answer, or AWS's code and message.
func (c *cloud) call(t *testing.T, action string, parameters ...string) string {
	t.Helper()
	return c.callIn(t, region, action, parameters...)
}

func (c *cloud) callIn(t *testing.T, region, action string, parameters ...string) string {
	t.Helper()
	return wiretest.Call(t, c.Handler(), wire.Call{ID: "1", Region: region, Account: account, Now: time.Now()}, Version, action, parameters...)
}

// one returns the first element of a name in an answer.
func one(t *testing.T, answer, name string) string {
	t.Helper()
	m := regexp.MustCompile("<" + name + ">([^<]*)</" + name + ">").FindStringSubmatch(answer)
	if m == nil {
		t.Fatalf("no %s in %s", name, answer)
	}
	return m[1]
}

// balancer makes a load balancer and returns its ARN.
func (c *cloud) balancer(t *testing.T, name string) string {
	t.Helper()
	return one(t, c.call(t, "CreateLoadBalancer", "Name="+name, "Subnets.member.1="+network.Subnets[0].ID, "Subnets.member.2="+network.Subnets[1].ID), "LoadBalancerArn")
}

// group makes a target group on port 80 and returns its ARN.
func (c *cloud) group(t *testing.T, name string, more ...string) string {
	t.Helper()
	return one(t, c.call(t, "CreateTargetGroup", append([]string{"Name=" + name, "Protocol=HTTP", "Port=80", "VpcId=" + network.VPC}, more...)...), "TargetGroupArn")
}

// listener makes a listener that forwards to a group and returns its ARN.
func (c *cloud) listener(t *testing.T, balancer string, port int, group string) string {
	t.Helper()
	return one(t, c.call(t, "CreateListener", "LoadBalancerArn="+balancer, "Protocol=HTTP", fmt.Sprintf("Port=%d", port),
		"DefaultActions.member.1.Type=forward", "DefaultActions.member.1.TargetGroupArn="+group), "ListenerArn")
}

// rule makes a rule about a path and returns its ARN.
func (c *cloud) rule(t *testing.T, listener string, priority int, path, group string) string {
	t.Helper()
	return one(t, c.call(t, "CreateRule", rule1(listener, priority, path, group)...), "RuleArn")
}

func rule1(listener string, priority int, path, group string) []string {
	return []string{"ListenerArn=" + listener, fmt.Sprintf("Priority=%d", priority), "Conditions.member.1.Field=path-pattern", "Conditions.member.1.Values.member.1=" + path,
		"Actions.member.1.Type=forward", "Actions.member.1.TargetGroupArn=" + group}
}

// get sends a request to the load balancers and returns the status, and the version that answered.
func (c *cloud) get(url string) string {
	w := httptest.NewRecorder()
	c.Router(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
	return strings.TrimSpace(fmt.Sprint(w.Code, " ", w.Header().Get("Version")))
}

// code returns the code of a refusal.
func code(answer string) string {
	before, _, _ := strings.Cut(answer, ":")
	return before
}

// step is a call and what its answer contains.
type step struct {
	action string
	given  []string
	want   string
}

func (c *cloud) drive(t *testing.T, steps []step) {
	t.Helper()
	for _, s := range steps {
		if got := c.call(t, s.action, s.given...); !strings.Contains(got, s.want) {
			t.Errorf("%s %q: %s\nwant %s", s.action, s.given, got, s.want)
		}
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
