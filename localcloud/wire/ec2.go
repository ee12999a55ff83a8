package wire

import (
	"bytes"
	"fmt"
	"net/http"
)

// EC2 returns the handler of a service that speaks EC2's form of the query protocol. Lists in
// requests are refused.
func EC2(namespace, version string, ops map[string]Operation) http.Handler {
	return &ec2{query{namespace, version, ops}}
}

type ec2 struct{ query }

func (q *ec2) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action, err := ActionOf(r)
	c := callOf(r, action)
	var out any
	if err == nil {
		out, err = q.serve(r, c)
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
