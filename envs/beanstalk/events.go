package beanstalk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
)

// Event is an event of an environment.
type Event struct {
	Time     time.Time
	Severity string // TRACE, DEBUG, INFO, WARN, ERROR or FATAL
	Message  string
	Request  string // id of the call that caused it; "" for a change of health
}

// Events returns the events of an environment since the given time, oldest first. It reads them
// by id, because environments may have used one name after another.
func (c *Client) Events(ctx context.Context, id string, since time.Time) ([]Event, error) {
	in := &eb.DescribeEventsInput{EnvironmentId: &id, StartTime: &since}
	var events []Event
	for {
		out, err := c.api.DescribeEvents(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("read the events of environment %s: %w", id, translate(err))
		}
		for _, d := range out.Events {
			events = append(events, Event{aws.ToTime(d.EventDate), string(d.Severity), aws.ToString(d.Message), aws.ToString(d.RequestId)})
		}
		if aws.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	slices.Reverse(events)
	slices.SortStableFunc(events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return events, nil
}

// OperationTime returns how long AWS took for the operation with these events, oldest first, by
// AWS's clock. It is the value for the next Expect; how long Wait takes isn't, because that
// depends on Expect.
func OperationTime(events []Event) time.Duration {
	if len(events) == 0 {
		return 0
	}
	return events[len(events)-1].Time.Sub(events[0].Time)
}

// outcome is the result of an operation, as its events report it.
type outcome int

const (
	underway outcome = iota
	succeeded
	failed
)

// The messages that end an operation, from the EB CLI (ebcli/resources/strings.py and
// ebcli/operations/commonops.py), and for command timeouts from the developer guide
// ("Troubleshooting deployments").
var (
	successes = []string{
		"Environment update completed successfully.",
		"terminateEnvironment completed successfully.",
		"Successfully launched environment:",
	}
	failures = []string{
		"Failed to launch environment.",
		"Failed to deploy application.",
		"Failed to deploy configuration.",
		"The environment was reverted to the previous configuration setting.",
		"Create environment operation is complete, but with errors",
		"Create environment operation is complete, but with command timeouts",
		"Update environment operation is complete, but with errors",
		"Update environment operation is complete, but with command timeouts",
		"ECS Application sourcebundle validation error:",
	}
)

func (e Event) outcome() outcome {
	switch {
	case e.begins(failures...), e.begins("Launched environment") && strings.Contains(e.Message, "However, there were issues during launch"):
		return failed
	case e.begins(successes...):
		return succeeded
	}
	return underway
}

// Succeeded reports whether the event says that an operation has succeeded.
func (e Event) Succeeded() bool { return e.outcome() == succeeded }

// Terminated reports whether this is the last event of an environment.
func (e Event) Terminated() bool { return e.begins("terminateEnvironment completed successfully") }

// begins reports whether the event's message begins with one of the texts, apart from what AWS
// has changed before: case, spaces and the full stop.
func (e Event) begins(texts ...string) bool {
	message := strings.ToLower(strings.TrimSpace(e.Message))
	return slices.ContainsFunc(texts, func(text string) bool {
		return strings.HasPrefix(message, strings.ToLower(strings.TrimRight(text, ".")))
	})
}

// starts reports whether the event is the first of an operation of that kind.
func (e Event) starts(k kind) bool {
	switch k {
	case launching:
		return e.begins("createEnvironment is starting", "rebuildEnvironment is starting")
	case updating:
		return e.begins("Environment update is starting")
	}
	return e.begins("terminateEnvironment is starting")
}

// reverts reports whether the event says that an update was aborted or reverted.
func (e Event) reverts() bool {
	return e.begins("Environment update was aborted", "The environment was reverted to the previous configuration setting")
}

func (e Event) isError() bool { return e.Severity == "ERROR" || e.Severity == "FATAL" }

// LaunchFailed reports whether the environment's launch failed and nothing was deployed to it
// successfully since. Such an environment may have no instances at all: it must be removed and
// launched again.
func (c *Client) LaunchFailed(ctx context.Context, e Env) (bool, error) {
	events, err := c.Events(ctx, e.ID, e.Created.Add(-time.Minute))
	if err != nil {
		return false, err
	}
	return launchFailed(events), nil
}

func launchFailed(events []Event) bool {
	broken := false
	for _, e := range events {
		switch {
		case e.begins("Create environment operation is complete, but with", "Failed to launch environment"),
			e.begins("Launched environment") && e.outcome() == failed:
			broken = true
		case e.outcome() == succeeded:
			broken = false
		}
	}
	return broken
}
