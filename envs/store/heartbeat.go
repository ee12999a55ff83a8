package store

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// HeartbeatInterval is how often a janitor renews its heartbeat. One that was not renewed in three
// intervals is over.
const HeartbeatInterval = time.Minute

// Heartbeat is what a running janitor tells of itself.
type Heartbeat struct {
	Live    bool `json:"live"`    // it changes environments, and does not only report
	Presses bool `json:"presses"` // it answers the buttons of messages

	// Age is how long ago the heartbeat was written, by S3's clock.
	Age time.Duration `json:"-"`
}

// Current reports whether the janitor that wrote the heartbeat is likely to run still.
func (h Heartbeat) Current() bool { return h.Age >= 0 && h.Age < 3*HeartbeatInterval }

func heartbeatKey(application string) string {
	return prefix + "janitors/" + url.PathEscape(application) + ".json"
}

// Beat writes the heartbeat of the janitor that serves an application, or all where that is "".
func (s *Store) Beat(ctx context.Context, application string, h Heartbeat) error {
	if err := s.putNote(ctx, heartbeatKey(application), h); err != nil {
		return fmt.Errorf("write the janitor's heartbeat: %w", err)
	}
	return nil
}

// Heartbeat returns the last heartbeat of the janitor that serves an application, or all where that is
// "". It is false where there was none.
func (s *Store) Heartbeat(ctx context.Context, application string) (h Heartbeat, ok bool, err error) {
	age, ok, err := s.getNote(ctx, heartbeatKey(application), &h)
	if err != nil {
		return Heartbeat{}, false, fmt.Errorf("read the janitor's heartbeat: %w", err)
	}
	h.Age = age
	return h, ok, nil
}
