// Package ledger is the door to S3: it keeps one small record per environment of what
// changes about it, the lease that gives the right to change it, and the bundles that its
// versions are made of. A record only ever adds to what AWS says: a lost ledger loses no
// environment.
package ledger

import (
	"context"
	"crypto/md5"
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

// Ledger keeps records and bundles in one bucket.
type Ledger struct {
	Duration time.Duration // how long a lease lasts that isn't renewed
	Renewal  time.Duration // how often it is renewed; well under Duration

	// Create makes the bucket, where S3 says that there is none; nil where that isn't ours to do.
	Create func(context.Context) error

	api     *s3.Client
	bucket  string
	request time.Duration // bounds one request about a record
	poll    time.Duration // first pause while somebody else holds a lease
	clock   func() instant
}

// New returns the ledger in a bucket of the environments' region, with leases of a minute.
func New(api *s3.Client, bucket string) *Ledger {
	return &Ledger{
		Duration: time.Minute, Renewal: 20 * time.Second,
		api: api, bucket: bucket, request: 10 * time.Second, poll: time.Second, clock: now,
	}
}

// Bucket is the bucket's name.
func (l *Ledger) Bucket() string { return l.bucket }

// reading is a record as it was read.
type reading struct {
	Record
	etag  string  // "" where there is no record
	whole bool    // all of it has come, for certain
	sent  instant // when it was asked for, by our own clocks: before S3 looked at its own
}

// Read returns the record of the named environment, the zero record when there is none. A
// lease that is over isn't in it. The error wraps ErrGarbage when what is there isn't a record.
func (l *Ledger) Read(ctx context.Context, name string) (Record, error) {
	r, err := l.read(ctx, name)
	if err != nil {
		return Record{}, fmt.Errorf("read the ledger of %s: %w", name, err)
	}
	return r.Record, nil
}

// read tries anew where an answer was cut off, which looks like garbage, too.
func (l *Ledger) read(ctx context.Context, name string) (r reading, err error) {
	for range tries {
		r, err = l.readOnce(ctx, name)
		if err == nil || r.whole || !uncertain(err) || ctx.Err() != nil {
			break
		}
	}
	return r, translate(err)
}

func (l *Ledger) readOnce(ctx context.Context, name string) (r reading, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.request)
	defer cancel()
	r.sent = l.clock()
	out, err := l.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.bucket, Key: aws.String(recordKey(name))})
	if missing(err) {
		r.At, err = dateOf(err)
		return r, err
	}
	if err != nil {
		return r, err
	}
	defer out.Body.Close()
	text, err := io.ReadAll(io.LimitReader(out.Body, maxRecord+1))
	if err != nil {
		return r, err
	}
	r.Record, err = parse(text)
	r.etag, r.At = aws.ToString(out.ETag), serverTime(out.ResultMetadata)
	r.whole = strings.Trim(r.etag, `"`) == fmt.Sprintf("%x", md5.Sum(text)) || len(text) > maxRecord
	if r.At.IsZero() {
		return r, errNoDate
	}
	if r.Lease != nil && expired(*r.Lease, l.Duration, r.At, aws.ToTime(out.LastModified), alive) {
		r.Lease = nil
	}
	return r, err
}
