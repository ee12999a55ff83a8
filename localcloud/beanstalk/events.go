package beanstalk

import (
	"fmt"
	"slices"
	"time"
)

// event is an event of an environment, a version or an application. AWS tells neither its id nor its
// environment's.
type event struct {
	At                                   time.Time
	Severity, Message                    string
	Application, Environment, ID         string
	Version, Template, Platform, Request string
}

func (e environment) event(request string) event {
	return event{Application: e.Application, Environment: e.Name, ID: e.ID, Request: request}
}

// key sorts by date.
func (e event) key() string { return fmt.Sprintf("%015d", e.At.UnixMilli()) }

// newest sorts after all keys.
const newest = "~"

// maxEvents limits the events in one answer.
const maxEvents = 1000

var severities = []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}

type describeEventsIn struct {
	ApplicationName string `aws:"min=1,max=100"`
	EnvironmentName string `aws:"min=4,max=40"`
	VersionLabel    string `aws:"min=1,max=100"`
	TemplateName    string `aws:"min=1,max=100"`

	EnvironmentId, PlatformArn, RequestId string

	Severity           string `aws:"enum=TRACE|DEBUG|INFO|WARN|ERROR|FATAL"`
	StartTime, EndTime time.Time
	MaxRecords         int `aws:"min=1,max=1000"`
	NextToken          string
}

type describeEventsOut struct {
	Events    []eventDescription
	NextToken string
}

type eventDescription struct {
	EventDate                                                                                               time.Time
	Message, ApplicationName, VersionLabel, TemplateName, EnvironmentName, PlatformArn, RequestId, Severity string
}

// describeEvents returns the newest events first. It searches the events, not the environments, so it
// finds those of terminated environments, and none of unknown ones.
func describeEvents(st *state, in describeEventsIn) (out describeEventsOut, err error) {
	before := newest
	if in.NextToken != "" {
		if before, err = readToken(in.NextToken); err != nil {
			return out, err
		}
	}
	limit := in.MaxRecords
	if limit == 0 {
		limit = maxEvents
	}
	for e := range events.backwards(st, before) {
		if e.At.Before(in.StartTime) {
			break
		}
		if !in.wants(e) {
			continue
		}
		if len(out.Events) == limit {
			last := out.Events[limit-1]
			out.NextToken = writeToken(event{At: last.EventDate}.key())
			break
		}
		out.Events = append(out.Events, eventDescription{e.At, e.Message, e.Application, e.Version, e.Template, e.Environment, e.Platform, e.Request, e.Severity})
	}
	return out, nil
}

// wants reports whether e passes the filters. StartTime is inclusive, EndTime exclusive.
func (in describeEventsIn) wants(e event) bool {
	for _, f := range [][2]string{
		{in.ApplicationName, e.Application}, {in.EnvironmentName, e.Environment}, {in.EnvironmentId, e.ID}, {in.VersionLabel, e.Version},
		{in.TemplateName, e.Template}, {in.PlatformArn, e.Platform}, {in.RequestId, e.Request},
	} {
		if f[0] != "" && f[0] != f[1] {
			return false
		}
	}
	return (in.EndTime.IsZero() || e.At.Before(in.EndTime)) && slices.Index(severities, e.Severity) >= slices.Index(severities, in.Severity)
}
