package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Sweep is what one sweep of an application left.
type Sweep struct {
	Ours int `json:"ours"` // environments of ours
}

func sweepKey(application string) string {
	return prefix + "sweeps/" + url.PathEscape(application) + ".json"
}

// LastSweep returns what the last sweep left, the zero Sweep when there was none. The error
// wraps ErrGarbage when what is there isn't one.
func (l *Ledger) LastSweep(ctx context.Context, application string) (s Sweep, err error) {
	out, err := l.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.bucket, Key: aws.String(sweepKey(application))})
	if missing(err) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read what the last sweep left: %w", translate(err))
	}
	defer out.Body.Close()
	text, err := io.ReadAll(io.LimitReader(out.Body, maxRecord))
	if err != nil {
		return s, fmt.Errorf("read what the last sweep left: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil || s.Ours < 0 {
		return Sweep{}, fmt.Errorf("read what the last sweep left: %w: %q", ErrGarbage, text[:min(len(text), 100)])
	}
	return s, nil
}

// NoteSweep writes down what a sweep left.
func (l *Ledger) NoteSweep(ctx context.Context, application string, s Sweep) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("note what the sweep left: %w", err)
	}
	return l.housed(ctx, func() error {
		_, err := l.api.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &l.bucket, Key: aws.String(sweepKey(application)),
			Body: bytes.NewReader(text), ContentType: aws.String("application/json"),
		})
		if err != nil {
			return fmt.Errorf("note what the sweep left: %w", translate(err))
		}
		return nil
	})
}
