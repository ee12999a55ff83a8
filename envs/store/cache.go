package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// cacheReaders is how many records a Cache reads side by side. S3 has room for thousands a second.
const cacheReaders = 32

// A Cache holds records for a reader that wants to know them again and again. It reads only those that were
// written since. It must not be used concurrently.
type Cache struct {
	store   *Store
	records map[string]*cachedRecord // by the name of the environment
}

// cachedRecord is a record as it was read last.
type cachedRecord struct {
	etag     string    // of what was read last; "" where nothing was
	modified time.Time // when that was written
	record   *Record   // the last one that was a record; nil where there was none
	err      error     // why what is there now is not known
}

// Cache returns an empty cache of the records.
func (s *Store) Cache() *Cache { return &Cache{store: s, records: map[string]*cachedRecord{}} }

// Refresh reads those of the listed records that were written since they were read, and forgets all others.
// Of what can't be read, or is no record, the last reading stays, and Record tells why.
func (c *Cache) Refresh(ctx context.Context, listed []Entry) {
	records := make(map[string]*cachedRecord, len(listed))
	var g errgroup.Group
	g.SetLimit(cacheReaders)
	for _, e := range listed {
		was := c.records[e.Name]
		if was == nil {
			was = new(cachedRecord)
		}
		records[e.Name] = was
		if was.etag != e.etag || e.etag == "" {
			g.Go(func() error {
				was.read(ctx, c.store, e.Name)
				return nil
			})
		}
	}
	_ = g.Wait()
	c.records = records
}

func (r *cachedRecord) read(ctx context.Context, s *Store, name string) {
	now, err := s.read(ctx, name)
	if err != nil {
		r.err = fmt.Errorf("read the record of %s: %w", name, err)
		if errors.Is(err, ErrGarbage) {
			r.etag = now.etag
		}
		return
	}
	*r = cachedRecord{etag: now.etag, modified: now.modified, record: &now.Record}
}

// Record returns the named record as Read would at now, by S3's clock: without a lease that has expired. It is nil
// where none was listed. Where what is there now is not known, the error tells why, and the record is the last one
// that was read, or nil.
func (c *Cache) Record(name string, now time.Time) (*Record, error) {
	r := c.records[name]
	if r == nil {
		return nil, nil
	}
	if r.record == nil {
		return nil, r.err
	}
	current := *r.record
	current.At = now
	if current.Lease != nil && expired(*current.Lease, c.store.Duration, now, r.modified, alive) {
		current.Lease = nil
	}
	return &current, r.err
}
