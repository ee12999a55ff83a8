// Package wire speaks two AWS protocols, awsQuery (form in, XML out) and JSON 1.1, for
// services that are maps of operations. What goes in and comes out are Go structs: their
// field names are the parameters' names, their types decide how a value is read and
// written, and their `aws` tags say what is refused before an operation runs.
package wire

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Call is what an operation knows of its request besides the parameters.
type Call struct {
	ID      string    // a UUID; goes out as x-amzn-RequestId and in the body
	Action  string    // DescribeEnvironments
	Region  string    // from the signature's scope
	Account string    // 12 digits
	Now     time.Time // when the call arrived
}

// Operation answers one action; [Op] makes it.
type Operation struct {
	in, out *model
	run     func(ctx context.Context, c Call, decode func(into any) error) (any, error)
}

// Op makes an operation from a function of structs. Out is a struct or a pointer to one;
// struct{} and nil write no result element. An error that is no [*Error] is answered as
// AWS's internal failure. Op panics when a type or an `aws` tag makes no sense.
func Op[In, Out any](f func(ctx context.Context, c Call, in In) (Out, error)) Operation {
	return Operation{
		in:  modelOf(reflect.TypeFor[In]()),
		out: modelOf(reflect.TypeFor[Out]()),
		run: func(ctx context.Context, c Call, decode func(any) error) (any, error) {
			var in In
			if err := decode(&in); err != nil {
				return nil, err
			}
			return f(ctx, c, in)
		},
	}
}

// call runs the operation on the parameters and returns its output as a tree.
func (o Operation) call(ctx context.Context, c Call, params any, d dialect) (any, error) {
	out, err := o.run(ctx, c, func(into any) error {
		return decode(o.in, reflect.ValueOf(into).Elem(), params, d)
	})
	if err != nil {
		return nil, err
	}
	return o.out.encode(reflect.ValueOf(out)), nil
}

// callKey carries a Call on a request: http.Handler has no other way to take it along.
type callKey struct{}

// WithCall returns r with what is known about it; the handlers of [Query] and [JSON] need it.
func WithCall(r *http.Request, c Call) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), callKey{}, c))
}

// CallOf returns what [WithCall] put on r.
func CallOf(r *http.Request) Call {
	c, _ := r.Context().Value(callKey{}).(Call)
	return c
}

func callOf(r *http.Request, action string) Call {
	c := CallOf(r)
	c.Action = action
	return c
}

// ActionOf returns the action that r asks for in either protocol, "" when none. It reads
// the body of a form, once; the handlers of [Query] and [JSON] come after it unharmed.
func ActionOf(r *http.Request) (string, error) {
	if _, action, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return action, nil
	}
	if err := r.ParseForm(); err != nil {
		return "", Errorf("MalformedQueryString", "%v", err)
	}
	return r.Form.Get("Action"), nil
}

// answer writes a complete answer: the body is whole before the first byte leaves.
func answer(w http.ResponseWriter, c Call, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("x-amzn-RequestId", c.ID)
	h.Set("Content-Type", contentType)
	if !c.Now.IsZero() {
		h.Set("Date", c.Now.UTC().Format(http.TimeFormat))
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that left is no error of ours
}
