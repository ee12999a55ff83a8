package elb

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"

	"go.etcd.io/bbolt"

	"beansprout/localcloud/table"
	"beansprout/localcloud/wire"
)

// records are the resources of one kind, by region and ARN.
type records[T any] struct {
	table          table.Table[T]
	kind, notFound string // in AWS's words
}

var (
	balancers = records[balancer]{table.Table[balancer]{Bucket: "loadbalancers"}, "load balancer", "LoadBalancerNotFound"}
	listeners = records[listener]{table.Table[listener]{Bucket: "listeners"}, "listener", "ListenerNotFound"} // with their rules
	groups    = records[group]{table.Table[group]{Bucket: "targetgroups"}, "target group", "TargetGroupNotFound"}
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

func (r records[T]) get(st *state, arn string) (rec T, ok bool) {
	rec, ok, err := r.table.Get(st.tx, st.Region, arn)
	st.fail(err)
	return rec, ok
}

// must returns the record with an ARN, or AWS's refusal.
func (r records[T]) must(st *state, arn string) (rec T, err error) {
	rec, ok := r.get(st, arn)
	switch {
	case ok:
		return rec, nil
	case !strings.HasPrefix(arn, "arn:"):
		return rec, wire.Errorf("ValidationError", "'%s' is not a valid %s ARN", arn, r.kind)
	}
	return rec, r.missing()
}

func (r records[T]) missing() error {
	return wire.Errorf(r.notFound, "One or more %ss not found", r.kind)
}

func (r records[T]) put(st *state, arn string, rec T) {
	st.fail(r.table.Put(st.tx, rec, st.Region, arn))
}

func (r records[T]) delete(st *state, arn string) { st.fail(r.table.Delete(st.tx, st.Region, arn)) }

// all returns the records of the region by ARN.
func (r records[T]) all(st *state) []T { return r.under(st, st.Region) }

// everywhere returns the records of all regions.
func (r records[T]) everywhere(st *state) []T { return r.under(st) }

func (r records[T]) under(st *state, parts ...string) []T {
	recs, err := r.table.All(st.tx, parts...)
	st.fail(err)
	return recs
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
