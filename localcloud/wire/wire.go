// Package wire speaks two AWS protocols, awsQuery (form in, XML out) and JSON 1.1, for services
// that are maps of operations. Inputs and outputs are Go structs: their field names are the
// parameters' names, their types decide how a value is read and written, and their `aws` tags say
// which values are refused before an operation runs.
package wire

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Call is what an operation knows about its request besides the parameters.
type Call struct {
	ID      string    // a UUID; the answer has it as x-amzn-RequestId and in the body
	Action  string    // DescribeEnvironments
	Region  string    // from the signature's scope
	Account string    // 12 digits
	Now     time.Time // when the call arrived
}

// Operation answers one action. [Op] returns one.
type Operation struct {
	in, out *model
	run     func(ctx context.Context, c Call, decode func(into any) error) (any, error)
}

// Op returns an operation that calls f. Out is a struct or a pointer to one; struct{} and nil write
// no result element. An error that is not an [*Error] is answered as AWS's internal failure. Op
// panics if a type or an `aws` tag is invalid.
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

// callKey is the key of a Call in a request's context.
type callKey struct{}

// WithCall returns r with its Call, which the handlers of [Query] and [JSON] need.
func WithCall(r *http.Request, c Call) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), callKey{}, c))
}

// CallOf returns the Call that [WithCall] added to r.
func CallOf(r *http.Request) Call {
	c, _ := r.Context().Value(callKey{}).(Call)
	return c
}

func callOf(r *http.Request, action string) Call {
	c := CallOf(r)
	c.Action = action
	return c
}

// ActionOf returns the action that r asks for in either protocol, and "" if there is none. It
// parses the body of a form. The handlers of [Query] and [JSON] can still read r.
func ActionOf(r *http.Request) (string, error) {
	if _, action, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return action, nil
	}
	if err := r.ParseForm(); err != nil {
		return "", Errorf("MalformedQueryString", "%v", err)
	}
	return r.Form.Get("Action"), nil
}

// answer writes an answer whose body is complete before the first byte is sent.
func answer(w http.ResponseWriter, c Call, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("x-amzn-RequestId", c.ID)
	h.Set("Content-Type", contentType)
	if !c.Now.IsZero() {
		h.Set("Date", c.Now.UTC().Format(http.TimeFormat))
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have left
}
