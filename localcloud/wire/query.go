package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// dialect holds a protocol's words for refusals that come from this package.
type dialect interface {
	malformed(err error) *Error
	invalid(vs []violation) *Error
}

type query struct {
	namespace, version string
	ops                map[string]Operation
}

// Query returns the handler of an awsQuery service with an XML namespace, an API version, and
// operations by action. It refuses other actions as AWS does. The caller limits the size of the
// body.
func Query(namespace, version string, ops map[string]Operation) http.Handler {
	return &query{namespace, version, ops}
}

func (q *query) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action, err := ActionOf(r)
	c := callOf(r, action)
	var out any
	if err == nil {
		out, err = q.serve(r, c, q, false)
	}
	if err != nil {
		QueryError(w, c, q.namespace, err)
		return
	}
	answer(w, c, http.StatusOK, xmlType, q.response(c, out))
}

// serve runs the operation that a form asks for. Its lists are flat in EC2's protocol.
func (q *query) serve(r *http.Request, c Call, d dialect, flat bool) (any, error) {
	if c.Action == "" {
		return nil, Errorf("MissingAction", "The request is missing an action or a required parameter.")
	}
	version := r.Form.Get("Version")
	op, ok := q.ops[c.Action]
	if !ok || version != q.version {
		return nil, Errorf("InvalidAction", "Could not find operation %s for version %s", c.Action, version)
	}
	params, err := tree(parametersOf(r.Form), flat)
	if err != nil {
		return nil, d.malformed(err)
	}
	return op.call(r.Context(), c, params, d)
}

// parametersOf returns a form without the parameters that every action has: its name, the API's
// version, and the signature of a presigned request.
func parametersOf(form url.Values) url.Values {
	rest := url.Values{}
	for name, values := range form {
		switch name {
		case "Action", "Version", "AWSAccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SecurityToken", "Timestamp", "Expires":
			continue
		}
		if !strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			rest[name] = values
		}
	}
	return rest
}

func (*query) malformed(err error) *Error { return Errorf("MalformedInput", "%v", err) }

func (*query) invalid(vs []violation) *Error { return detected("ValidationError", vs) }

// detected words all violations.
func detected(code string, vs []violation) *Error {
	plural, texts := "s", make([]string, 0, len(vs))
	for _, v := range vs {
		texts = append(texts, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", v.value, v.path, v.constraint))
	}
	if len(vs) == 1 {
		plural = ""
	}
	return Errorf(code, "%d validation error%s detected: %s", len(vs), plural, strings.Join(texts, "; "))
}

const xmlType = "text/xml"

func (q *query) response(c Call, out any) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<%sResponse xmlns="%s">`, c.Action, q.namespace)
	if result, ok := out.(fields); ok && result != nil {
		element(&b, c.Action+"Result", "member", result)
	}
	element(&b, "ResponseMetadata", "", fields{{"RequestId", c.ID}})
	fmt.Fprintf(&b, `</%sResponse>`, c.Action)
	return b.Bytes()
}

// QueryError writes a refusal in the form of awsQuery.
func QueryError(w http.ResponseWriter, c Call, namespace string, err error) {
	e := refusal(err, "InternalFailure")
	blame := "Sender"
	if e.Status >= http.StatusInternalServerError {
		blame = "Receiver"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<ErrorResponse xmlns="%s">`, namespace)
	element(&b, "Error", "", fields{{"Type", blame}, {"Code", e.Code}, {"Message", e.Message}})
	element(&b, "RequestId", "", c.ID)
	b.WriteString(`</ErrorResponse>`)
	answer(w, c, e.Status, xmlType, b.Bytes())
}

// element writes a value. The entries of lists have the name entry.
func element(b *bytes.Buffer, name, entry string, value any) {
	b.WriteString("<" + name + ">")
	switch v := value.(type) {
	case fields:
		for _, f := range v {
			element(b, f.name, entry, f.value)
		}
	case []any:
		for _, e := range v {
			element(b, entry, entry, e)
		}
	default:
		_ = xml.EscapeText(b, []byte(written(value))) // a Buffer does not fail
	}
	b.WriteString("</" + name + ">")
}

// written returns a leaf as XML has it: times in ISO 8601 with milliseconds.
func written(leaf any) string {
	switch v := leaf.(type) {
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.000Z")
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(leaf)
}
