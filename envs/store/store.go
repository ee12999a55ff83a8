// Package store keeps in S3 one small record per environment, which holds what changes about it
// and the lease that gives the right to change it, and the bundles of its versions. A record
// only adds to what AWS says: no environment is lost with it.
package store

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	prefix       = "beansprout/"
	recordPrefix = prefix + "ledger/"
)

func recordKey(name string) string { return recordPrefix + name + ".json" }

// Store keeps records and bundles in one bucket.
type Store struct {
	Duration time.Duration // how long a lease lasts without a renewal
	Renewal  time.Duration // how often it is renewed; well under Duration

	// Create makes the bucket when S3 has none; nil never makes one.
	Create func(context.Context) error

	api     *s3.Client
	bucket  string
	request time.Duration // timeout of one request about a record
	poll    time.Duration // first pause between two tries to take a held lease
	clock   func() instant
	recent  *recent
}

// New returns the store in a bucket of the environments' region, with leases of a minute.
func New(api *s3.Client, bucket string) *Store {
	return &Store{
		Duration: time.Minute, Renewal: 20 * time.Second,
		api: api, bucket: bucket, request: 10 * time.Second, poll: time.Second, clock: now,
		recent: &recent{},
	}
}

// Bucket is the bucket's name.
func (s *Store) Bucket() string { return s.bucket }

// Check returns an error that wraps ErrNoBucket if there is no bucket, or another one if what Beansprout
// keeps in it can't be listed.
func (s *Store) Check(ctx context.Context) error {
	_, err := s.api.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: aws.String(prefix), MaxKeys: aws.Int32(1)})
	if err != nil {
		return fmt.Errorf("look into bucket %s: %w", s.bucket, translate(err))
	}
	return nil
}

// reading is a record as it was read.
type reading struct {
	Record
	etag     string    // "" when there is no record
	complete bool      // every byte has arrived, by the ETag
	sent     instant   // when the request was sent, by our clocks: before S3 read its own clock
	modified time.Time // when the record was written last, by S3's clock
}

// Read returns the record of the named environment, the zero record when there is none. An
// expired lease isn't in it. The error wraps ErrGarbage when the object isn't a record.
func (s *Store) Read(ctx context.Context, name string) (Record, error) {
	r, err := s.read(ctx, name)
	if err != nil {
		return Record{}, fmt.Errorf("read the record of %s: %w", name, err)
	}
	return r.Record, nil
}

// read repeats a request whose answer was lost or cut off; the latter looks like garbage.
func (s *Store) read(ctx context.Context, name string) (r reading, err error) {
	for range maxAttempts {
		r, err = s.readOnce(ctx, name)
		if err == nil || r.complete || !uncertain(err) || ctx.Err() != nil {
			break
		}
	}
	return r, translate(err)
}

func (s *Store) readOnce(ctx context.Context, name string) (r reading, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.request)
	defer cancel()
	r.sent = s.clock()
	out, err := s.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(recordKey(name))})
	if missing(err) {
		r.At, err = dateOf(err)
		return r, err
	}
	if err != nil {
		return r, err
	}
	defer out.Body.Close()
	text, err := io.ReadAll(io.LimitReader(out.Body, maxRecordBytes+1))
	if err != nil {
		return r, err
	}
	r.Record, err = parse(text)
	r.etag, r.At, r.modified = aws.ToString(out.ETag), serverTime(out.ResultMetadata), aws.ToTime(out.LastModified)
	r.complete = strings.Trim(r.etag, `"`) == fmt.Sprintf("%x", md5.Sum(text)) || len(text) > maxRecordBytes
	if r.At.IsZero() {
		return r, errNoDate
	}
	if r.Lease != nil && expired(*r.Lease, s.Duration, r.At, r.modified, alive) {
		r.Lease = nil
	}
	return r, err
}

// Change reads the record of the named environment, calls change and writes the record back on
// the condition that it wasn't written meanwhile; otherwise it starts again, so change may be
// called several times. It writes nothing when change altered nothing, and replaces garbage.
// change must replace slices and maps instead of altering them. It can't change the lease or
// prolong it.
func (s *Store) Change(ctx context.Context, name string, change func(*Record)) (Record, error) {
	return s.swap(ctx, name, nil, altered(change))
}

func altered(change func(*Record)) func(reading) (Record, error) {
	return func(r reading) (Record, error) {
		after := r.Record
		change(&after)
		after.Lease = r.Lease
		if equal(r.Record, after) {
			return after, errUnaltered
		}
		return after, nil
	}
}

// Draft is a record that was read in order to be changed a little later.
type Draft struct {
	Record Record // the zero Record where there is none, or what is there is not a record
	Err    error  // wraps ErrGarbage where what is there is not a record
	store  *Store
	name   string
	was    reading
}

// Draft reads the record of the named environment in order to change it.
func (s *Store) Draft(ctx context.Context, name string) (Draft, error) {
	was, err := s.read(ctx, name)
	if err != nil && !errors.Is(err, ErrGarbage) {
		return Draft{}, fmt.Errorf("read the record of %s: %w", name, err)
	}
	return Draft{was.Record, err, s, name, was}, nil
}

// Age returns how long ago the draft was read.
func (d Draft) Age() time.Duration { return d.store.clock().since(d.was.sent) }

// Change is Store.Change, but reads the record again only where it was written since.
func (d Draft) Change(ctx context.Context, change func(*Record)) (Record, error) {
	return d.store.swap(ctx, d.name, &d.was, altered(change))
}

// What alter may return to swap besides its own errors.
var (
	errUnaltered = errors.New("nothing was altered") // ends the swap without a write and without an error
	errAgain     = errors.New("read once more")
)

// errUnanswered is returned by a write whose answer was lost: it may have succeeded.
var errUnanswered = errors.New("whether it came through isn't known")

// maxAttempts is how many requests are made when answers are lost or can't be read.
const maxAttempts = 4

// swap replaces the record of the named environment by what alter returns. It may call alter
// several times; an error of alter ends it. When the answer to a write was lost, it reads the
// record again to see whether the write succeeded: the SDK may have sent it twice, so even a
// conflict may hide a success. known is the record if it was read already, and nil otherwise.
func (s *Store) swap(ctx context.Context, name string, known *reading, alter func(reading) (Record, error)) (Record, error) {
	write := rand.Text()
	for lost := 0; ; {
		if known == nil {
			was, err := s.read(ctx, name)
			if err != nil && !errors.Is(err, ErrGarbage) {
				return Record{}, fmt.Errorf("read the record of %s: %w", name, err)
			}
			known = &was
		}
		was := *known
		known = nil
		if was.Write == write {
			return was.Record, nil
		}
		after, err := s.replace(ctx, name, was, write, alter)
		switch {
		case err == nil, errors.Is(err, errUnaltered):
			return after, nil
		case errors.Is(err, errAgain):
		case !errors.Is(err, errUnanswered):
			return after, err
		default:
			if lost++; lost == maxAttempts {
				return after, err
			}
		}
		if err := pause(ctx, conflictPause); err != nil {
			return after, fmt.Errorf("write the record of %s: %w", name, err)
		}
	}
}

// replace makes one attempt of a swap. From a record that is too full its history goes first. One that
// is too full without any is treated as garbage.
func (s *Store) replace(ctx context.Context, name string, was reading, write string, alter func(reading) (Record, error)) (Record, error) {
	after, err := alter(was)
	if err == nil && !after.fit(maxRecordBytes/2) {
		was.Record = Record{At: was.At}
		after, err = alter(was)
		after.fit(maxRecordBytes / 2)
	}
	if err != nil {
		return after, err
	}
	after.Counter, after.Write = was.Counter+1, write
	err = s.withBucket(ctx, func() error { return s.write(ctx, name, &after, was.etag) })
	return after, err
}

func equal(a, b Record) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

func size(r Record) int {
	text, _ := json.Marshal(r)
	return len(text)
}

// write replaces the record with this ETag; "" means that there is none yet. It returns errAgain
// when another record was written meanwhile.
func (s *Store) write(ctx context.Context, name string, r *Record, etag string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the record of %s: %w", name, err)
	}
	in := &s3.PutObjectInput{
		Bucket: &s.bucket, Key: aws.String(recordKey(name)),
		Body: bytes.NewReader(text), ContentType: aws.String("application/json"),
	}
	if etag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &etag
	}
	ctx, cancel := context.WithTimeout(ctx, s.request)
	defer cancel()
	sent := s.clock()
	out, err := s.api.PutObject(ctx, in)
	switch {
	case err == nil:
		s.remember(name, r, reading{etag: aws.ToString(out.ETag), sent: sent}, serverTime(out.ResultMetadata))
		return nil
	case conflict(err):
		return errAgain
	case uncertain(err):
		return fmt.Errorf("write the record of %s: %w: %w", name, errUnanswered, translate(err))
	}
	return fmt.Errorf("write the record of %s: %w", name, translate(err))
}

// withBucket makes a call that writes. When there is no bucket, it creates the bucket and
// repeats the call until S3 accepts it: a new bucket is not visible everywhere at once.
func (s *Store) withBucket(ctx context.Context, call func() error) error {
	err := call()
	if s.Create == nil || !errors.Is(err, ErrNoBucket) {
		return err
	}
	if err := s.Create(ctx); err != nil {
		return fmt.Errorf("create bucket %s: %w", s.bucket, err)
	}
	for range maxAttempts {
		if err = call(); !errors.Is(err, ErrNoBucket) {
			break
		}
		if err := pause(ctx, s.poll); err != nil {
			return fmt.Errorf("wait for bucket %s: %w", s.bucket, err)
		}
	}
	return err
}

// Entry is a record as Entries lists it.
type Entry struct {
	Name     string    // of the environment
	Modified time.Time // when the record was last written, by S3's clock
	etag     string
}

// Entries lists the records of the environments whose names pick lets pass; nil lets all. A missing bucket has none.
func (s *Store) Entries(ctx context.Context, pick func(name string) bool) ([]Entry, error) {
	pages := s3.NewListObjectsV2Paginator(s.api, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: aws.String(recordPrefix)})
	var all []Entry
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if missing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list the records: %w", translate(err))
		}
		for _, o := range page.Contents {
			name, ok := strings.CutSuffix(strings.TrimPrefix(aws.ToString(o.Key), recordPrefix), ".json")
			if ok && (pick == nil || pick(name)) {
				all = append(all, Entry{name, aws.ToTime(o.LastModified), aws.ToString(o.ETag)})
			}
		}
	}
	return all, nil
}

// DeleteRecord deletes a listed record, unless it was written since: then it returns false.
func (s *Store) DeleteRecord(ctx context.Context, e Entry) (deleted bool, err error) {
	_, err = s.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: aws.String(recordKey(e.Name)), IfMatch: &e.etag})
	switch {
	case missing(err), conflict(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("delete the record of %s: %w", e.Name, translate(err))
	}
	return true, nil
}

// putNote writes an object that is no record.
func (s *Store) putNote(ctx context.Context, key string, note any) error {
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	return s.withBucket(ctx, func() error {
		_, err := s.api.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(text), ContentType: aws.String("application/json"),
		})
		return translate(err)
	})
}

// getNote reads an object that is no record into note. It returns false where there is none, and an
// error that wraps ErrGarbage where it is something else.
func (s *Store) getNote(ctx context.Context, key string, note any) (age time.Duration, ok bool, err error) {
	out, err := s.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if missing(err) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, translate(err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(io.LimitReader(out.Body, maxRecordBytes))
	if err != nil {
		return 0, false, err
	}
	if err := json.Unmarshal(text, note); err != nil {
		return 0, false, fmt.Errorf("%w: %q", ErrGarbage, text[:min(len(text), 100)])
	}
	return serverTime(out.ResultMetadata).Sub(aws.ToTime(out.LastModified)), true, nil
}
