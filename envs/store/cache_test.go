package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/localcloud"
	"beansprout/test/must"
)

// cached is a cache of a cloud's records.
type cached struct {
	*testing.T
	cloud *localcloud.Cloud
	store *Store
	cache *Cache
}

// refresh lists the records and refreshes the cache, and returns how many records that has read.
func (c cached) refresh() (reads int) {
	c.Helper()
	before := len(c.cloud.Calls())
	listed, err := c.store.Entries(c.Context(), nil)
	must.Succeed(c.T, err)
	c.cache.Refresh(c.Context(), listed)
	for _, call := range c.cloud.Calls()[before:] {
		if call.Action == "GetObject" {
			reads++
		}
	}
	return reads
}

func (c cached) write(name string, change func(*Record)) {
	c.Helper()
	_, err := c.store.Change(c.Context(), name, change)
	must.Succeed(c.T, err)
}

func newCached(t *testing.T) cached {
	s, cloud := openCloud(t)
	return cached{t, cloud, s, s.Cache()}
}

func TestACacheReadsWhatWasWrittenSince(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	for i := range 40 {
		c.write(fmt.Sprint("shop-", i), func(r *Record) { r.Feature = fmt.Sprint(i) })
	}
	for _, want := range []int{40, 0} {
		if got := c.refresh(); got != want {
			t.Errorf("%d records are read, want %d", got, want)
		}
	}
	c.write("shop-7", func(r *Record) { r.Feature = "seven" })
	if got := c.refresh(); got != 1 {
		t.Errorf("after one change %d are read", got)
	}
	for name, want := range map[string]string{"shop-7": "seven", "shop-8": "8"} {
		if r, err := c.cache.Record(name, time.Now()); err != nil || r == nil || r.Feature != want {
			t.Errorf("%s is of %+v, %v", name, r, err)
		}
	}
	if r, err := c.cache.Record("shop-40", time.Now()); r != nil || err != nil {
		t.Errorf("a record that there is not: %+v, %v", r, err)
	}
}

func TestACacheForgetsWhatIsNotListed(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	for i := range 300 {
		name := fmt.Sprint("shop-", i)
		c.write(name, func(r *Record) { r.Feature = "x" })
		c.refresh()
		listed, err := c.store.Entries(t.Context(), nil)
		must.Succeed(t, err)
		if _, err := c.store.DeleteRecord(t.Context(), listed[0]); err != nil || len(c.cache.records) != 1 {
			t.Fatalf("of %d records it has %d, %v", i+1, len(c.cache.records), err)
		}
	}
	c.cache.Refresh(t.Context(), []Entry{{Name: "shop-gone", etag: "1"}}) // it was deleted behind the list
	if r, err := c.cache.Record("shop-gone", time.Now()); err != nil || r.Counter != 0 {
		t.Errorf("one that was deleted behind the list: %+v, %v", r, err)
	}
	if c.refresh(); len(c.cache.records) > 0 {
		t.Errorf("in the end it has %d", len(c.cache.records))
	}
}

func TestACacheKeepsWhatItReadLast(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	c.write("shop-x", func(r *Record) { r.Feature = "x" })
	c.refresh()
	put(t, c.store, "<html>")
	for _, want := range []int{1, 0} {
		if got := c.refresh(); got != want {
			t.Errorf("garbage is read %d times", got)
		}
		if r, err := c.cache.Record("shop-x", time.Now()); !errors.Is(err, ErrGarbage) || r == nil || r.Feature != "x" {
			t.Errorf("%+v, %v", r, err)
		}
	}
	c.write("shop-x", func(r *Record) { r.Feature = "mended" })
	listed, err := c.store.Entries(t.Context(), nil)
	must.Succeed(t, err)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	c.cache.Refresh(over, listed)
	if r, err := c.cache.Record("shop-x", time.Now()); !errors.Is(err, context.Canceled) || r.Feature != "x" {
		t.Errorf("when it could not be read: %+v, %v", r, err)
	}
	if got := c.refresh(); got != 1 {
		t.Errorf("what could not be read is read %d times", got)
	}
	if r, err := c.cache.Record("shop-x", time.Now()); err != nil || r.Feature != "mended" {
		t.Errorf("then %+v, %v", r, err)
	}
	put(t, c.store, "[")
	fresh := cached{t, c.cloud, c.store, c.store.Cache()}
	fresh.refresh()
	if r, err := fresh.cache.Record("shop-x", time.Now()); !errors.Is(err, ErrGarbage) || r != nil {
		t.Errorf("what was never a record: %+v, %v", r, err)
	}
}

// The record of an operation that was killed is not written any more.
func TestALeaseInACacheExpires(t *testing.T) {
	t.Parallel()
	c := newCached(t)
	_, err := c.store.api.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &c.store.bucket, Key: aws.String(recordKey("shop-x")), Body: strings.NewReader(`{"feature": "x", "lease": {"holder": "another", "host": "elsewhere", "verb": "up", "renewed": "9999-12-31T00:00:00Z"}}`),
	})
	must.Succeed(t, err)
	c.refresh()
	now := time.Now()
	for _, tt := range []struct {
		at    time.Duration
		taken bool
	}{{0, true}, {50 * time.Second, true}, {2 * time.Minute, false}, {0, true}} {
		r, err := c.cache.Record("shop-x", now.Add(tt.at))
		if err != nil || (r.Lease != nil) != tt.taken || !r.At.Equal(now.Add(tt.at)) {
			t.Errorf("after %v: %+v at %v, %v", tt.at, r.Lease, r.At, err)
		}
	}
	if c.refresh() != 0 {
		t.Error("it is read again for that")
	}
}
