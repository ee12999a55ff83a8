package table

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"beansprout/test/must"
)

func TestRecordsAreThoseOfTheirKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db")
	names := Table[string]{"names"}
	db, err := Open(file, names.Bucket)
	must.Succeed(t, err)
	must.Succeed(t, db.Update(func(tx *bolt.Tx) error {
		return errors.Join(names.Put(tx, "b", "eu-west-1", "b"), names.Put(tx, "a/c", "eu-west-1", "a/c"), names.Put(tx, "other", "eu-west-10", "x"),
			names.Put(tx, "gone", "eu-west-1", "z"), names.Delete(tx, "eu-west-1", "z"), names.Delete(tx, "eu-west-1", "never"))
	}))
	must.Succeed(t, db.Close())
	db, err = Open(file, names.Bucket)
	must.Succeed(t, err)
	defer db.Close()
	must.Succeed(t, db.View(func(tx *bolt.Tx) error {
		for _, tt := range []struct{ parts, want []string }{{[]string{"eu-west-1"}, []string{"a/c", "b"}}, {nil, []string{"a/c", "b", "other"}}, {[]string{"eu"}, nil}} {
			got, err := names.All(tx, tt.parts...)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%v: %q, %v, want %q", tt.parts, got, err, tt.want)
			}
		}
		if got, ok, err := names.Get(tx, "eu-west-1", "a/c"); got != "a/c" || !ok || err != nil {
			t.Errorf("%q %v %v", got, ok, err)
		}
		_, ok, err := names.Get(tx, "eu-west-1", "z")
		if ok {
			t.Error("what was deleted is there")
		}
		return err
	}))
}
