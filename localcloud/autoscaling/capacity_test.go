package autoscaling

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/test/must"
)

// perZone returns how many active members each zone has: "2 1 1".
func (s *scene) perZone() string {
	g := s.group()
	return strings.Trim(fmt.Sprint(g.perZone()), "[]")
}

func TestInstancesAreLaunchedWhereTheFewestAre(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-9")
		for desired, want := range []string{"0 0 0", "1 0 0", "1 1 0", "1 1 1", "2 1 1", "2 2 1"} {
			s.do("SetDesiredCapacity", fmt.Sprint("DesiredCapacity=", desired))
			if got := s.perZone(); got != want {
				t.Errorf("%d are in the zones %s, want %s", desired, got, want)
			}
		}
	})
}

// A group in three zones that is doubled and halved does not lose its two old instances: a zone comes
// before their age, and so a new one goes and an old one stays.
func TestZonesComeBeforeTheTerminationPolicy(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-4", "DesiredCapacity=2", "TerminationPolicies.member.1=OldestInstance")
		old := s.ids(inService)
		time.Sleep(time.Minute)
		s.do("SetDesiredCapacity", "DesiredCapacity=4")
		if got := s.perZone(); got != "2 1 1" {
			t.Fatalf("zones %s", got)
		}
		s.do("SetDesiredCapacity", "DesiredCapacity=2")
		left := s.ids(inService)
		if slices.Contains(left, old[0]) || !slices.Contains(left, old[1]) || len(left) != 2 {
			t.Errorf("%v are left, want the old %s to have stayed, and not %s", left, old[1], old[0])
		}
		s.do("SuspendProcesses", "ScalingProcesses.member.1=AZRebalance")
		time.Sleep(time.Minute)
		synctest.Wait()
		s.has("2 InService")
	})
}

func TestTerminationPolicies(t *testing.T) {
	for policy, want := range map[string]int{"OldestInstance": 0, "NewestInstance": 2, "Default": 0, "ClosestToNextInstanceHour": 0} {
		t.Run(policy, func(t *testing.T) {
			inScene(t, func(s *scene) {
				s.do("CreateAutoScalingGroup", "LaunchTemplate.LaunchTemplateName=web", "MinSize=0", "MaxSize=3", "AvailabilityZones.member.1=eu-west-1b", "TerminationPolicies.member.1="+policy)
				for desired := range 3 {
					s.do("SetDesiredCapacity", fmt.Sprint("DesiredCapacity=", desired+1))
					time.Sleep(time.Hour)
				}
				ids := s.ids(inService)
				s.do("SetDesiredCapacity", "DesiredCapacity=2")
				if got, want := s.ids(inService), slices.Delete(slices.Clone(ids), want, want+1); !slices.Equal(got, want) {
					t.Errorf("%v are left, want %v", got, want)
				}
			})
		})
	}
}

func TestAnUnbalancedGroupLaunchesBeforeItTerminates(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-6", "DesiredCapacity=4")
		s.do("SuspendProcesses", "ScalingProcesses.member.1=AZRebalance")
		for _, m := range s.group().Instances {
			if m.Zone != "eu-west-1a" {
				s.do("TerminateInstanceInAutoScalingGroup", "InstanceId="+m.ID, "ShouldDecrementDesiredCapacity=true")
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := s.perZone(); got != "2 0 0" {
			t.Fatalf("zones %s", got)
		}
		s.runner.slow = true
		s.do("ResumeProcesses")
		s.has("2 InService, 1 Pending")
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := s.perZone(); got != "1 1 0" || s.balancer.serving() != 2 {
			t.Errorf("zones %s, %d are registered", got, s.balancer.serving())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		s.has("2 InService")
	})
}

func TestAllProtectedIsToldOnce(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-3", "DesiredCapacity=2", "NewInstancesProtectedFromScaleIn=true")
		s.do("SetDesiredCapacity", "DesiredCapacity=0")
		s.has("2 InService")
		const want = "Cancelled: Could not scale to desired capacity because all remaining instances are protected from scale-in. | "
		if got := s.told(); !strings.HasPrefix(got, want) || s.group().Desired != 0 {
			t.Errorf("told %q", got)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := strings.Count(s.do("DescribeScalingActivities"), "protected from scale-in"); got != 1 {
			t.Errorf("told %d times", got)
		}
		s.do("TerminateInstanceInAutoScalingGroup", "InstanceId="+s.ids(inService)[0], "ShouldDecrementDesiredCapacity=false")
		s.has("1 InService, 1 Terminating") // calls pass over protection
	})
}

func TestSizesAreJudgedByTheFinalValues(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("1-4", "DesiredCapacity=2")
		const below, above = "New SetDesiredCapacity value 0 is below min value 1 for the AutoScalingGroup.", "New SetDesiredCapacity value 5 is above max value 4 for the AutoScalingGroup."
		for _, tt := range []struct {
			action string
			given  string
			want   string // a refusal, or the sizes
		}{
			{"SetDesiredCapacity", "DesiredCapacity=5", above},
			{"SetDesiredCapacity", "DesiredCapacity=0", below},
			{"UpdateAutoScalingGroup", "DesiredCapacity=5", "Desired capacity:5 must be between the specified min size:1 and max size:4"},
			{"UpdateAutoScalingGroup", "MinSize=5", "Max bound, 4, must be greater than or equal to min bound, 5"},
			{"UpdateAutoScalingGroup", "MinSize=3 DesiredCapacity=2", "Desired capacity:2 must be between the specified min size:3 and max size:4"},
			{"UpdateAutoScalingGroup", "MinSize=3", "{3 4 3}"}, // raises the desired capacity
			{"UpdateAutoScalingGroup", "MinSize=0", "{0 4 3}"}, // and does not lower it
			{"UpdateAutoScalingGroup", "MaxSize=2", "{0 2 2}"},
			{"UpdateAutoScalingGroup", "MinSize=6 MaxSize=8 DesiredCapacity=7", "{6 8 7}"},
			{"UpdateAutoScalingGroup", "MinSize=0 MaxSize=0 DesiredCapacity=0", "{0 0 0}"},
			{"UpdateAutoScalingGroup", "MinSize=-1", "1 validation error detected: Value '-1' at 'minSize' failed to satisfy constraint: Member must have value greater than or equal to 0"},
		} {
			got := s.call(tt.action, strings.Fields(tt.given)...)
			if strings.HasPrefix(tt.want, "{") {
				if sizes := fmt.Sprint(s.group().sizes); sizes != tt.want {
					t.Errorf("%s %s: %s and %s, want %s", tt.action, tt.given, got, sizes, tt.want)
				}
			} else if got != "ValidationError: "+tt.want {
				t.Errorf("%s %s:\ngot  %s\nwant %s", tt.action, tt.given, got, tt.want)
			}
		}
	})
}

func TestAFailedLaunchIsToldAndTriedAgain(t *testing.T) {
	inScene(t, func(s *scene) {
		s.runner.full = fmt.Errorf("insufficient capacity")
		s.create("0-3", "DesiredCapacity=1")
		s.has("")
		if got := s.told(); !strings.HasPrefix(got, "Failed: Instance failed to launch. Server.InternalError: insufficient capacity | At ") {
			t.Errorf("told %q", got)
		}
		s.runner.full = nil
		time.Sleep(retry - time.Second)
		synctest.Wait()
		s.has("")
		time.Sleep(time.Second)
		synctest.Wait()
		s.has("1 InService")
		const want = "Successful:  | At 2000-01-01T00:00:00Z a user request created an AutoScalingGroup to min: 0, max: 3, desired: 1 changing the desired capacity from 0 to 1.  " +
			"At 2000-01-01T00:01:00Z an instance was started in response to a difference between desired and actual capacity, increasing the capacity from 0 to 1."
		if got := s.told(); got != want {
			t.Errorf("told %q\nwant %q", got, want)
		}
	})
}

func TestTagsReachFutureInstancesAlone(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-2", "DesiredCapacity=1", "Tags.member.1.Key=docker:image:version", "Tags.member.1.Value=v1", "Tags.member.1.PropagateAtLaunch=true",
			"Tags.member.2.Key=kept", "Tags.member.2.Value=k")
		const where = "Tags.member.1.ResourceId=g"
		s.do("CreateOrUpdateTags", where, "Tags.member.1.ResourceType=auto-scaling-group", "Tags.member.1.Key=docker:image:version", "Tags.member.1.Value=v2", "Tags.member.1.PropagateAtLaunch=true")
		s.do("SetDesiredCapacity", "DesiredCapacity=2")
		for i, want := range []string{"v1", "v2"} {
			got, _ := s.fleet.Get(s.ids(inService)[i])
			if _, kept := got.Tags["kept"]; kept || got.Tags["docker:image:version"] != want || got.Version != want || got.Tags["aws:autoscaling:groupName"] != "g" {
				t.Errorf("instance %d has the tags %v, want %s", i, got.Tags, want)
			}
		}
		for parameters, want := range map[string]string{
			"Tags.member.1.Key=aws:x " + where + " Tags.member.1.ResourceType=auto-scaling-group": "ValidationError: AWS reserved tag prefix 'aws:' cannot be used in tag key 'aws:x'.",
			"Tags.member.1.Key=k " + where: "ValidationError: Tags must have a resource ID and a resource type.",
			"Tags.member.1.Key=k Tags.member.1.ResourceId=none Tags.member.1.ResourceType=auto-scaling-group": "ValidationError: AutoScalingGroup name not found - AutoScalingGroup 'none' not found",
		} {
			if got := s.call("CreateOrUpdateTags", strings.Fields(parameters)...); got != want {
				t.Errorf("%s: %s, want %s", parameters, got, want)
			}
		}
	})
}

func TestARestartLosesNothing(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-6", "DesiredCapacity=3")
		before := s.ids(inService)
		s.restart()
		if got := s.ids(inService); !slices.Equal(got, before) {
			t.Errorf("%v are in service, want %v", got, before)
		}
		s.do("SetDesiredCapacity", "DesiredCapacity=1")
		s.has("1 InService, 2 Terminating")
		s.restart()
		time.Sleep(time.Minute)
		synctest.Wait()
		s.has("1 InService")
		running := 0
		for _, i := range s.fleet.All(region) {
			if i.State == "running" {
				running++
			}
		}
		if running != 1 {
			t.Errorf("%d instances are running, want 1", running)
		}
	})
}

func TestAGroupIsDeletedWithItsInstancesIfForced(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("1-2")
		if got := s.call("DeleteAutoScalingGroup"); !strings.HasPrefix(got, "ResourceInUse: ") {
			t.Errorf("got %s", got)
		}
		s.do("DeleteAutoScalingGroup", "ForceDelete=true")
		s.has("1 Terminating")
		if got := s.do("DescribeAutoScalingGroups", "AutoScalingGroupNames.member.1=g"); !strings.Contains(got, "<Status>Delete in progress</Status>") {
			t.Errorf("got %s", got)
		}
		if got, want := s.call("SetDesiredCapacity", "DesiredCapacity=1"), "ValidationError: AutoScalingGroup 'g' is pending delete"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		all, err := s.groups()
		must.Succeed(t, err)
		if len(all) != 0 || s.fleet.All(region)[0].State != "terminated" {
			t.Errorf("left: %+v", all)
		}
	})
}
