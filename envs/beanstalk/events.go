package beanstalk

import (
	"context"
	"fmt"
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
	for i, j := 0, len(events)-1; i < j; i, j = i+1, j-1 {
		events[i], events[j] = events[j], events[i]
	}
	return events, nil
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
	if strings.HasPrefix(e.Message, "Launched environment") && strings.Contains(e.Message, "However, there were issues during launch.") {
		return failed
	}
	for _, text := range failures {
		if strings.HasPrefix(e.Message, text) {
			return failed
		}
	}
	for _, text := range successes {
		if strings.HasPrefix(e.Message, text) {
			return succeeded
		}
	}
	return underway
}

// Terminated says whether this is the last that AWS says of an environment.
func (e Event) Terminated() bool {
	return strings.HasPrefix(e.Message, "terminateEnvironment completed successfully.")
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
		case strings.HasPrefix(e.Message, "Create environment operation is complete, but with"),
			strings.HasPrefix(e.Message, "Failed to launch environment."),
			strings.HasPrefix(e.Message, "Launched environment") && e.outcome() == failed:
			broken = true
		case e.outcome() == succeeded:
			broken = false
		}
	}
	return broken
}
