package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Change reads the record of the named environment, lets change alter it and writes it back
// on the condition that nobody else has meanwhile; otherwise it starts again. Nothing is
// written when nothing was altered. Garbage is replaced. Slices are to be replaced, not
// altered. The lease is not for change to touch, and no change prolongs it.
func (l *Ledger) Change(ctx context.Context, name string, change func(*Record)) (Record, error) {
	return l.swap(ctx, name, func(r reading) (Record, error) {
		after := r.Record
		change(&after)
		after.Lease = r.Lease
		if equal(r.Record, after) {
			return after, errUnaltered
		}
		return after, nil
	})
}

// What alter may answer a swap besides errors of its own.
var (
	errUnaltered = errors.New("nothing was altered") // ends it without a write, and without an error
	errAgain     = errors.New("read once more")
)

// errUnanswered is what a write ends with that may have come through.
var errUnanswered = errors.New("whether it came through isn't known")

// tries is how often a request is made whose answer is lost, or is none.
const tries = 4

// swap replaces the record of the named environment by what alter makes of it, which it may
// be asked several times. An error of alter ends it. A write whose answer was lost is decided
// by reading back: the SDK may have made it twice, so even a lost race may have been won.
func (l *Ledger) swap(ctx context.Context, name string, alter func(reading) (Record, error)) (Record, error) {
	write := rand.Text()
	for lost := 0; ; {
		was, err := l.read(ctx, name)
		if err != nil && !errors.Is(err, ErrGarbage) {
			return Record{}, fmt.Errorf("read the ledger of %s: %w", name, err)
		}
		if was.Write == write {
			return was.Record, nil
		}
		after, err := l.replace(ctx, name, was, write, alter)
		switch {
		case err == nil, errors.Is(err, errUnaltered):
			return after, nil
		case errors.Is(err, errAgain):
		case !errors.Is(err, errUnanswered):
			return after, err
		default:
			if lost++; lost == tries {
				return after, err
			}
		}
		if err := pause(ctx, conflictPause); err != nil {
			return after, fmt.Errorf("write the ledger of %s: %w", name, err)
		}
	}
}

// replace makes one try of a swap. Where somebody has left no room in a record, it is garbage.
func (l *Ledger) replace(ctx context.Context, name string, was reading, write string, alter func(reading) (Record, error)) (Record, error) {
	after, err := alter(was)
	if err == nil && size(after) > maxRecord/2 {
		was.Record = Record{At: was.At}
		after, err = alter(was)
	}
	if err != nil {
		return after, err
	}
	after.Counter, after.Write = was.Counter+1, write
	return after, l.housed(ctx, func() error { return l.write(ctx, name, after, was.etag) })
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

// write replaces the record whose ETag is etag; "" is none. The error is errAgain when
// another has been written meanwhile.
func (l *Ledger) write(ctx context.Context, name string, r Record, etag string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the ledger of %s: %w", name, err)
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
	ctx, cancel := context.WithTimeout(ctx, l.request)
	defer cancel()
	_, err = l.api.PutObject(ctx, in)
	switch {
	case err == nil:
		return nil
	case conflict(err):
		return errAgain
	case uncertain(err):
		return fmt.Errorf("write the ledger of %s: %w: %w", name, errUnanswered, translate(err))
	}
	return fmt.Errorf("write the ledger of %s: %w", name, translate(err))
}
