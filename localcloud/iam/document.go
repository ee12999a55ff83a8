package iam

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"beansprout/pattern"

	"beansprout/localcloud/wire"
)

// document is a policy.
type document struct {
	Version, Id string
	Statement   statements
}

type statement struct {
	Sid, Effect             string
	Action, NotAction       list
	Resource, NotResource   list
	Principal, NotPrincipal json.RawMessage
	Condition               map[string]map[string]list
}

// statements is one statement or a list of them.
type statements []statement

// UnmarshalJSON implements json.Unmarshaler.
func (s *statements) UnmarshalJSON(text []byte) error {
	if text = bytes.TrimSpace(text); bytes.HasPrefix(text, []byte("[")) {
		return json.Unmarshal(text, (*[]statement)(s))
	}
	*s = make(statements, 1)
	return json.Unmarshal(text, &(*s)[0])
}

// list is a value or a list of values. Numbers and truths are their text.
type list []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *list) UnmarshalJSON(text []byte) error {
	if text = bytes.TrimSpace(text); !bytes.HasPrefix(text, []byte("[")) {
		text = append(append([]byte("["), text...), ']')
	}
	var values []any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&values); err != nil {
		return err
	}
	*l = list{}
	for _, v := range values {
		switch v := v.(type) {
		case string:
			*l = append(*l, v)
		case json.Number:
			*l = append(*l, v.String())
		case bool:
			*l = append(*l, map[bool]string{true: "true", false: "false"}[v])
		default:
			return errSyntax
		}
	}
	return nil
}

var errSyntax = malformed("Syntax errors in policy.")

func malformed(format string, args ...any) error {
	return wire.Errorf("MalformedPolicyDocument", format, args...)
}

// parse reads a policy and checks what is the same for all kinds.
func parse(text string) (d document, err error) {
	if err := strictly([]byte(text), &d); err != nil {
		return d, errSyntax
	}
	if d.Version != "" && d.Version != "2012-10-17" && d.Version != "2008-10-17" || len(d.Statement) == 0 {
		return d, errSyntax
	}
	sids := map[string]bool{}
	for _, s := range d.Statement {
		switch {
		case s.Effect != "Allow" && s.Effect != "Deny":
			return d, errSyntax
		case !sidForm.MatchString(s.Sid):
			return d, malformed("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
		case s.Sid != "" && sids[s.Sid]:
			return d, malformed("Statement IDs (SID) in a single policy must be unique.")
		case len(s.Action) > 0 && len(s.NotAction) > 0 || len(s.Resource) > 0 && len(s.NotResource) > 0:
			return d, errSyntax
		}
		sids[s.Sid] = true
		for operator := range s.Condition {
			if !knownOperator(operator) {
				return d, malformed("Invalid Condition type : %s.", operator)
			}
		}
	}
	return d, nil
}

var sidForm = pattern.New(`^[0-9A-Za-z]*$`)

// UnmarshalJSON implements json.Unmarshaler.
func (s *statement) UnmarshalJSON(text []byte) error {
	type plain statement
	return strictly(text, (*plain)(s))
}

// strictly decodes a JSON object whose members are all fields of the struct, written alike.
func strictly(text []byte, into any) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	for name := range members {
		if _, ok := reflect.TypeOf(into).Elem().FieldByName(name); !ok {
			return errSyntax
		}
	}
	return json.Unmarshal(text, into)
}

var (
	actionForm   = pattern.New(`^([A-Za-z0-9-]+:[A-Za-z0-9*?]+|\*)$`)
	resourceForm = pattern.New(`^(arn:[^:]*:[^:]*:[^:]*:[^:]*:.+|\*)$`)
)

// checkIdentity refuses a policy that cannot belong to a role.
func checkIdentity(text string) error {
	d, err := parse(text)
	if err != nil {
		return err
	}
	for _, s := range d.Statement {
		switch actions, resources := append(s.Action, s.NotAction...), append(s.Resource, s.NotResource...); {
		case s.Principal != nil || s.NotPrincipal != nil:
			return malformed("Policy document should not specify a principal.")
		case len(actions) == 0:
			return malformed("Policy statement must contain actions.")
		case len(resources) == 0:
			return malformed("Policy statement must contain resources.")
		default:
			if err := checkForms(actions, resources); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkForms(actions, resources []string) error {
	for _, a := range actions {
		if !actionForm.MatchString(a) {
			return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
		}
	}
	for _, r := range resources {
		if !resourceForm.MatchString(r) {
			return malformed(`Resource %s must be in ARN format or "*".`, r)
		}
	}
	return nil
}

// mostTrust is how many characters a trust policy may have, white space aside.
const mostTrust = 2048

// servicePrincipal matches the names of AWS's services in all partitions.
var servicePrincipal = pattern.New(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.(com|com\.cn|eu)|c2s\.ic\.gov|sc2s\.sgov\.gov)$`)

// checkTrust refuses a policy that cannot say who may take a role on.
func checkTrust(text string) error {
	if !json.Valid([]byte(text)) {
		return malformed("This policy contains invalid Json")
	}
	d, err := parse(text)
	if err != nil {
		return err
	}
	if len(strings.Join(strings.Fields(text), "")) > mostTrust {
		return tooMany("Cannot exceed quota for ACLSizePerRole: %d", mostTrust)
	}
	for _, s := range d.Statement {
		switch {
		case s.Resource != nil || s.NotResource != nil:
			return malformed("Has prohibited field Resource")
		case s.Principal == nil && s.NotPrincipal == nil:
			return malformed("Missing required field Principal")
		case len(s.Action) == 0:
			return malformed("Missing required field Action")
		}
		for _, a := range s.Action {
			if !strings.HasPrefix(strings.ToLower(a), "sts:") {
				return malformed("AssumeRole policy may only specify STS AssumeRole actions.")
			}
		}
		if err := checkPrincipal(s.Principal); err != nil {
			return err
		}
	}
	return nil
}

func checkPrincipal(text json.RawMessage) error {
	if text == nil || string(text) == `"*"` {
		return nil
	}
	var kinds map[string]list
	if json.Unmarshal(text, &kinds) != nil {
		return malformed("Invalid principal in policy: %s", text)
	}
	for kind, names := range kinds {
		for _, name := range names {
			switch {
			case kind == "Service" && servicePrincipal.MatchString(name):
			case kind == "AWS" && (name == "*" || accountForm.MatchString(name) || strings.HasPrefix(name, "arn:")):
			case kind == "Federated" && name != "":
			default:
				return malformed("Invalid principal in policy: %q:%q", strings.ToUpper(kind), name)
			}
		}
	}
	return nil
}

var accountForm = pattern.New(`^[0-9]{12}$`)
