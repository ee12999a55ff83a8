package autoscaling

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/localcloud/ec2"
	"beansprout/localcloud/instance"
	"beansprout/localcloud/wire"
	"beansprout/localcloud/wire/wiretest"
	"beansprout/test/must"
)

const (
	account  = "123456789012"
	region   = "eu-west-1"
	webGroup = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef"
)

// scene is a service with instances and a target group, in a bubble of synctest.
type scene struct {
	*testing.T
	dir      string
	scaling  *Service
	fleet    *instance.Fleet
	ec2      *ec2.Service
	runner   *runner
	balancer *balancer
}

// runner is a pretended one that can refuse to start instances, or let them wait for an hour.
type runner struct {
	*instance.Pretended
	full error
	slow bool
}

func (r *runner) Start(ctx context.Context, i instance.Instance) error {
	if r.full != nil {
		return r.full
	}
	if r.slow {
		if err := sleep(ctx, time.Hour); err != nil {
			return err
		}
	}
	return r.Pretended.Start(ctx, i)
}

// inScene runs a test in a bubble, on a scene with the launch template "web".
func inScene(t *testing.T, test func(*scene)) {
	t.Helper()
	t.Parallel() // it waits for the disk most of the time
	synctest.Test(t, func(t *testing.T) {
		s := &scene{T: t, dir: t.TempDir(), runner: &runner{Pretended: instance.NewPretended(time.Now)}, balancer: &balancer{delay: 30 * time.Second}}
		s.open()
		defer s.shut()
		userData := base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n# pretend: broken v13"))
		s.ask(s.ec2.Handler(), "2016-11-15", "CreateLaunchTemplate", "LaunchTemplateName=web", "LaunchTemplateData.ImageId=ami-12345678", "LaunchTemplateData.UserData="+userData)
		test(s)
	})
}

func (s *scene) open() {
	var err error
	s.fleet, err = instance.Open(s.Context(), instance.Config{File: filepath.Join(s.dir, "instances.db"), Runner: s.runner, Now: time.Now})
	must.Succeed(s, err)
	s.ec2, err = ec2.Open(ec2.Config{File: filepath.Join(s.dir, "ec2.db"), Fleet: s.fleet, Now: time.Now})
	must.Succeed(s, err)
	s.scaling, err = Open(s.Context(), Config{File: filepath.Join(s.dir, "autoscaling.db"), Fleet: s.fleet, Templates: s.ec2, Targets: s.balancer, Now: time.Now, Sleep: sleep})
	must.Succeed(s, err)
}

func (s *scene) shut() {
	must.Succeed(s, errors.Join(s.scaling.Close(), s.ec2.Close(), s.fleet.Close(), s.runner.Close()))
}

// restart opens the state again, as after the end of the process.
func (s *scene) restart() {
	s.shut()
	s.open()
	synctest.Wait()
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask sends NAME=VALUE parameters and returns the answer, or AWS's code and message.
func (s *scene) ask(h http.Handler, version, action string, parameters ...string) string {
	s.Helper()
	answer := wiretest.Call(s, h, wire.Call{ID: "1", Region: region, Account: account, Now: time.Now()}, version, action, parameters...)
	synctest.Wait()
	return answer
}

// call calls an operation of Auto Scaling on the group "g", unless another is named, and lets
// everything that is due happen.
func (s *scene) call(action string, parameters ...string) string {
	s.Helper()
	named := slices.ContainsFunc(parameters, func(p string) bool { return strings.HasPrefix(p, "AutoScalingGroupName=") })
	nameless := []string{"TerminateInstanceInAutoScalingGroup", "CreateOrUpdateTags", "DescribeAutoScalingGroups"}
	if !named && !slices.Contains(nameless, action) {
		parameters = append([]string{"AutoScalingGroupName=g"}, parameters...)
	}
	return s.ask(s.scaling.Handler(), "2011-01-01", action, parameters...)
}

// do is a call that must succeed.
func (s *scene) do(action string, parameters ...string) string {
	s.Helper()
	got := s.call(action, parameters...)
	if !strings.HasPrefix(got, "<") {
		s.Fatalf("%s %v: %s", action, parameters, got)
	}
	return got
}

// create creates the group "g" with sizes, in three zones and the target group.
func (s *scene) create(sizes string, more ...string) {
	s.Helper()
	least, most, _ := strings.Cut(sizes, "-")
	s.do("CreateAutoScalingGroup", append([]string{
		"LaunchTemplate.LaunchTemplateName=web", "MinSize=" + least, "MaxSize=" + most, "TargetGroupARNs.member.1=" + webGroup,
		"AvailabilityZones.member.1=eu-west-1a", "AvailabilityZones.member.2=eu-west-1b", "AvailabilityZones.member.3=eu-west-1c",
	}, more...)...)
}

// group returns the group "g" as it is on disk.
func (s *scene) group() group { return s.groupNamed("g") }

func (s *scene) groupNamed(name string) (g group) {
	s.Helper()
	all, err := s.groups()
	must.Succeed(s, err)
	i := slices.IndexFunc(all, func(g group) bool { return g.Name == name })
	if i < 0 {
		s.Fatalf("there is no group %s", name)
	}
	return all[i]
}

// ids returns the members in a state, in the order of their launch.
func (s *scene) ids(state string) (ids []string) {
	s.Helper()
	for _, m := range s.group().Instances {
		if m.State == state {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// members writes ids as parameters.
func members(ids ...string) (parameters []string) {
	for i, id := range ids {
		parameters = append(parameters, fmt.Sprintf("InstanceIds.member.%d=%s", i+1, id))
	}
	return parameters
}

// has checks how many members there are in each state, written as "2 InService, 1 Standby".
func (s *scene) has(want string) {
	s.Helper()
	if got := s.group().counts(); got != want {
		s.Errorf("the group has %s, want %s", got, want)
	}
}

// told returns the newest activity of the group "g", as "Status: Message | Cause".
func (s *scene) told() string {
	s.Helper()
	var answer struct {
		Activities []struct{ StatusCode, StatusMessage, Cause string } `xml:"DescribeScalingActivitiesResult>Activities>member"`
	}
	must.Succeed(s, xml.Unmarshal([]byte(s.do("DescribeScalingActivities")), &answer))
	if len(answer.Activities) == 0 {
		s.Fatal("no activities")
	}
	a := answer.Activities[0]
	return a.StatusCode + ": " + a.StatusMessage + " | " + a.Cause
}

// balancer stands in for load balancers with one target group.
type balancer struct {
	mu         sync.Mutex
	delay      time.Duration
	registered map[string]bool
	draining   map[string]time.Time // until then
	sick       map[string]bool
}

func (*balancer) Known(group string) bool { return group == webGroup }

func (b *balancer) Register(_, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.registered == nil {
		b.registered, b.draining = map[string]bool{}, map[string]time.Time{}
	}
	b.registered[id] = true
	delete(b.draining, id)
	return nil
}

func (b *balancer) Deregister(_, id string) (time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.registered[id] {
		b.draining[id] = time.Now().Add(b.delay)
		delete(b.registered, id)
	}
	return b.draining[id], nil
}

func (b *balancer) Health(_, id string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.registered[id]:
		return "unused"
	case b.sick["*"] || b.sick[id]:
		return "unhealthy"
	}
	return "healthy"
}

// serving returns how many instances are registered.
func (b *balancer) serving() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.registered)
}

func (b *balancer) is(sick ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sick = map[string]bool{}
	for _, id := range sick {
		b.sick[id] = true
	}
}
