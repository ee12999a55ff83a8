// Package s3 serves S3's REST protocol from one file, and gives the other parts of the local cloud
// access to its objects. gofakes3 speaks the protocol. A guard in front of it corrects or refuses
// what gofakes3 would silently do wrong.
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

// ErrNotFound is reported if a bucket or an object does not exist.
var ErrNotFound = errors.New("no such object")

// Config configures a Store.
type Config struct {
	File string                                              // the database; created if missing
	Now  func() time.Time                                    // dates the objects
	Sign func(bucket, key string, life time.Duration) string // returns a presigned URL for a GET
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
	backend := &objects{Backend: s3bolt.New(db, s3bolt.WithTimeSource(now)), uploads: map[string]map[int]int{}}
	fake := gofakes3.New(backend, gofakes3.WithTimeSource(now), gofakes3.WithMetadataSizeLimit(0)) // the guard limits the metadata
	return &Store{db: db, backend: backend, guard: guard{fake.Server(), backend, cfg.Now}, sign: cfg.Sign, now: cfg.Now}, nil
}

// Handler returns the handler of S3 requests whose signature was verified. It must not be behind an
// http.ServeMux, which removes "//" and ".." from keys.
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

// Put writes an object.
func (s *Store) Put(bucket, key string, body []byte) error {
	s.backend.mu.Lock()
	defer s.backend.mu.Unlock()
	meta := map[string]string{lastModified: s.now().UTC().Format(http.TimeFormat)}
	if _, err := s.backend.PutObject(bucket, key, meta, bytes.NewReader(body), int64(len(body)), nil); err != nil {
		return fmt.Errorf("put object %s/%s: %w", bucket, key, err)
	}
	return nil
}

// Delete removes an object, if it exists.
func (s *Store) Delete(bucket, key string) error {
	s.backend.mu.Lock()
	defer s.backend.mu.Unlock()
	if _, err := s.backend.DeleteObject(bucket, key); err != nil && !gofakes3.HasErrorCode(err, gofakes3.ErrNoSuchBucket) {
		return fmt.Errorf("delete object %s/%s: %w", bucket, key, err)
	}
	return nil
}

// URL returns a presigned URL to GET an object, which is valid for expires.
func (s *Store) URL(bucket, key string, expires time.Duration) string {
	return s.sign(bucket, key, expires)
}

// clock implements gofakes3.TimeSource.
type clock struct{ now func() time.Time }

// Now returns the time in UTC, which S3 calls GMT.
func (c clock) Now() time.Time { return c.now().UTC() }

// Since returns how long ago t was.
func (c clock) Since(t time.Time) time.Duration { return c.now().Sub(t) }
