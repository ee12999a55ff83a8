package elb

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/localcloud/autoscaling"
	"beansprout/localcloud/beanstalk"
	"beansprout/localcloud/ec2"
	"beansprout/localcloud/pipes"
	"beansprout/localcloud/wire"
	"beansprout/test/load"
	"beansprout/test/must"
)

// pairs is a load balancer before two Auto Scaling groups, blue and green, which share a target group.
type pairs struct {
	*cloud
	t       *testing.T
	ec2     *ec2.Service
	scaling *autoscaling.Service
	web     string // the target group
	fewest  int    // healthy targets after any call since the start
}

// newPairs starts four instances of blue, which run v1. Green runs v2.
func newPairs(t *testing.T) *pairs {
	t.Helper()
	dir := t.TempDir()
	p := &pairs{cloud: start(t, dir, Config{DeregisterLag: 2 * time.Second}), t: t}
	var err error
	p.ec2, err = ec2.Open(ec2.Config{File: filepath.Join(dir, "ec2.db"), Fleet: p.fleet, Addresses: func(string) ([]beanstalk.Address, error) { return nil, nil }, Now: time.Now})
	must.Succeed(t, err)
	t.Cleanup(func() { must.Succeed(t, p.ec2.Close()) })
	p.scaling, err = autoscaling.Open(t.Context(), autoscaling.Config{
		File: filepath.Join(dir, "autoscaling.db"), Fleet: p.fleet, Templates: p.ec2, Targets: p.Service, Now: time.Now, Sleep: sleep,
	})
	must.Succeed(t, err)
	t.Cleanup(func() { must.Succeed(t, p.scaling.Close()) })
	p.web, _ = p.shop(t)
	p.call(t, "ModifyTargetGroupAttributes", "TargetGroupArn="+p.web, "Attributes.member.1.Key="+delay, "Attributes.member.1.Value=6")
	p.send(p.ec2.Handler(), "2016-11-15", "CreateLaunchTemplate", "LaunchTemplateName=web", "LaunchTemplateData.ImageId=ami-0123456789abcdef0", "LaunchTemplateData.InstanceType=t3.small")
	for name, version := range map[string]string{"blue": "v1", "green": "v2"} {
		p.scale("CreateAutoScalingGroup", name, "MinSize=0", "MaxSize=8", "LaunchTemplate.LaunchTemplateName=web", "AvailabilityZones.member.1=eu-west-1a", "TargetGroupARNs.member.1="+p.web,
			"Tags.member.1.Key=docker:image:version", "Tags.member.1.Value="+version, "Tags.member.1.PropagateAtLaunch=true")
	}
	p.scale("SetDesiredCapacity", "blue", "DesiredCapacity=4")
	p.until(func() bool { return p.Healthy()[p.web] == 4 })
	p.fewest = 4
	return p
}

func (p *pairs) send(h http.Handler, version, action string, parameters ...string) string {
	p.t.Helper()
	form := "Action=" + action + "&Version=" + version + "&" + strings.Join(parameters, "&")
	r := httptest.NewRequest("POST", "/", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, wire.WithCall(r, wire.Call{ID: "1", Region: region, Account: account, Now: time.Now()}))
	if w.Code != 200 {
		p.t.Fatalf("%s %q: %s", action, parameters, w.Body)
	}
	return w.Body.String()
}

// scale calls Auto Scaling about a group, and counts the healthy targets after it.
func (p *pairs) scale(action, group string, parameters ...string) string {
	p.t.Helper()
	answer := p.send(p.scaling.Handler(), "2011-01-01", action, append(parameters, "AutoScalingGroupName="+group)...)
	p.fewest = min(p.fewest, p.Healthy()[p.web])
	return answer
}

// ids returns the instances of a group in a state.
func (p *pairs) ids(group, state string) (ids []string) {
	p.t.Helper()
	answer := p.send(p.scaling.Handler(), "2011-01-01", "DescribeAutoScalingGroups", "AutoScalingGroupNames.member.1="+group)
	for _, part := range regexp.MustCompile(`(?s)<InstanceId>.*?</LifecycleState>`).FindAllString(answer, -1) {
		if strings.Contains(part, "<LifecycleState>"+state+"<") {
			ids = append(ids, one(p.t, part, "InstanceId"))
		}
	}
	return ids
}

func (p *pairs) until(is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(time.Hour); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatal("waited in vain")
		}
	}
	synctest.Wait()
}

// standby moves all instances in service of a group to Standby.
func (p *pairs) standby(group string) {
	p.t.Helper()
	given := []string{"ShouldDecrementDesiredCapacity=true"}
	ids := p.ids(group, "InService")
	for i, id := range ids {
		given = append(given, fmt.Sprintf("InstanceIds.member.%d=%s", i+1, id))
	}
	p.scale("EnterStandby", group, given...)
	began := time.Now()
	p.until(func() bool { return len(p.ids(group, "Standby")) == len(ids) })
	if d := time.Since(began); d < 6*time.Second {
		p.t.Errorf("the move to Standby took %s, less than the deregistration delay", d)
	}
}

// clients sends 5 ms and 3 s requests to the load balancer, until it is stopped.
func (p *pairs) clients() *load.Clients {
	entry := pipes.Listen()
	server := &http.Server{Handler: p.Router(http.NotFoundHandler())}
	go func() { _ = server.Serve(entry) }()
	p.t.Cleanup(func() { _ = server.Close() })
	return load.Start(entry.Dial, load.Kind{Clients: 12, URL: "http://shop.localhost/?take=5ms"}, load.Kind{Clients: 4, URL: "http://shop.localhost/?take=3s"})
}

func TestGroupsChangePlacesWithoutALostRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPairs(t)
		clients := p.clients()
		time.Sleep(time.Second)

		p.scale("UpdateAutoScalingGroup", "green", "MinSize=4", "MaxSize=8", "DesiredCapacity=4")
		p.until(func() bool { return p.Healthy()[p.web] == 8 })
		moved := time.Now()
		p.standby("blue")
		shifted := clients.Stop()
		if n := shifted.Failed("v1", "v2"); n > 0 || shifted.All() < 500 || shifted.Answers["v2"] == 0 {
			t.Errorf("there: %d failed: %v", n, shifted.Answers)
		}
		if late := shifted.Latest["v1"].Sub(moved); late > 2*time.Second || late <= 0 {
			t.Errorf("the last request that v1 answered began %s after its instances were deregistered", late)
		}

		clients = p.clients()
		for i, id := range p.ids("blue", "Standby") {
			p.scale("ExitStandby", "blue", fmt.Sprintf("InstanceIds.member.%d=%s", i+1, id))
		}
		p.until(func() bool { return p.Healthy()[p.web] == 8 })
		p.scale("UpdateAutoScalingGroup", "green", "MinSize=0")
		p.standby("green")
		back := clients.Stop()
		if n := back.Failed("v1", "v2"); n > 0 || back.All() < 500 || back.Answers["v1"] == 0 {
			t.Errorf("and back: %d failed: %v", n, back.Answers)
		}
		if p.fewest < 4 {
			t.Errorf("a call left %d healthy targets", p.fewest)
		}
		t.Log(shifted.Answers, back.Answers)
	})
}

// The instances of the group that leaves are terminated while they drain: requests are lost, so that
// the test above can fail.
func TestGroupsThatChangePlacesTooEarlyLoseRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPairs(t)
		clients := p.clients()
		p.scale("UpdateAutoScalingGroup", "green", "MinSize=4", "MaxSize=8", "DesiredCapacity=4")
		p.until(func() bool { return p.Healthy()[p.web] == 8 })
		old := p.ids("blue", "InService")
		p.scale("SuspendProcesses", "blue")
		must.Succeed(t, p.fleet.Terminate("Client.X: test", old...))
		time.Sleep(5 * time.Second)
		if got := clients.Stop(); got.Failed("v1", "v2") == 0 {
			t.Errorf("no request was lost: %v", got.Answers)
		}
	})
}
