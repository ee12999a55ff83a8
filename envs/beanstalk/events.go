package beanstalk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"

	"beansprout/envs"
)

// Event is one line of what AWS says that it does.
type Event struct {
	Time     time.Time
	Severity string // TRACE, DEBUG, INFO, WARN, ERROR or FATAL
	Message  string
	Request  string // id of the call that caused it; "" for changes of health
}

// Events returns the events of an environment since the given time, oldest first. Reused
// names mix generations, so they are read by id.
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

// Took returns how long AWS took for the operation whose events these are, oldest first, by
// its own clock. It is what Expect is to be told the next time: how long Wait takes depends
// on what Expect was told.
func Took(events []Event) time.Duration {
	if len(events) == 0 {
		return 0
	}
	return events[len(events)-1].Time.Sub(events[0].Time)
}

// outcome is what an event says about the operation that it belongs to.
type outcome int

const (
	underway outcome = iota
	succeeded
	failed
)

// The terminal texts, as the EB CLI knows them (ebcli/resources/strings.py and
// ebcli/operations/commonops.py), with the command timeouts that it doesn't know
// (developer guide, "Troubleshooting deployments").
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
	case e.says(failures...), e.says("Launched environment") && strings.Contains(e.Message, "However, there were issues during launch"):
		return failed
	case e.says(successes...):
		return succeeded
	}
	return underway
}

// Terminated says whether this is the last that AWS says of an environment.
func (e Event) Terminated() bool { return e.says("terminateEnvironment completed successfully") }

// says says whether the event begins with one of the texts, give or take what AWS has been
// known to change: case, spaces and the full stop.
func (e Event) says(texts ...string) bool {
	message := strings.ToLower(strings.TrimSpace(e.Message))
	return slices.ContainsFunc(texts, func(text string) bool {
		return strings.HasPrefix(message, strings.ToLower(strings.TrimRight(text, ".")))
	})
}

// starts says whether the event is the first of an operation of that kind.
func (e Event) starts(k kind) bool {
	switch k {
	case launching:
		return e.says("createEnvironment is starting", "rebuildEnvironment is starting")
	case updating:
		return e.says("Environment update is starting")
	}
	return e.says("terminateEnvironment is starting")
}

// reverts says whether the event reports that an update doesn't take place, by whomever.
func (e Event) reverts() bool {
	return e.says("Environment update was aborted", "The environment was reverted to the previous configuration setting")
}

func (e Event) bad() bool { return e.Severity == "ERROR" || e.Severity == "FATAL" }

// LaunchFailed says whether the environment's launch failed and nothing has been deployed
// to it successfully since. Such an environment may lack its very instances: it is to be
// removed and launched again.
func (c *Client) LaunchFailed(ctx context.Context, e envs.Env) (bool, error) {
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
		case e.says("Create environment operation is complete, but with", "Failed to launch environment"),
			e.says("Launched environment") && e.outcome() == failed:
			broken = true
		case e.outcome() == succeeded:
			broken = false
		}
	}
	return broken
}
