// Package cloudtest makes large local clouds for tests: it turns a state file with one environment
// into one with thousands, in the time of a few calls.
package cloudtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Multiply turns the only environment of the closed cloud in dir into n. They differ in their id
// (e-0000000000 and on), their name and CNAME prefix (both load-0 and on), and in what dress, if
// not nil, changes in the row of the i-th. The quota of environments does not apply.
func Multiply(dir string, n int, dress func(i int, row map[string]any)) error {
	db, err := bolt.Open(filepath.Join(dir, "beanstalk.db"), 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		return fmt.Errorf("open the local cloud's state: %w", err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		row, err := takeOnly(tx)
		if err != nil {
			return err
		}
		for i := range n {
			id, name := fmt.Sprintf("e-%010d", i), fmt.Sprintf("load-%d", i)
			row["ID"], row["Name"], row["Prefix"] = id, name, name
			if dress != nil {
				dress(i, row)
			}
			if err := put(tx, row); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("multiply environments: %w", err)
	}
	return nil
}

// takeOnly removes the only environment and returns it.
func takeOnly(tx *bolt.Tx) (row map[string]any, err error) {
	rows := tx.Bucket([]byte("environments"))
	if count := rows.Stats().KeyN; count != 1 {
		return nil, fmt.Errorf("there are %d environments, want 1", count)
	}
	key, raw := rows.Cursor().First()
	if err := json.Unmarshal(raw, &row); err != nil {
		return nil, err
	}
	name, prefix := fmt.Sprint(row["Region"], "/", row["Name"]), fmt.Sprint(row["Prefix"])
	return row, errors.Join(rows.Delete(key), tx.Bucket([]byte("names")).Delete([]byte(name)), tx.Bucket([]byte("prefixes")).Delete([]byte(prefix)))
}

func put(tx *bolt.Tx, row map[string]any) error {
	raw, err := json.Marshal(row)
	if err != nil {
		return err
	}
	id, region := fmt.Sprint(row["ID"]), fmt.Sprint(row["Region"], "/")
	return errors.Join(
		tx.Bucket([]byte("environments")).Put([]byte(region+id), raw),
		tx.Bucket([]byte("names")).Put([]byte(region+fmt.Sprint(row["Name"])), fmt.Appendf(nil, "%q", id)),
		tx.Bucket([]byte("prefixes")).Put([]byte(fmt.Sprint(row["Prefix"])), fmt.Appendf(nil, "%q", id)))
}
