package wire

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// EC2 returns the handler of a service that speaks EC2's form of the query protocol: lists are
// Name.1 in requests and have entries called item in answers, which have no result element.
func EC2(namespace, version string, ops map[string]Operation) http.Handler {
	return &ec2{query{namespace, version, ops}}
}

type ec2 struct{ query }

func (q *ec2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action, err := ActionOf(r)
	c := callOf(r, action)
	var out any
	if err == nil {
		out, err = q.serve(r, c, q, true)
	}
	if err != nil {
		EC2Error(w, c, err)
		return
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<%sResponse xmlns="%s">`, c.Action, q.namespace)
	element(&b, "requestId", "", c.ID)
	if result, ok := out.(fields); ok {
		for _, f := range result {
			element(&b, f.name, "item", f.value)
		}
	}
	fmt.Fprintf(&b, `</%sResponse>`, c.Action)
	answer(w, c, http.StatusOK, xmlType, b.Bytes())
}

// EC2Error writes a refusal in EC2's form.
func EC2Error(w http.ResponseWriter, c Call, err error) {
	e := refusal(err, "InternalError")
	var b bytes.Buffer
	b.WriteString(`<Response><Errors>`)
	element(&b, "Error", "", fields{{"Code", e.Code}, {"Message", e.Message}})
	b.WriteString(`</Errors>`)
	element(&b, "RequestID", "", c.ID)
	b.WriteString(`</Response>`)
	answer(w, c, e.Status, xmlType, b.Bytes())
}

func (*ec2) malformed(err error) *Error { return Errorf("InvalidParameterValue", "%v", err) }

// invalid words the first violation: EC2 reports one.
func (*ec2) invalid(vs []violation) *Error {
	v := vs[0]
	switch v.constraint {
	case missingMember:
		return Errorf("MissingParameter", "The request must contain the parameter %s", ec2Path(v.path))
	case unreadMember:
		return Errorf("UnknownParameter", "The parameter %s is not recognized: %s", ec2Path(v.path), v.constraint)
	}
	return Errorf("InvalidParameterValue", "Value (%s) for parameter %s is invalid. %s", strings.Trim(v.value, "'"), ec2Path(v.path), v.constraint)
}

// ec2Path writes the path of a violation as EC2 names parameters: Filter.1.Value.
func ec2Path(path string) string {
	parts := strings.Split(strings.ReplaceAll(path, ".member", ""), ".")
	for i, part := range parts {
		parts[i] = strings.ToUpper(part[:min(len(part), 1)]) + part[min(len(part), 1):]
	}
	return strings.Join(parts, ".")
}
