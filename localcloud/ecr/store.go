package ecr

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// store holds one JSON document per repository, with its images and tags. Each change is one
// transaction, which a kill cannot leave half done.
type store struct{ db *bbolt.DB }

const (
	repositoryBucket = "repositories"
	secretBucket     = "secret"
)

// openStore opens the store in dir. It also returns the store's secret, which it makes once.
func openStore(dir string) (_ *store, secret []byte, err error) {
	db, err := bbolt.Open(filepath.Join(dir, "ecr.db"), 0o600, &bbolt.Options{Timeout: 100 * time.Millisecond})
	if err != nil {
		return nil, nil, err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists([]byte(repositoryBucket)); err != nil {
			return err
		}
		b, err := tx.CreateBucketIfNotExists([]byte(secretBucket))
		if err != nil {
			return err
		}
		if secret = bytes.Clone(b.Get([]byte("token"))); secret == nil {
			secret = []byte(rand.Text())
		}
		return b.Put([]byte("token"), secret)
	})
	return &store{db}, secret, err
}

// get returns a repository, and nil if there is none.
func (s *store) get(region, name string) (r *repository, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		r, err = decode(tx.Bucket([]byte(repositoryBucket)).Get(key(region, name)))
		return err
	})
	return r, err
}

// change replaces a repository by the result of f, unless f fails. nil means no repository.
func (s *store) change(region, name string, f func(*repository) (*repository, error)) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		b, k := tx.Bucket([]byte(repositoryBucket)), key(region, name)
		r, err := decode(b.Get(k))
		if err != nil {
			return err
		}
		if r, err = f(r); err != nil {
			return err
		}
		if r == nil {
			return b.Delete(k)
		}
		doc, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode repository %q: %w", name, err)
		}
		return b.Put(k, doc)
	})
}

// all returns the repositories for which keep returns true, by region and name.
func (s *store) all(keep func(*repository) bool) (rs []*repository, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		for r, err := range repositories(tx) {
			if err != nil {
				return err
			}
			if keep(r) {
				rs = append(rs, r)
			}
		}
		return nil
	})
	return rs, err
}

func repositories(tx *bbolt.Tx) iter.Seq2[*repository, error] {
	return func(yield func(*repository, error) bool) {
		c := tx.Bucket([]byte(repositoryBucket)).Cursor()
		for k, doc := c.First(); k != nil && yield(decode(doc)); k, doc = c.Next() {
		}
	}
}

func decode(doc []byte) (*repository, error) {
	if doc == nil {
		return nil, nil
	}
	r := &repository{}
	if err := json.Unmarshal(doc, r); err != nil {
		return nil, fmt.Errorf("decode repository: %w", err)
	}
	return r, nil
}

func key(region, name string) []byte { return []byte(region + "\x00" + name) }
