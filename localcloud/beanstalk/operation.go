package beanstalk

import (
	"context"
	"errors"

	bolt "go.etcd.io/bbolt"

	"beansprout/localcloud/wire"
)

// changes makes an operation of a function that may change the state: all of it or, when
// it is refused, nothing.
func changes[In, Out any](s *Service, f func(*state, In) (Out, error)) wire.Operation {
	return operation(s, s.db.Update, f)
}

// reads makes an operation of a function that changes nothing.
func reads[In, Out any](s *Service, f func(*state, In) (Out, error)) wire.Operation {
	return operation(s, s.db.View, f)
}

type transact func(func(*bolt.Tx) error) error

func operation[In, Out any](s *Service, do transact, f func(*state, In) (Out, error)) wire.Operation {
	return wire.Op(func(_ context.Context, c wire.Call, in In) (out Out, err error) {
		err = s.within(c, do, func(st *state) (err error) {
			out, err = f(st, in)
			return err
		})
		return out, err
	})
}

// within runs f in one transaction, and what f put off until after it.
func (s *Service) within(c wire.Call, do transact, f func(*state) error) error {
	st := &state{Call: c, Service: s}
	err := do(func(tx *bolt.Tx) error {
		st.tx = tx
		err := f(st)
		if st.err != nil { // what f refuses may only follow from it
			return st.err
		}
		return err
	})
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range st.after {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// none is the output of operations whose answer has no result element.
type none = struct{}

// invalid is Beanstalk's most frequent refusal; clients tell its cases by the message.
func invalid(format string, args ...any) error {
	return wire.Errorf("InvalidParameterValue", format, args...)
}

// conflicting refuses parameters that exclude one another.
func conflicting(format string, args ...any) error {
	return wire.Errorf("InvalidParameterCombination", format, args...)
}

// missing refuses a call that lacks a parameter, or one of several.
func missing(format string, args ...any) error {
	return wire.Errorf("MissingRequiredParameter", format, args...)
}

// busy refuses what cannot be done while something else is under way.
func busy(format string, args ...any) error {
	return wire.Errorf("OperationInProgressFailure", format+" An operation is already in progress, please retry again shortly.", args...)
}
