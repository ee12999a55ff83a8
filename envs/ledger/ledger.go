// Package ledger is the door to S3: it keeps one small record per environment of what
// changes about it, and the bundles that its versions are made of. A record only ever
// adds to what AWS says: a lost ledger loses no environment.
package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"beansprout/envs"
)

// ErrGarbage is reported when an object of the ledger isn't a record. Instances of the
// environments may be able to write to the bucket.
var ErrGarbage = errors.New("not a ledger record")

// ErrNoBucket is reported when the ledger's bucket doesn't exist.
var ErrNoBucket = errors.New("the bucket does not exist")

// maxRecord bounds what is read of a record, in bytes.
const maxRecord = 64 << 10

const prefix = "beansprout/"

// Ledger keeps records and bundles in one bucket.
type Ledger struct {
	api    *s3.Client
	bucket string
}

// New returns the ledger in a bucket of the environments' region.
func New(api *s3.Client, bucket string) *Ledger { return &Ledger{api, bucket} }

// Bucket is the bucket's name.
func (l *Ledger) Bucket() string { return l.bucket }

// Record is what changes about one environment. It counts only while Environment is the id
// of the living one.
type Record struct {
	// Counter is raised by every write: equal bytes have equal ETags, and a record that was
	// changed and changed back must not look untouched.
	Counter     int64    `json:"counter"`
	Environment string   `json:"environment,omitempty"` // its id
	Feature     string   `json:"feature,omitempty"`
	Version     string   `json:"version,omitempty"`  // label of what runs
	Commit      string   `json:"commit,omitempty"`   // that Version was made of
	Images      []string `json:"images,omitempty"`   // live tags of what runs
	Previous    []string `json:"previous,omitempty"` // live tags of what ran before
	Settings    []string `json:"settings,omitempty"` // "namespace:name" of what we have set
	Message     Message  `json:"message,omitzero"`
}

// SpeakOf makes the record one of the environment with this id. What it said about an earlier
// one of the name is dropped, but for the message, which goes on.
func (r *Record) SpeakOf(id string) {
	if r.Environment != id {
		*r = Record{Counter: r.Counter, Message: r.Message, Environment: id}
	}
}

// Message is where the environment's Slack message is.
type Message struct {
	Channel   string `json:"channel,omitempty"` // its id, not its name
	Timestamp string `json:"timestamp,omitempty"`
}

func recordKey(name string) string { return prefix + "ledger/" + name + ".json" }

// Read returns the record of the named environment, the zero record when there is none. The
// error wraps ErrGarbage when what is there isn't one.
func (l *Ledger) Read(ctx context.Context, name string) (Record, error) {
	r, _, err := l.read(ctx, name)
	if err != nil {
		return Record{}, fmt.Errorf("read the ledger of %s: %w", name, err)
	}
	return r, nil
}

func (l *Ledger) read(ctx context.Context, name string) (r Record, etag string, err error) {
	out, err := l.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.bucket, Key: aws.String(recordKey(name))})
	if missing(err) {
		return Record{}, "", nil
	}
	if err != nil {
		return Record{}, "", translate(err)
	}
	defer out.Body.Close()
	r, err = parse(out.Body)
	return r, aws.ToString(out.ETag), err
}

func parse(body io.Reader) (r Record, err error) {
	text, err := io.ReadAll(io.LimitReader(body, maxRecord+1))
	if err != nil {
		return r, err
	}
	if len(text) > maxRecord {
		return r, fmt.Errorf("%w: over %d bytes", ErrGarbage, maxRecord)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrGarbage, err)
	}
	return r, nil
}

// Change reads the record of the named environment, lets change alter it and writes it back
// on the condition that nobody else has meanwhile; otherwise it starts again. Nothing is
// written when nothing was altered. Garbage is replaced. Slices are to be replaced, not altered.
func (l *Ledger) Change(ctx context.Context, name string, change func(*Record)) (Record, error) {
	for {
		before, etag, err := l.read(ctx, name)
		if err != nil && !errors.Is(err, ErrGarbage) {
			return Record{}, fmt.Errorf("read the ledger of %s: %w", name, err)
		}
		after := before
		change(&after)
		if err == nil && equal(before, after) {
			return after, nil
		}
		after.Counter = before.Counter + 1
		switch err := l.write(ctx, name, after, etag); {
		case err == nil:
			return after, nil
		case !conflict(err):
			return Record{}, fmt.Errorf("write the ledger of %s: %w", name, translate(err))
		}
		if err := ctx.Err(); err != nil {
			return Record{}, fmt.Errorf("write the ledger of %s: %w", name, err)
		}
	}
}

func equal(a, b Record) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

func (l *Ledger) write(ctx context.Context, name string, r Record, etag string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	in := &s3.PutObjectInput{
		Bucket: &l.bucket, Key: aws.String(recordKey(name)),
		Body: bytes.NewReader(text), ContentType: aws.String("application/json"),
	}
	if etag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &etag
	}
	_, err = l.api.PutObject(ctx, in)
	return err
}

// Delete takes the record of the named environment away; none is success.
func (l *Ledger) Delete(ctx context.Context, name string) (existed bool, err error) {
	key := aws.String(recordKey(name))
	switch _, err := l.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &l.bucket, Key: key}); {
	case missing(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for the ledger of %s: %w", name, translate(err))
	}
	if _, err := l.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &l.bucket, Key: key}); err != nil && !missing(err) {
		return false, fmt.Errorf("delete the ledger of %s: %w", name, translate(err))
	}
	return true, nil
}

// conflict says whether a conditional write lost: 412, or on AWS 409 for two writes at
// once, or 404 for a record that went away in between (S3 user guide, "Conditional requests").
func conflict(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey":
		return true
	}
	return false
}

func missing(err error) bool {
	var key *types.NoSuchKey
	var head *types.NotFound
	var bucket *types.NoSuchBucket
	var answer interface{ HTTPStatusCode() int }
	return errors.As(err, &key) || errors.As(err, &head) || errors.As(err, &bucket) ||
		errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotFound
}

// translate takes the SDK's wrapping off an error.
func translate(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	if api.ErrorCode() == "NoSuchBucket" {
		return fmt.Errorf("%w (NoSuchBucket)", ErrNoBucket)
	}
	if missing(err) {
		return fmt.Errorf("%w: %s (%s)", envs.ErrNotFound, api.ErrorMessage(), api.ErrorCode())
	}
	return fmt.Errorf("%s (%s)", strings.TrimSuffix(api.ErrorMessage(), "."), api.ErrorCode())
}
