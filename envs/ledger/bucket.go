package ledger

import (
	"context"
	"errors"
	"fmt"
)

// housed makes a call that writes. Where S3 says that there is no bucket, it creates it and
// makes the call again, until S3 knows of the new bucket everywhere.
func (l *Ledger) housed(ctx context.Context, call func() error) error {
	err := call()
	if l.Create == nil || !errors.Is(err, ErrNoBucket) {
		return err
	}
	if err := l.Create(ctx); err != nil {
		return fmt.Errorf("create bucket %s: %w", l.bucket, err)
	}
	for range tries {
		if err = call(); !errors.Is(err, ErrNoBucket) {
			break
		}
		if err := pause(ctx, l.poll); err != nil {
			return fmt.Errorf("wait for bucket %s: %w", l.bucket, err)
		}
	}
	return err
}
