package autoscaling

import (
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"beansprout/localcloud/wire"
)

// scheduled is a scheduled action. What was not given is absent.
type scheduled struct {
	Name, ARN string
	actionSettings
	Due time.Time // when it is executed next
}

type actionSettings struct {
	StartTime, EndTime *time.Time
	Recurrence         string `aws:"min=1,max=255,xml"`
	TimeZone           string `aws:"min=1,max=255,xml"`
	MinSize, MaxSize   *int   `aws:"min=0"`
	DesiredCapacity    *int   `aws:"min=0"`
}

type actionIn struct {
	ScheduledActionName string `aws:"required,min=1,max=255,xml"`
	actionSettings
}

type putActionIn struct {
	named
	actionIn
	Time *time.Time // an older name of StartTime
}

func putScheduledAction(st *state, in putActionIn) (none, error) {
	if in.Time != nil {
		if in.StartTime != nil && !in.StartTime.Equal(*in.Time) {
			return none{}, invalid("Time and StartTime must be the same.")
		}
		in.StartTime = in.Time
	}
	return none{}, st.change(in.AutoScalingGroupName, func(g *group) error { return st.schedule(g, in.actionIn) })
}

type batchPutIn struct {
	named
	ScheduledUpdateGroupActions []actionIn `aws:"required,min=1,max=50"`
}

// failedAction tells why one action of a batch failed.
type failedAction struct{ ScheduledActionName, ErrorCode, ErrorMessage string }

func failed(name string, err error) failedAction {
	code, message, _ := strings.Cut(err.Error(), ": ")
	return failedAction{name, code, message}
}

type batchPutOut struct {
	FailedScheduledUpdateGroupActions []failedAction
}

// batchPutScheduledAction puts the actions that it can, and tells why it did not put the others.
func batchPutScheduledAction(st *state, in batchPutIn) (out batchPutOut, err error) {
	err = st.change(in.AutoScalingGroupName, func(g *group) error {
		for _, a := range in.ScheduledUpdateGroupActions {
			if err := st.schedule(g, a); err != nil {
				out.FailedScheduledUpdateGroupActions = append(out.FailedScheduledUpdateGroupActions, failed(a.ScheduledActionName, err))
			}
		}
		return nil
	})
	return out, err
}

const mostScheduled = 125

// schedule adds an action in place of the one with its name.
func (st *state) schedule(g *group, in actionIn) error {
	a := scheduled{Name: in.ScheduledActionName, actionSettings: in.actionSettings}
	if err := a.check(st.Now); err != nil {
		return err
	}
	i, found := slices.BinarySearchFunc(g.Scheduled, a, func(a, b scheduled) int { return strings.Compare(a.Name, b.Name) })
	for at, other := range g.Scheduled {
		if a.StartTime != nil && other.StartTime != nil && a.StartTime.Equal(*other.StartTime) && !(found && at == i) {
			return wire.Errorf("AlreadyExists", "A scheduled action with this start time already exists: %s", other.Name)
		}
	}
	if found {
		a.ARN = g.Scheduled[i].ARN
		g.Scheduled[i] = a
		return nil
	}
	if len(g.Scheduled) >= mostScheduled {
		return wire.Errorf("LimitExceeded", "Only %d scheduled actions are allowed for a group.", mostScheduled)
	}
	a.ARN = st.arn("scheduledUpdateGroupAction", "autoScalingGroupName/"+g.Name+":scheduledActionName/"+a.Name)
	g.Scheduled = slices.Insert(g.Scheduled, i, a)
	return nil
}

// check refuses what can't be executed, and sets when the action is due.
func (a *scheduled) check(now time.Time) error {
	least, most, desired := a.MinSize, a.MaxSize, a.DesiredCapacity
	switch {
	case least == nil && most == nil && desired == nil:
		return invalid("At least one of MinSize, MaxSize and DesiredCapacity must be specified.")
	case least != nil && most != nil && *least > *most:
		return invalid("Min size must be less than or equal to max size")
	case least != nil && desired != nil && *desired < *least:
		return invalid("Desired capacity must be greater than or equal to min size")
	case most != nil && desired != nil && *desired > *most:
		return invalid("Desired capacity must be less than or equal to max size")
	case a.StartTime == nil && a.Recurrence == "":
		return invalid("Either StartTime or Recurrence must be specified.")
	case a.StartTime != nil && !a.StartTime.After(now):
		return invalid("Given start time is in the past")
	case a.EndTime != nil && !a.EndTime.After(now):
		return invalid("Given end time is in the past")
	case a.StartTime != nil && a.EndTime != nil && !a.EndTime.After(*a.StartTime):
		return invalid("Given end time must be after the start time")
	case a.TimeZone != "" && a.Recurrence == "":
		return invalid("TimeZone requires a recurrence.")
	}
	if _, err := a.recurrence(); err != nil {
		return err
	}
	a.Due = a.after(now)
	return nil
}

// recurrence returns the schedule of a recurring action, and nil if it is executed once.
func (a *scheduled) recurrence() (cron.Schedule, error) {
	if a.Recurrence == "" {
		return nil, nil
	}
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	s, err := parser.Parse(a.Recurrence)
	if err != nil || len(strings.Fields(a.Recurrence)) != 5 {
		return nil, invalid("Given recurrence string:%s is invalid", a.Recurrence)
	}
	if _, err := a.zone(); err != nil {
		return nil, invalid("Given time zone %s is invalid", a.TimeZone)
	}
	return s, nil
}

func (a *scheduled) zone() (*time.Location, error) { return time.LoadLocation(a.TimeZone) } // "" is UTC

// after returns when the action is due after a time: the zero time if never again.
func (a *scheduled) after(t time.Time) time.Time {
	var due time.Time
	if a.StartTime != nil && a.StartTime.After(t) {
		due = *a.StartTime
	} else if s, err := a.recurrence(); err == nil && s != nil {
		if zone, err := a.zone(); err == nil {
			due = s.Next(t.In(zone)).UTC()
		}
	}
	if a.EndTime != nil && due.After(*a.EndTime) {
		return time.Time{}
	}
	return due
}

type batchDeleteIn struct {
	named
	ScheduledActionNames []string `aws:"required,min=1,max=50,each,min=1,max=255,xml"`
}

type batchDeleteOut struct{ FailedScheduledActions []failedAction }

func batchDeleteScheduledAction(st *state, in batchDeleteIn) (out batchDeleteOut, err error) {
	err = st.change(in.AutoScalingGroupName, func(g *group) error {
		for _, name := range in.ScheduledActionNames {
			before := len(g.Scheduled)
			g.Scheduled = slices.DeleteFunc(g.Scheduled, func(a scheduled) bool { return a.Name == name })
			if len(g.Scheduled) == before {
				out.FailedScheduledActions = append(out.FailedScheduledActions, failed(name, invalid("Scheduled action name not found")))
			}
		}
		return nil
	})
	return out, err
}

type describeActionsIn struct {
	AutoScalingGroupName string   `aws:"min=1,max=255,xml"`
	ScheduledActionNames []string `aws:"max=50,each,min=1,max=255,xml"`
	StartTime, EndTime   *time.Time
	paged
}

// actionOut is a scheduled action on the wire.
type actionOut struct {
	AutoScalingGroupName, ScheduledActionName, ScheduledActionARN string
	Time, StartTime, EndTime                                      *time.Time
	Recurrence, TimeZone                                          string
	MinSize, MaxSize, DesiredCapacity                             *int
}

type actionsOut struct {
	ScheduledUpdateGroupActions []actionOut
	NextToken                   string
}

func describeScheduledActions(st *state, in describeActionsIn) (out actionsOut, err error) {
	of, err := st.meant(in.AutoScalingGroupName)
	var all []actionOut
	for _, g := range of {
		for _, a := range g.Scheduled {
			if in.passes(a) {
				all = append(all, actionOut{g.Name, a.Name, a.ARN, a.StartTime, a.StartTime, a.EndTime, a.Recurrence, a.TimeZone, a.MinSize, a.MaxSize, a.DesiredCapacity})
			}
		}
	}
	if err == nil {
		out.ScheduledUpdateGroupActions, out.NextToken, err = page(all, in.paged, 50, func(a actionOut) string { return a.ScheduledActionARN })
	}
	return out, err
}

// passes reports whether a call asks for an action. Its times matter only if it gives no names.
func (in describeActionsIn) passes(a scheduled) bool {
	if in.ScheduledActionNames != nil {
		return slices.Contains(in.ScheduledActionNames, a.Name)
	}
	return (in.StartTime == nil || !a.Due.Before(*in.StartTime)) && (in.EndTime == nil || !a.Due.After(*in.EndTime))
}

// meant returns the group with a name, or all groups if the name is "".
func (st *state) meant(name string) ([]group, error) {
	if name == "" {
		return groups.All(st.tx, st.Region)
	}
	g, err := st.group(name)
	return []group{*g}, err
}
