package elb

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"beansprout/localcloud/wire"
)

// table is a bucket of records of one type, kept as JSON under their ARNs. As an ARN begins with the
// region, regions are separate.
type table[T any] struct{ bucket, kind, notFound string }

var (
	balancers = table[balancer]{"loadbalancers", "load balancer", "LoadBalancerNotFound"}
	listeners = table[listener]{"listeners", "listener", "ListenerNotFound"} // with their rules
	groups    = table[group]{"targetgroups", "target group", "TargetGroupNotFound"}
)

// state is what one call reads and changes in one transaction. Its reads and writes return no
// errors: it keeps the first error, which undoes the transaction.
type state struct {
	wire.Call
	*Service
	tx  *bbolt.Tx
	err error
}

func (st *state) fail(err error) { st.err = errors.Join(st.err, err) }

// open opens the file of the state.
func open(file string) (*bbolt.DB, error) {
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, bucket := range []string{balancers.bucket, listeners.bucket, groups.bucket} {
			if _, err := tx.CreateBucketIfNotExists([]byte(bucket)); err != nil {
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

// change runs f in a transaction that is undone if f fails. Requests follow the change when it
// returns.
func (s *Service) change(call wire.Call, f func(*state) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.within(call, s.db.Update, f); err != nil {
		return err
	}
	return s.apply()
}

// look runs f in a transaction that changes nothing.
func (s *Service) look(call wire.Call, f func(*state) error) error {
	return s.within(call, s.db.View, f)
}

func (s *Service) within(call wire.Call, transaction func(func(*bbolt.Tx) error) error, f func(*state) error) error {
	return transaction(func(tx *bbolt.Tx) error {
		st := &state{Call: call, Service: s, tx: tx}
		return errors.Join(f(st), st.err)
	})
}

func (t table[T]) get(st *state, arn string) (rec T, ok bool) {
	raw := st.tx.Bucket([]byte(t.bucket)).Get([]byte(arn))
	if raw == nil || !strings.HasPrefix(arn, st.arn("")) {
		return rec, false
	}
	return t.decode(st, raw), true
}

// must returns the record with an ARN, or AWS's refusal.
func (t table[T]) must(st *state, arn string) (rec T, err error) {
	rec, ok := t.get(st, arn)
	switch {
	case ok:
		return rec, nil
	case !strings.HasPrefix(arn, "arn:"):
		return rec, wire.Errorf("ValidationError", "'%s' is not a valid %s ARN", arn, t.kind)
	}
	return rec, t.missing()
}

func (t table[T]) missing() error {
	return wire.Errorf(t.notFound, "One or more %ss not found", t.kind)
}

func (t table[T]) put(st *state, arn string, rec T) {
	raw, err := json.Marshal(rec)
	if err == nil {
		err = st.tx.Bucket([]byte(t.bucket)).Put([]byte(arn), raw)
	}
	st.fail(err)
}

func (t table[T]) delete(st *state, arn string) {
	st.fail(st.tx.Bucket([]byte(t.bucket)).Delete([]byte(arn)))
}

// all yields the records of the region in the order of their ARNs.
func (t table[T]) all(st *state) iter.Seq[T] { return t.scan(st, st.arn("")) }

// everywhere yields the records of all regions.
func (t table[T]) everywhere(st *state) iter.Seq[T] { return t.scan(st, "") }

func (t table[T]) scan(st *state, prefix string) iter.Seq[T] {
	return func(yield func(T) bool) {
		c := st.tx.Bucket([]byte(t.bucket)).Cursor()
		for k, raw := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)) && yield(t.decode(st, raw)); k, raw = c.Next() {
		}
	}
}

func (t table[T]) decode(st *state, raw []byte) (rec T) {
	st.fail(json.Unmarshal(raw, &rec))
	return rec
}

// arn returns the ARN of a resource in the region of the call.
func (st *state) arn(resource string) string {
	return wire.ARN(service, st.Region, st.Account, resource)
}

// id returns a new id of 16 hexadecimal digits, as ARNs have them.
func id() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // does not fail
	return hex.EncodeToString(b[:])
}
