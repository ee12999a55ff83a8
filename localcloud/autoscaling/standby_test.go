package autoscaling

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/test/must"
)

func TestStandbyLastsAsLongAsTheDraining(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-3", "DesiredCapacity=3")
		s.has("3 InService")
		old := s.ids(inService)
		s.do("EnterStandby", append(members(old...), "ShouldDecrementDesiredCapacity=true")...)
		s.has("3 EnteringStandby")
		if got := s.balancer.serving(); got != 0 || s.group().Desired != 0 {
			t.Errorf("%d are registered and %d desired, want none", got, s.group().Desired)
		}
		const refusal = "ValidationError: The instance %s is not in Standby."
		if got, want := s.call("ExitStandby", members(old[0])...), strings.ReplaceAll(refusal, "%s", old[0]); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		time.Sleep(29 * time.Second)
		s.restart()
		s.has("3 EnteringStandby")
		time.Sleep(time.Second)
		synctest.Wait()
		s.has("3 Standby")
		s.do("ExitStandby", members(old...)...)
		s.has("3 InService")
		if got := s.ids(inService); !slices.Equal(got, old) || s.balancer.serving() != 3 || s.group().Desired != 3 {
			t.Errorf("%v are in service, %d registered, %d desired", got, s.balancer.serving(), s.group().Desired)
		}
	})
}

func TestStandbyWithoutDecrementIsReplaced(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("2-4")
		s.do("SuspendProcesses", "ScalingProcesses.member.1=AZRebalance")
		s.do("EnterStandby", append(members(s.ids(inService)[0]), "ShouldDecrementDesiredCapacity=false")...)
		s.has("1 EnteringStandby, 2 InService")
		time.Sleep(time.Minute)
		synctest.Wait()
		s.has("2 InService, 1 Standby")
		s.do("UpdateAutoScalingGroup", "MinSize=0")
		s.do("ExitStandby", members(s.ids(standby)...)...)
		s.has("3 InService")
	})
}

func TestWhatEndsInStandbyIsListedUntilItLeavesStandby(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-2", "DesiredCapacity=1")
		old := s.ids(inService)
		s.do("EnterStandby", append(members(old...), "ShouldDecrementDesiredCapacity=true")...)
		time.Sleep(time.Minute)
		must.Succeed(s, s.fleet.Terminate("Client.Test: gone", old...))
		time.Sleep(time.Hour)
		synctest.Wait()
		s.has("1 Standby")
		if got := s.do("DescribeAutoScalingGroups"); !strings.Contains(got, "<HealthStatus>Healthy</HealthStatus>") {
			t.Errorf("its health is looked at: %s", got)
		}
		s.do("ExitStandby", members(old...)...)
		s.has("1 InService")
		if got := s.ids(inService); slices.Equal(got, old) {
			t.Error("it came back from the dead")
		}
	})
}

func TestStandbyInstancesAreTerminatedOneByOne(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-2", "DesiredCapacity=2")
		old := s.ids(inService)
		s.do("EnterStandby", append(members(old...), "ShouldDecrementDesiredCapacity=true")...)
		time.Sleep(time.Minute)
		s.do("TerminateInstanceInAutoScalingGroup", "InstanceId="+old[0], "ShouldDecrementDesiredCapacity=false")
		s.has("1 Standby")
		s.do("TerminateInstanceInAutoScalingGroup", "InstanceId="+old[1], "ShouldDecrementDesiredCapacity=false")
		s.has("")
		if got := s.told(); !strings.HasPrefix(got, "Successful: ") || !strings.Contains(got, "in response to a user request.") {
			t.Errorf("told %q", got)
		}
	})
}

func TestStandbyIsRefused(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("2-3")
		ids := s.ids(inService)
		many := make([]string, 21)
		for i := range many {
			many[i] = ids[0]
		}
		s.do("CreateAutoScalingGroup", "AutoScalingGroupName=h", "LaunchTemplate.LaunchTemplateName=web", "MinSize=1", "MaxSize=1", "AvailabilityZones.member.1=eu-west-1a")
		other := s.groupNamed("h").Instances[0].ID
		for _, tt := range []struct {
			action     string
			parameters []string
			want       string
		}{
			{"EnterStandby", append(members(ids[0]), "ShouldDecrementDesiredCapacity=true"),
				"AutoScalingGroup g has min-size=2, max-size=3, and desired-size=2. To place into standby 1 instance, please update the AutoScalingGroup sizes appropriately."},
			{"EnterStandby", append(members(ids...), "ShouldDecrementDesiredCapacity=true"),
				"AutoScalingGroup g has min-size=2, max-size=3, and desired-size=2. To place into standby 2 instances, please update the AutoScalingGroup sizes appropriately."},
			{"EnterStandby", append(members(other), "ShouldDecrementDesiredCapacity=true"), "The instance " + other + " is not part of Auto Scaling group g."},
			{"EnterStandby", append(members(ids[0], ids[0]), "ShouldDecrementDesiredCapacity=false"), "Duplicate instance IDs were specified: " + ids[0] + "."},
			{"EnterStandby", members(ids[0]), "1 validation error detected: Value null at 'shouldDecrementDesiredCapacity' failed to satisfy constraint: Member must not be null"},
			{"EnterStandby", []string{"ShouldDecrementDesiredCapacity=true"}, "1 validation error detected: Value null at 'instanceIds' failed to satisfy constraint: Member must not be null"},
			{"ExitStandby", members(ids[0]), "The instance " + ids[0] + " is not in Standby."},
			{"TerminateInstanceInAutoScalingGroup", []string{"InstanceId=" + ids[0], "ShouldDecrementDesiredCapacity=true"},
				"Currently, desiredSize equals minSize (2). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size"},
			{"TerminateInstanceInAutoScalingGroup", []string{"InstanceId=i-none", "ShouldDecrementDesiredCapacity=true"}, "Instance Id not found - No managed instance found for instance ID: i-none"},
		} {
			if got := s.call(tt.action, tt.parameters...); got != "ValidationError: "+tt.want {
				t.Errorf("%s %v:\ngot  %s\nwant %s", tt.action, tt.parameters, got, tt.want)
			}
		}
		if got := s.call("EnterStandby", append(members(many...), "ShouldDecrementDesiredCapacity=false")...); !strings.Contains(got, "Member must have length less than or equal to 20") {
			t.Errorf("21 ids: %s", got)
		}
		s.has("2 InService")
	})
}

func TestLeavingStandbyNeedsRoomAndLaunch(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-2", "DesiredCapacity=2")
		old := s.ids(inService)
		s.do("SuspendProcesses", "ScalingProcesses.member.1=AZRebalance")
		s.do("EnterStandby", append(members(old...), "ShouldDecrementDesiredCapacity=true")...)
		time.Sleep(time.Minute)
		s.do("SetDesiredCapacity", "DesiredCapacity=1")
		if got := s.call("ExitStandby", members(old...)...); !strings.Contains(got, "has min-size=0, max-size=2, and desired-size=1. To move out of standby 2 instances") {
			t.Errorf("above the maximum: %s", got)
		}
		s.do("SuspendProcesses", "ScalingProcesses.member.1=Launch")
		if got := s.call("ExitStandby", members(old[0])...); !strings.Contains(got, "The Launch process") {
			t.Errorf("without Launch: %s", got)
		}
		s.do("ResumeProcesses", "ScalingProcesses.member.1=Launch")
		s.do("ExitStandby", members(old[0])...)
		s.has("2 InService, 1 Standby")
	})
}
