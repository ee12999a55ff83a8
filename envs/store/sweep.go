package store

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// Sweep is what one sweep of an application notes for the next one.
type Sweep struct {
	Environments int       `json:"ours"`              // environments of beansprout's that it left
	At           time.Time `json:"at,omitzero"`       // when it began, by AWS's clock
	Missing      []string  `json:"missing,omitempty"` // ids of the environments whose branch was gone
}

func sweepKey(application string) string {
	return prefix + "sweeps/" + url.PathEscape(application) + ".json"
}

// LastSweep returns what the last sweep noted, the zero Sweep when there was none. The error wraps
// ErrGarbage when the object isn't one.
func (s *Store) LastSweep(ctx context.Context, application string) (sweep Sweep, err error) {
	_, _, err = s.getNote(ctx, sweepKey(application), &sweep)
	if err == nil && sweep.Environments < 0 {
		err = fmt.Errorf("%w: %d environments", ErrGarbage, sweep.Environments)
	}
	if err != nil {
		return Sweep{}, fmt.Errorf("read what the last sweep left: %w", err)
	}
	return sweep, nil
}

// missingLimit is how many ids a noted sweep holds: what is longer than a record is not read.
const missingLimit = 1000

// NoteSweep writes the result of a sweep, for LastSweep.
func (s *Store) NoteSweep(ctx context.Context, application string, sweep Sweep) error {
	sweep.Missing = sweep.Missing[:min(len(sweep.Missing), missingLimit)]
	if err := s.putNote(ctx, sweepKey(application), sweep); err != nil {
		return fmt.Errorf("note what the sweep left: %w", err)
	}
	return nil
}
