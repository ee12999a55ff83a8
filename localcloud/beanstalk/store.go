package beanstalk

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"strings"

	bolt "go.etcd.io/bbolt"

	"beansprout/localcloud/wire"
)

// table is a bucket of records of one type, kept as JSON under keys whose parts are joined by "/".
// The first part is the region, so regions are separate.
type table[T any] struct {
	bucket string
	shared bool // one for all regions
}

var (
	applications = table[application]{bucket: "applications"} // name
	versions     = table[version]{bucket: "versions"}         // application, label
	templates    = table[template]{bucket: "templates"}       // application, name
	environments = table[environment]{bucket: "environments"} // id
	events       = table[event]{bucket: "events"}             // milliseconds
	names        = table[string]{bucket: "names"}             // name -> id of the row that is not terminated
	// prefixes maps the part of a CNAME before .localhost to the id of the row that is not
	// terminated. That part is the prefix, with the region if another region had the prefix already.
	prefixes = table[string]{bucket: "prefixes", shared: true}
)

var buckets = []string{applications.bucket, versions.bucket, templates.bucket, environments.bucket, events.bucket, names.bucket, prefixes.bucket}

// state is what one call reads and changes in one transaction. Its reads and writes return no
// errors: it keeps the first error, which undoes the transaction.
type state struct {
	wire.Call
	*Service
	tx    *bolt.Tx
	err   error
	after []func() error // run after the changes are durable
}

func (t table[T]) key(st *state, parts []string) []byte {
	if !t.shared {
		parts = append([]string{st.Region}, parts...)
	}
	return []byte(strings.Join(parts, "/"))
}

func (t table[T]) get(st *state, parts ...string) (rec T, ok bool) {
	raw := st.tx.Bucket([]byte(t.bucket)).Get(t.key(st, parts))
	if raw == nil {
		return rec, false
	}
	return t.decode(st, raw), true
}

func (t table[T]) put(st *state, rec T, parts ...string) {
	raw, err := json.Marshal(rec)
	if err == nil {
		err = st.tx.Bucket([]byte(t.bucket)).Put(t.key(st, parts), raw)
	}
	st.fail(err)
}

func (t table[T]) delete(st *state, parts ...string) {
	st.fail(st.tx.Bucket([]byte(t.bucket)).Delete(t.key(st, parts)))
}

// all yields the records whose keys begin with the parts, in the order of their keys.
func (t table[T]) all(st *state, parts ...string) iter.Seq[T] {
	prefix := string(t.key(st, parts)) + "/"
	return t.records(st, t.scan(st, prefix, prefix))
}

// after yields the records of the region whose keys are after key.
func (t table[T]) after(st *state, key string) iter.Seq[T] {
	prefix := st.Region + "/"
	return t.records(st, t.scan(st, prefix, prefix+key+"\x00"))
}

// everywhere yields the records of all regions with their keys.
func (t table[T]) everywhere(st *state) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for key, raw := range t.scan(st, "", "") {
			if !yield(string(key), t.decode(st, raw)) {
				return
			}
		}
	}
}

// backwards yields the records of the region whose keys are before the given one, in reverse order.
func (t table[T]) backwards(st *state, before string) iter.Seq[T] {
	prefix := st.Region + "/"
	return t.records(st, func(yield func(key, raw []byte) bool) {
		c := st.tx.Bucket([]byte(t.bucket)).Cursor()
		step := c.Prev
		if k, _ := c.Seek([]byte(prefix + before)); k == nil {
			step = c.Last
		}
		k, raw := step()
		for k != nil && bytes.HasPrefix(k, []byte(prefix)) && yield(k, raw) {
			k, raw = c.Prev()
		}
	})
}

// count counts the records of the region without reading them.
func (t table[T]) count(st *state) (n int) {
	for range t.scan(st, st.Region+"/", st.Region+"/") {
		n++
	}
	return n
}

// scan yields the records whose keys have a prefix, from a key on.
func (t table[T]) scan(st *state, prefix, from string) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, raw []byte) bool) {
		c := st.tx.Bucket([]byte(t.bucket)).Cursor()
		k, raw := c.Seek([]byte(from))
		for k != nil && bytes.HasPrefix(k, []byte(prefix)) && yield(k, raw) {
			k, raw = c.Next()
		}
	}
}

func (t table[T]) records(st *state, raws iter.Seq2[[]byte, []byte]) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, raw := range raws {
			if !yield(t.decode(st, raw)) {
				return
			}
		}
	}
}

func (t table[T]) decode(st *state, raw []byte) (rec T) {
	st.fail(json.Unmarshal(raw, &rec))
	return rec
}

func (st *state) fail(err error) { st.err = errors.Join(st.err, err) }
