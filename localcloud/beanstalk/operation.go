package beanstalk

import (
	"context"
	"errors"

	bolt "go.etcd.io/bbolt"

	"beansprout/localcloud/wire"
)

// changes returns the operation of a function that may change the state. If the function refuses, no
// change is kept.
func changes[In, Out any](s *Service, f func(*state, In) (Out, error)) wire.Operation {
	return operation(s, s.db.Update, f)
}

// reads returns the operation of a function that changes nothing.
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

// within runs f in one transaction, and then what f has put into after.
func (s *Service) within(c wire.Call, do transact, f func(*state) error) error {
	st := &state{Call: c, Service: s}
	err := do(func(tx *bolt.Tx) error {
		st.tx = tx
		err := f(st)
		if st.err != nil { // the refusal of f may only be its consequence
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

// none is the output of an operation whose answer has no result element.
type none = struct{}

// invalid returns Beanstalk's most frequent refusal. Clients distinguish its cases by the message.
func invalid(format string, args ...any) error {
	return wire.Errorf("InvalidParameterValue", format, args...)
}

// conflicting returns the refusal of parameters that exclude one another.
func conflicting(format string, args ...any) error {
	return wire.Errorf("InvalidParameterCombination", format, args...)
}

// missing returns the refusal of a call that lacks a parameter, or one of several.
func missing(format string, args ...any) error {
	return wire.Errorf("MissingRequiredParameter", format, args...)
}

// busy returns the refusal of an operation that must wait for another one.
func busy(format string, args ...any) error {
	return wire.Errorf("OperationInProgressFailure", format+" An operation is already in progress, please retry again shortly.", args...)
}
