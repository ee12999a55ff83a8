package main

import (
	"context"
	"errors"
	"fmt"

	"beansprout/janitor"
)

// makeRoom takes away versions that nobody needs any more, where AWS's quota of them is used up:
// what a sweep would take of environments that are gone. cause is returned when there are none.
func (d *deployment) makeRoom(ctx context.Context, cause error) error {
	cleared, err := d.janitor(0, nil).MakeRoom(ctx)
	removed := 0
	for _, c := range cleared {
		err = errors.Join(err, c.Err)
		if c.Action == janitor.Removed {
			removed++
		}
	}
	switch {
	case removed > 0:
		d.talk.say("the quota of versions is used up: what %d environments had left that are gone was taken away", removed)
		return nil
	case err != nil:
		return errors.Join(cause, err)
	}
	return fmt.Errorf("%w; no version of an environment that is gone is left to take away", cause)
}
