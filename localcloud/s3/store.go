// Package s3 serves S3's REST protocol from one file, and hands its objects to the other
// parts of the local cloud. The protocol itself is gofakes3's; a guard stands before it
// and corrects or refuses what it would do wrongly in silence.
package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3bolt"
	"go.etcd.io/bbolt"
)

// ErrNotFound says that a bucket or an object does not exist.
var ErrNotFound = errors.New("no such object")

// Config is what a Store needs.
type Config struct {
	File string                                              // the database; created when missing
	Now  func() time.Time                                    // dates the objects
	Sign func(bucket, key string, life time.Duration) string // presigns a GET
}

// Store holds buckets and objects. Every put is one transaction on disk.
type Store struct {
	db      *bbolt.DB
	backend *objects
	guard   guard
	sign    func(bucket, key string, life time.Duration) string
	now     func() time.Time
}

// Open opens the store in cfg.File.
func Open(cfg Config) (*Store, error) {
	db, err := bbolt.Open(cfg.File, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("open objects %s: %w", cfg.File, err)
	}
	now := clock{cfg.Now}
	backend := &objects{Backend: s3bolt.New(db, s3bolt.WithTimeSource(now))}
	fake := gofakes3.New(backend, gofakes3.WithTimeSource(now))
	return &Store{db: db, backend: backend, guard: guard{fake.Server(), backend}, sign: cfg.Sign, now: cfg.Now}, nil
}

// Handler answers S3 requests whose signature was verified. It must not stand behind an
// http.ServeMux, which cleans "//" and ".." out of keys.
func (s *Store) Handler() http.Handler { return s.guard }

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// EnsureBucket creates a bucket unless it exists.
func (s *Store) EnsureBucket(name string) error {
	if err := s.backend.CreateBucket(name); err != nil && !gofakes3.IsAlreadyExists(err) {
		return fmt.Errorf("create bucket %s: %w", name, err)
	}
	return nil
}

// Get returns an object and its size in bytes, or ErrNotFound.
func (s *Store) Get(bucket, key string) (io.ReadCloser, int64, error) {
	o, err := s.backend.GetObject(bucket, key, nil)
	if gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchKey) || gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchBucket) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, 0, fmt.Errorf("get object %s/%s: %w", bucket, key, err)
	}
	return o.Contents, o.Size, nil
}

// Put writes an object whole.
func (s *Store) Put(bucket, key string, body []byte) error {
	meta := map[string]string{"Last-Modified": s.now().UTC().Format(http.TimeFormat)}
	if _, err := s.backend.PutObject(bucket, key, meta, bytes.NewReader(body), int64(len(body)), nil); err != nil {
		return fmt.Errorf("put object %s/%s: %w", bucket, key, err)
	}
	return nil
}

// Delete removes an object; one that does not exist is removed already.
func (s *Store) Delete(bucket, key string) error {
	if _, err := s.backend.DeleteObject(bucket, key); err != nil && !gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchBucket) {
		return fmt.Errorf("delete object %s/%s: %w", bucket, key, err)
	}
	return nil
}

// URL returns a presigned URL to GET an object until expires is over.
func (s *Store) URL(bucket, key string, expires time.Duration) string {
	return s.sign(bucket, key, expires)
}

// clock is a gofakes3.TimeSource.
type clock struct{ now func() time.Time }

// Now is in UTC, which S3 calls GMT.
func (c clock) Now() time.Time { return c.now().UTC() }

// Since is how long t is ago.
func (c clock) Since(t time.Time) time.Duration { return c.now().Sub(t) }
