package envs

import (
	"context"
	"errors"
	"time"

	"beansprout/envs/beanstalk"
)

const (
	// eventPause is how long a follower of events waits between two looks: the whole account
	// shares two describes a second.
	eventPause = 4 * time.Second
	// eventLag is how long AWS may take to deliver an event.
	eventLag = time.Minute
	// looksUntilProof is how many looks pass until the environment itself is looked for.
	looksUntilProof = 8
	// logTime is how long AWS may take to gather logs.
	logTime = time.Minute
)

// EventOptions are those of Events.
type EventOptions struct {
	Since  time.Time // the zero time is since the environment was made
	Follow bool      // go on with what comes, until the environment has gone
	Show   func(beanstalk.Event) error
}

// Events shows what AWS says about the environment, without secrets, oldest first. With Follow it returns nil when
// the environment has gone. An error of Show ends it.
func (m *Manager) Events(ctx context.Context, e Environment, o EventOptions) error {
	feed := eventFeed{since: eventsFrom(e, o.Since)}
	for look := 1; ; look++ {
		gone := !o.Follow
		if o.Follow && look%looksUntilProof == 0 {
			_, err := m.beanstalk.Get(ctx, e.ID)
			gone = errors.Is(err, ErrNotFound)
		}
		news, err := feed.next(ctx, m.beanstalk, e.ID)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		for _, event := range news {
			event.Message = m.config.Mask(event.Message)
			if err := o.Show(event); err != nil {
				return err
			}
			gone = gone || event.Terminated()
		}
		if gone {
			return nil
		}
		if err := pause(ctx, eventPause); err != nil {
			return err
		}
	}
}

// eventsFrom returns from when the events of an environment are read. One that has gone has no date of its creation:
// AWS keeps events as long as the environment.
func eventsFrom(e Environment, since time.Time) time.Time {
	made := e.Created.Add(-time.Minute) // AWS's own dates need not agree to the second
	switch {
	case since.After(beanstalkBegan):
		return since
	case made.After(beanstalkBegan):
		return made
	}
	return time.Now().Add(-terminatedRetention)
}

// Logs returns the end of the logs of the environment's instances, without secrets. The error wraps
// ErrNotFound when the environment has gone, and ErrNotReady while AWS gathers none.
func (m *Manager) Logs(ctx context.Context, e Environment) (string, error) {
	return m.logs(ctx, e.Env)
}

// logs is Logs, of these instances alone where any are named.
func (m *Manager) logs(ctx context.Context, e Env, instances ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	text, err := m.beanstalk.Tail(ctx, e, instances...)
	return m.config.Mask(text), err
}

// eventFeed returns the events of an environment since a time, each once.
type eventFeed struct {
	since time.Time
	shown map[beanstalk.Event]bool
}

func (f *eventFeed) next(ctx context.Context, client *beanstalk.Client, id string) (news []beanstalk.Event, err error) {
	all, err := client.Events(ctx, id, f.since)
	if err != nil {
		return nil, err
	}
	if f.shown == nil {
		f.shown = map[beanstalk.Event]bool{}
	}
	for _, event := range all {
		if f.shown[event] {
			continue
		}
		f.shown[event] = true
		news = append(news, event)
		if from := event.Time.Add(-eventLag); from.After(f.since) {
			f.since = from
		}
	}
	return news, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
