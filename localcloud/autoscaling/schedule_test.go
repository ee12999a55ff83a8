package autoscaling

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The clock of the bubble begins at midnight of 2000-01-01, a Saturday.
func TestScheduledActionsFollowTheClock(t *testing.T) {
	type at struct {
		after time.Duration // since the start
		sizes string
	}
	for name, tt := range map[string]struct {
		action string
		want   []at
		left   int // actions
	}{
		"once": {"StartTime=2000-01-01T06:00:00Z DesiredCapacity=3",
			[]at{{6*time.Hour - time.Second, "{0 4 1}"}, {6 * time.Hour, "{0 4 3}"}}, 0},
		"daily": {"Recurrence=30+6+*+*+* MinSize=2",
			[]at{{6*time.Hour + 29*time.Minute, "{0 4 1}"}, {6*time.Hour + 30*time.Minute, "{2 4 2}"}}, 1},
		"in Seoul": {"Recurrence=0+9+*+*+* TimeZone=Asia/Seoul DesiredCapacity=3",
			[]at{{23 * time.Hour, "{0 4 1}"}, {24 * time.Hour, "{0 4 3}"}}, 1},
		"in New York in summer": {"Recurrence=0+9+1+7+* TimeZone=America/New_York DesiredCapacity=3",
			[]at{{182*24*time.Hour + 13*time.Hour - time.Minute, "{0 4 1}"}, {182*24*time.Hour + 13*time.Hour, "{0 4 3}"}}, 1},
		"first at its start": {"StartTime=2000-01-01T06:00:00Z Recurrence=0+3+*+*+* MaxSize=1 MinSize=0",
			[]at{{3 * time.Hour, "{0 4 1}"}, {6 * time.Hour, "{0 1 1}"}}, 1},
		"not after its end": {"Recurrence=0+*+*+*+* EndTime=2000-01-01T00:30:00Z DesiredCapacity=3",
			[]at{{2 * time.Hour, "{0 4 1}"}}, 0},
		"outside of the bounds": {"StartTime=2000-01-01T06:00:00Z DesiredCapacity=9",
			[]at{{7 * time.Hour, "{0 4 1}"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inScene(t, func(s *scene) {
				s.create("0-4", "DesiredCapacity=1")
				parameters := []string{"ScheduledActionName=n"}
				for _, p := range strings.Fields(tt.action) {
					parameters = append(parameters, strings.ReplaceAll(p, "+", " "))
				}
				s.do("PutScheduledUpdateGroupAction", parameters...)
				start := time.Now()
				for _, want := range tt.want {
					s.after(want.after - time.Since(start))
					if got := fmt.Sprint(s.group().sizes); got != want.sizes {
						t.Errorf("after %v the sizes are %s, want %s", want.after, got, want.sizes)
					}
				}
				if got := len(s.group().Scheduled); got != tt.left {
					t.Errorf("%d actions are left, want %d", got, tt.left)
				}
			})
		})
	}
}

func TestAScheduledActionThatFailsIsTold(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-4")
		s.do("PutScheduledUpdateGroupAction", "ScheduledActionName=n", "StartTime=2000-01-01T06:00:00Z", "DesiredCapacity=9")
		s.after(6 * time.Hour)
		if got, want := s.told(), "Failed: Desired capacity:9 must be between the specified min size:0 and max size:4 | At 2000-01-01T06:00:00Z the scheduled action n was executed."; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

func TestAnActionWhoseTimePassedWhileTheCloudWasStoppedIsExecutedLate(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-4")
		s.do("PutScheduledUpdateGroupAction", "ScheduledActionName=n", "StartTime=2000-01-01T06:00:00Z", "DesiredCapacity=2")
		s.shut()
		time.Sleep(24 * time.Hour)
		s.open()
		s.after(0)
		s.has("2 InService")
	})
}

func TestScheduledActionsAreRefused(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-4")
		s.do("PutScheduledUpdateGroupAction", "ScheduledActionName=taken", "StartTime=2000-01-02T00:00:00Z", "DesiredCapacity=2")
		for action, want := range map[string]string{
			"Recurrence=0+9+*+*+* MinSize=2 DesiredCapacity=1":                      "ValidationError: Desired capacity must be greater than or equal to min size",
			"Recurrence=0+9+*+*+* MaxSize=2 DesiredCapacity=3":                      "ValidationError: Desired capacity must be less than or equal to max size",
			"Recurrence=0+9+*+*+*":                                                  "ValidationError: At least one of MinSize, MaxSize and DesiredCapacity must be specified.",
			"MinSize=1":                                                             "ValidationError: Either StartTime or Recurrence must be specified.",
			"MinSize=1 StartTime=1999-12-31T00:00:00Z":                              "ValidationError: Given start time is in the past",
			"MinSize=1 StartTime=2000-01-03T00:00:00Z EndTime=2000-01-03T00:00:00Z": "ValidationError: Given end time must be after the start time",
			"MinSize=1 Recurrence=@daily":                                           "ValidationError: Given recurrence string:@daily is invalid",
			"MinSize=1 Recurrence=TZ=Asia/Seoul+0+9+*+*+*":                          "ValidationError: Given recurrence string:TZ=Asia/Seoul 0 9 * * * is invalid",
			"MinSize=1 Recurrence=0+25+*+*+*":                                       "ValidationError: Given recurrence string:0 25 * * * is invalid",
			"MinSize=1 Recurrence=0+9+*+*+* TimeZone=Mars/Base":                     "ValidationError: Given time zone Mars/Base is invalid",
			"MinSize=1 StartTime=2000-01-02T00:00:00Z":                              "AlreadyExists: A scheduled action with this start time already exists: taken",
			"MinSize=1 StartTime=2000-01-02T00:00:00Z Time=2000-01-03T00:00:00Z":    "ValidationError: Time and StartTime must be the same.",
			"MinSize=1 StartTime=2000-01-02T00:00:00Z AutoScalingGroupName=none":    "ValidationError: AutoScalingGroup name not found - AutoScalingGroup 'none' not found",
			"MinSize=1 Time=2000-01-01T00:00:00Z":                                   "ValidationError: Given start time is in the past",
			"MinSize=1 StartTime=2000-01-03T00:00:00Z EndTime=1999-01-03T00:00:00Z": "ValidationError: Given end time is in the past",
			"MinSize=1 StartTime=2000-01-03T00:00:00Z TimeZone=Asia/Seoul":          "ValidationError: TimeZone requires a recurrence.",
			"MinSize=5 MaxSize=4 StartTime=2000-01-03T00:00:00Z":                    "ValidationError: Min size must be less than or equal to max size",
		} {
			parameters := []string{"ScheduledActionName=n"}
			for _, p := range strings.Fields(action) {
				parameters = append(parameters, strings.ReplaceAll(p, "+", " "))
			}
			if got := s.call("PutScheduledUpdateGroupAction", parameters...); got != want {
				t.Errorf("%s:\ngot  %s\nwant %s", action, got, want)
			}
		}
	})
}

func TestTwoGroupsMayHaveActionsAndPoliciesOfOneName(t *testing.T) {
	inScene(t, func(s *scene) {
		s.create("0-4")
		s.create("0-4", "AutoScalingGroupName=h")
		for name, desired := range map[string]string{"g": "1", "h": "2"} {
			s.do("PutScheduledUpdateGroupAction", "AutoScalingGroupName="+name, "ScheduledActionName=n", "StartTime=2000-01-01T06:00:00Z", "DesiredCapacity="+desired)
			s.do("PutScalingPolicy", "AutoScalingGroupName="+name, "PolicyName=p", "AdjustmentType=ExactCapacity", "ScalingAdjustment="+desired)
		}
		s.do("DeletePolicy", "AutoScalingGroupName=h", "PolicyName=p")
		s.after(6 * time.Hour)
		g, h := s.groupNamed("g"), s.groupNamed("h")
		if g.Desired != 1 || h.Desired != 2 || len(h.Policies) > 0 || len(g.Policies) != 1 || *g.Policies[0].ScalingAdjustment != 1 {
			t.Errorf("g wants %d and has %v; h wants %d and has %v", g.Desired, g.Policies, h.Desired, h.Policies)
		}
	})
}
