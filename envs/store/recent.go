package store

import (
	"maps"
	"sync"
	"time"
)

// recent remembers the records as this process wrote them last, so that its next write of one needs no
// reading before. That is as safe as reading: a write has the condition that no other process wrote since, and
// where it fails the record is read.
type recent struct {
	mu      sync.Mutex
	records map[string]reading
}

// note remembers a record that was just written, and forgets those older than maxAge.
func (r *recent) note(name string, written reading, maxAge time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.records == nil {
		r.records = map[string]reading{}
	}
	maps.DeleteFunc(r.records, func(_ string, other reading) bool { return written.sent.since(other.sent) > maxAge })
	r.records[name] = written
}

// forget returns what is remembered of the record and forgets it.
func (r *recent) forget(name string) (reading, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was, ok := r.records[name]
	delete(r.records, name)
	return was, ok
}

// remember notes a record that was just written, at this time by S3's clock, and sets that in it. An
// answer without a date or an ETag is of no use.
func (s *Store) remember(name string, r *Record, written reading, at time.Time) {
	if at.IsZero() || written.etag == "" {
		return
	}
	r.At = at
	written.Record = *r
	s.recent.note(name, written, s.Duration)
}

// known returns the record as this process wrote it at most maxAge ago, and nil where it has to be read:
// also where usable refuses it.
func (s *Store) known(name string, maxAge time.Duration, usable func(Record) bool) *reading {
	was, ok := s.recent.forget(name)
	age := s.clock().since(was.sent)
	if !ok || age > maxAge || !usable(was.Record) {
		return nil
	}
	was.At = was.At.Add(age)
	return &was
}
