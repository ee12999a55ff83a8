// Package table keeps records as JSON in the buckets of a bbolt file, for the services of the local
// cloud.
package table

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"beansprout/localcloud/wire"
)

// Table is a bucket of records of one type. The parts of a key are joined by "/".
type Table[T any] struct{ Bucket string }

// Open opens a file, and makes it with its buckets if they are missing.
func Open(file string, buckets ...string) (*bolt.DB, error) {
	db, err := bolt.Open(file, 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, b := range buckets {
			if _, err := tx.CreateBucketIfNotExists([]byte(b)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", file, err), db.Close())
	}
	return db, nil
}

// Op returns an operation that does f in a transaction, which is db.View or db.Update. state returns what f works
// on. What f has written is undone if it fails.
func Op[State, In, Out any](transaction func(func(*bolt.Tx) error) error, state func(context.Context, wire.Call, *bolt.Tx) State, f func(State, In) (Out, error)) wire.Operation {
	return wire.Op(func(ctx context.Context, call wire.Call, in In) (out Out, err error) {
		err = transaction(func(tx *bolt.Tx) error {
			out, err = f(state(ctx, call, tx), in)
			return err
		})
		return out, err
	})
}

// Get returns the record with a key.
func (t Table[T]) Get(tx *bolt.Tx, key ...string) (rec T, ok bool, err error) {
	raw := tx.Bucket([]byte(t.Bucket)).Get(joined(key))
	if raw == nil {
		return rec, false, nil
	}
	return rec, true, t.decode(raw, &rec)
}

// Put writes a record.
func (t Table[T]) Put(tx *bolt.Tx, rec T, key ...string) error {
	raw, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("encode %s: %w", t.Bucket, err)
	}
	return tx.Bucket([]byte(t.Bucket)).Put(joined(key), raw)
}

// Delete removes a record, if there is one.
func (t Table[T]) Delete(tx *bolt.Tx, key ...string) error {
	return tx.Bucket([]byte(t.Bucket)).Delete(joined(key))
}

// All returns the records whose keys begin with the parts, by key. Without parts it returns all.
func (t Table[T]) All(tx *bolt.Tx, parts ...string) (recs []T, err error) {
	var prefix []byte
	if len(parts) > 0 {
		prefix = append(joined(parts), '/')
	}
	c := tx.Bucket([]byte(t.Bucket)).Cursor()
	for key, raw := c.Seek(prefix); key != nil && bytes.HasPrefix(key, prefix); key, raw = c.Next() {
		var rec T
		if err := t.decode(raw, &rec); err != nil {
			return nil, err
		}
		recs = append(recs, rec)
	}
	return recs, nil
}

// Next returns a number that the table has not returned before.
func (t Table[T]) Next(tx *bolt.Tx) (uint64, error) {
	return tx.Bucket([]byte(t.Bucket)).NextSequence()
}

func (t Table[T]) decode(raw []byte, rec *T) error {
	if err := json.Unmarshal(raw, rec); err != nil {
		return fmt.Errorf("decode %s: %w", t.Bucket, err)
	}
	return nil
}

func joined(key []string) []byte { return []byte(strings.Join(key, "/")) }
