package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type jsonService struct {
	target  string
	ops     map[string]Operation
	refusal func([]violation) *Error
}

// JSON returns the handler of a JSON 1.1 service. The part of X-Amz-Target before the dot must be
// target, the part after it is the operation. The caller limits the size of the body.
func JSON(target string, ops map[string]Operation) http.Handler {
	return &jsonService{target, ops, func(vs []violation) *Error {
		return Errorf("InvalidParameterException", "Invalid parameter at '%s' failed to satisfy constraint: '%s'", vs[0].path, vs[0].constraint)
	}}
}

// CommonJSON is [JSON] for a service that refuses parameters in the words that most services have.
func CommonJSON(target string, ops map[string]Operation) http.Handler {
	return &jsonService{target, ops, func(vs []violation) *Error { return detected("ValidationException", vs) }}
}

func (s *jsonService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c := callOf(r, action)
	op, ok := s.ops[action]
	if !ok || target != s.target {
		JSONError(w, c, &Error{Code: "UnknownOperationException"})
		return
	}
	body, err := s.serve(r, c, op)
	if err != nil {
		JSONError(w, c, err)
		return
	}
	answer(w, c, http.StatusOK, jsonType, body)
}

func (s *jsonService) serve(r *http.Request, c Call, op Operation) ([]byte, error) {
	params, err := parameters(r.Body)
	if err != nil {
		return nil, s.malformed(err)
	}
	out, err := op.call(r.Context(), c, params, s)
	if err != nil {
		return nil, err
	}
	if out == nil {
		out = fields{}
	}
	return json.Marshal(out)
}

func parameters(body io.Reader) (any, error) {
	dec := json.NewDecoder(body)
	dec.UseNumber()
	var params any
	switch err := dec.Decode(&params); err {
	case nil:
		return params, nil
	case io.EOF: // no body means no parameters
		return map[string]any{}, nil
	default:
		return nil, err
	}
}

func (*jsonService) malformed(err error) *Error { return Errorf("SerializationException", "%v", err) }

func (s *jsonService) invalid(vs []violation) *Error { return s.refusal(vs) }

const jsonType = "application/x-amz-json-1.1"

// JSONError writes a refusal in the form of JSON 1.1.
func JSONError(w http.ResponseWriter, c Call, err error) {
	e := refusal(err, "ServerException")
	body, _ := json.Marshal(map[string]string{"__type": e.Code, "message": e.Message}) // cannot fail
	answer(w, c, e.Status, jsonType, body)
}

// MarshalJSON keeps the order of the fields.
func (f fields) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range f {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(epoch(m.value))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:%s", strconv.Quote(m.name), value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// epoch turns times into seconds since 1970, with milliseconds after the point. A decimal number
// always has a point.
func epoch(value any) any {
	if f, ok := value.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return json.RawMessage(strconv.FormatFloat(f, 'f', 1, 64))
	}
	if t, ok := value.(time.Time); ok {
		return json.Number(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64))
	}
	return value
}
