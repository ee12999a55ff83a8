package autoscaling

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/test/must"
)

// after lets time pass, and everything that is due in it happen.
func (s *scene) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestAnUnhealthyInstanceIsReplacedAfterItsGrace(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-3", "DesiredCapacity=1", "HealthCheckType=ELB", "HealthCheckGracePeriod=60")
		old := s.ids(inService)
		s.balancer.is(old...)
		s.after(59 * time.Second)
		s.has("1 InService")
		if got := s.ids(inService); !slices.Equal(got, old) {
			t.Fatal("it was replaced within its grace")
		}
		s.after(2 * time.Second)
		s.has("1 InService, 1 Terminating")
		s.after(time.Minute)
		s.has("1 InService")
		if got := s.ids(inService); slices.Equal(got, old) {
			t.Error("it was not replaced")
		}
		if got := s.do("DescribeScalingActivities"); !strings.Contains(got, "in response to an ELB system health check failure.") {
			t.Errorf("told %s", got)
		}
	})
}

func TestAGroupWithoutGraceKillsSlowStartersAgainAndAgain(t *testing.T) {
	inScene(t, func(s *scene) {
		s.balancer.is("*")
		s.create("0-3", "DesiredCapacity=1", "HealthCheckType=ELB")
		s.after(5 * time.Minute)
		if got := len(s.fleet.All(region)); got < 8 {
			t.Errorf("%d instances were launched in five minutes", got)
		}
	})
}

func TestUnhealthyInstancesAreReplacedOneAtATime(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-9", "DesiredCapacity=3", "HealthCheckType=ELB", "HealthCheckGracePeriod=10")
		s.after(10 * time.Second)
		s.balancer.is(s.ids(inService)...)
		s.after(time.Second)
		s.has("3 InService, 1 Terminating")
		s.after(2 * time.Minute)
		s.has("3 InService")
		if got := len(s.fleet.All(region)); got != 6 {
			t.Errorf("there were %d instances, want 6", got)
		}
	})
}

func TestWithEC2ChecksTheLoadBalancerHasNoSay(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-3", "DesiredCapacity=2")
		s.balancer.is("*")
		s.after(time.Hour)
		if got := len(s.fleet.All(region)); got != 2 {
			t.Errorf("there were %d instances, want 2", got)
		}
	})
}

func TestInstancesThatEndedAreReplacedAtOnce(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-3", "DesiredCapacity=3")
		must.Succeed(t, s.fleet.Terminate("Client.Test: gone", s.ids(inService)...))
		s.after(time.Minute)
		s.has("3 InService")
	})
}

// whileSuspended runs each test on a group of two instances of which the named process is suspended.
func whileSuspended(t *testing.T, tests map[string]func(*scene)) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inScene(t, func(s *scene) {
				s.create("0-4", "DesiredCapacity=2")
				s.do("SuspendProcesses", "ScalingProcesses.member.1="+name)
				test(s)
			})
		})
	}
}

func TestWhatASuspendedProcessLeavesUndone(t *testing.T) {
	whileSuspended(t, map[string]func(*scene){
		"Launch": func(s *scene) {
			s.do("SetDesiredCapacity", "DesiredCapacity=4")
			s.has("2 InService")
		},
		"Terminate": func(s *scene) {
			s.do("SetDesiredCapacity", "DesiredCapacity=1")
			s.has("2 InService")
			s.do("TerminateInstanceInAutoScalingGroup", "InstanceId="+s.ids(inService)[0], "ShouldDecrementDesiredCapacity=false")
			s.has("1 InService, 1 Terminating")
		},
		"AddToLoadBalancer": func(s *scene) {
			s.do("SetDesiredCapacity", "DesiredCapacity=3")
			s.do("ResumeProcesses")
			s.after(time.Hour)
			if got := s.balancer.serving(); got != 2 {
				s.Errorf("%d are registered, want 2: what was launched meanwhile never is", got)
			}
		},
		"HealthCheck": func(s *scene) {
			must.Succeed(s, s.fleet.Terminate("Client.Test: gone", s.ids(inService)[0]))
			s.after(time.Hour)
			s.has("2 InService")
		},
	})
}

func TestWhatASuspendedProcessDoesOrLosesLater(t *testing.T) {
	whileSuspended(t, map[string]func(*scene){
		"ReplaceUnhealthy": func(s *scene) {
			must.Succeed(s, s.fleet.Terminate("Client.Test: gone", s.ids(inService)[0]))
			s.after(time.Hour)
			if got := s.do("DescribeAutoScalingGroups"); strings.Count(got, "<HealthStatus>Unhealthy</HealthStatus>") != 1 {
				s.Errorf("not one unhealthy instance: %s", got)
			}
			s.has("2 InService")
			s.do("ResumeProcesses")
			s.after(time.Hour)
			if got := s.do("DescribeAutoScalingGroups"); strings.Contains(got, "Unhealthy") {
				s.Errorf("the unhealthy one was not replaced: %s", got)
			}
		},
		"ScheduledActions": func(s *scene) {
			s.do("PutScheduledUpdateGroupAction", "ScheduledActionName=n", "StartTime=2000-01-01T01:00:00Z", "DesiredCapacity=3")
			s.after(2 * time.Hour)
			s.do("ResumeProcesses")
			s.after(time.Hour)
			if g := s.group(); g.Desired != 2 || len(g.Scheduled) > 0 {
				s.Errorf("%d desired, %v scheduled; want a lost action", g.Desired, g.Scheduled)
			}
		},
		"InstanceRefresh": func(s *scene) {
			before := s.ids(inService)
			s.do("StartInstanceRefresh")
			s.after(time.Hour)
			if got := s.ids(inService); !slices.Equal(got, before) {
				s.Error("the instances were replaced")
			}
			const want = "InstanceRefreshInProgress: An Instance Refresh is already in progress and blocks the execution of this Instance Refresh."
			if got := s.call("StartInstanceRefresh"); got != want {
				s.Errorf("got %s", got)
			}
			s.do("ResumeProcesses")
			s.after(time.Hour)
			if got := s.ids(inService); slices.Equal(got, before) || s.group().Refreshes[0].Status != "Successful" {
				s.Error("the instances were not replaced")
			}
		},
	})
}

func TestProcessesAreSuspendedByNameOrAllTogether(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-4")
		if got, want := s.call("SuspendProcesses", "ScalingProcesses.member.1=Dance"), "ValidationError: 'Dance' is not a valid scaling process."; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		s.do("SuspendProcesses")
		if got := len(s.group().Suspended); got != len(processes) {
			t.Errorf("%d are suspended", got)
		}
		s.do("ResumeProcesses", "ScalingProcesses.member.1=Launch")
		if got := s.group(); len(got.Suspended) != len(processes)-1 || got.suspended("Launch") {
			t.Errorf("%v are suspended", got.Suspended)
		}
	})
}
