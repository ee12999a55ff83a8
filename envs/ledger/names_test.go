package ledger

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestRecordsAreListedAndDroppedUnlessWrittenSince(t *testing.T) {
	l, ctx := open(t), t.Context()
	for _, name := range []string{"shop-x", "shop-y"} {
		if _, err := l.Change(ctx, name, func(r *Record) { r.Commit = name }); err != nil {
			t.Fatal(err)
		}
	}
	all, err := l.Names(ctx)
	if err != nil || len(all) != 2 || all[0].Name != "shop-x" || all[1].Name != "shop-y" || all[0].Modified.IsZero() {
		t.Fatalf("Names = %+v, %v", all, err)
	}
	if _, err := l.Change(ctx, "shop-x", func(r *Record) { r.Draw("abc") }); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true} {
		if dropped, err := l.Drop(ctx, all[i]); err != nil || dropped != want {
			t.Errorf("Drop of %s = %v, %v; want %v", all[i].Name, dropped, err, want)
		}
	}
	if all, err = l.Names(ctx); err != nil || len(all) != 1 || all[0].Name != "shop-x" {
		t.Errorf("afterwards: %+v, %v", all, err)
	}
}

func TestTheBucketIsCreatedOnTheFirstWrite(t *testing.T) {
	l, ctx := open(t), t.Context()
	l.bucket = "new"
	created := 0
	l.Create = func(context.Context) error {
		created++
		_, err := l.api.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("new")})
		return err
	}
	if r, err := l.Read(ctx, "shop-x"); err != nil || r.At.IsZero() || created != 0 {
		t.Errorf("Read = %+v, %v and %d buckets created, want none", r, err, created)
	}
	if all, err := l.Names(ctx); err != nil || len(all) != 0 {
		t.Errorf("Names = %+v, %v", all, err)
	}
	take(t, l, Claim{})
	if err := l.Upload(ctx, BundleKey("shop-x-v", "zip"), strings.NewReader("zip"), 3); err != nil || created != 1 {
		t.Errorf("%v after %d creations, want one", err, created)
	}
	denied := errors.New("denied")
	l.bucket, l.Create = "other", func(context.Context) error { return denied }
	if _, err := l.Change(ctx, "shop-x", func(r *Record) { r.Commit = "abc" }); !errors.Is(err, denied) {
		t.Errorf("where it can't be created: %v", err)
	}
}

func TestWhatASweepLeftIsRemembered(t *testing.T) {
	l, ctx := open(t), t.Context()
	const application = "shop / 쇼핑"
	if s, err := l.LastSweep(ctx, application); err != nil || s.Ours != 0 {
		t.Errorf("before the first: %+v, %v", s, err)
	}
	if err := l.NoteSweep(ctx, application, Sweep{Ours: 7}); err != nil {
		t.Fatal(err)
	}
	if s, err := l.LastSweep(ctx, application); err != nil || s.Ours != 7 {
		t.Errorf("afterwards: %+v, %v", s, err)
	}
	if s, err := l.LastSweep(ctx, "shop"); err != nil || s.Ours != 0 {
		t.Errorf("of another application: %+v, %v", s, err)
	}
	for _, text := range []string{"<html>", `{"ours": -1}`, `{"ours": 1e400}`, ""} {
		_, err := l.api.PutObject(ctx, &s3.PutObjectInput{Bucket: &l.bucket, Key: aws.String(sweepKey(application)), Body: strings.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := l.LastSweep(ctx, application); !errors.Is(err, ErrGarbage) || s.Ours != 0 {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
	}
	if all, err := l.Names(ctx); err != nil || len(all) != 0 {
		t.Errorf("it is taken for a record: %+v, %v", all, err)
	}
}
