package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Entry is a record in the list of all.
type Entry struct {
	Name     string    // of the environment
	Modified time.Time // when the record was last written, by S3's clock
	etag     string
}

// Names returns which environments have a record, by name.
func (l *Ledger) Names(ctx context.Context) ([]Entry, error) {
	pages := s3.NewListObjectsV2Paginator(l.api, &s3.ListObjectsV2Input{Bucket: &l.bucket, Prefix: aws.String(recordPrefix)})
	var all []Entry
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if missing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list the ledger: %w", translate(err))
		}
		for _, o := range page.Contents {
			name, ok := strings.CutSuffix(strings.TrimPrefix(aws.ToString(o.Key), recordPrefix), ".json")
			if ok {
				all = append(all, Entry{name, aws.ToTime(o.LastModified), aws.ToString(o.ETag)})
			}
		}
	}
	return all, nil
}

// Drop takes a record away that was listed, unless it has been written since.
func (l *Ledger) Drop(ctx context.Context, e Entry) (dropped bool, err error) {
	_, err = l.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &l.bucket, Key: aws.String(recordKey(e.Name)), IfMatch: &e.etag})
	switch {
	case missing(err), conflict(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("delete the ledger of %s: %w", e.Name, translate(err))
	}
	return true, nil
}
