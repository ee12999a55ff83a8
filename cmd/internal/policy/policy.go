// Package policy makes the IAM policies that Beansprout and its instances need: the least that the tables
// here name, narrowed to what a scope names.
package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf16"
)

// A Holder is who has a policy.
type Holder string

// The holders. Deployer runs every verb but those of Janitor; Operations is the role, or the caller, with
// whose rights Beanstalk works.
const (
	Deployer   Holder = "deployer"
	Janitor    Holder = "janitor"
	Instance   Holder = "instance"
	Operations Holder = "operations"
)

// Holders lists the holders.
func Holders() []Holder { return []Holder{Deployer, Janitor, Instance, Operations} }

// Document returns the policy of a holder as JSON. The same scope gives the same bytes.
func Document(h Holder, s Scope) []byte {
	var all []statement
	switch h {
	case Deployer, Janitor:
		all = append(allowed(h, s), passing(s)...)
	case Instance:
		all = instance(s)
	case Operations:
		all = downstream(s)
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(struct { // a Buffer does not fail
		Version   string
		Statement []statement
	}{"2012-10-17", all})
	return ascii(text.Bytes())
}

// MostManaged is how many characters a managed policy of IAM may have, white space aside.
const MostManaged = 6144

// Size returns how many characters of a policy IAM counts.
func Size(document []byte) int { return len(bytes.Join(bytes.Fields(document), nil)) }

// ascii writes in JSON's escapes what IAM takes in no other form.
func ascii(text []byte) []byte {
	var out []byte
	for _, r := range string(text) {
		if r < 0x7f {
			out = append(out, byte(r))
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

// statement is one of a policy.
type statement struct {
	Sid       string
	Effect    string
	Action    list
	Resource  list
	Condition condition `json:",omitempty"`
}

type condition map[string]map[string]list

// list is written as a string if it has one entry.
type list []string

// MarshalJSON implements json.Marshaler.
func (l list) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	var err error
	if len(l) == 1 {
		err = enc.Encode(l[0])
	} else {
		err = enc.Encode([]string(l))
	}
	return bytes.TrimSpace(text.Bytes()), err
}

// allow returns a statement whose actions are sorted.
func allow(sid string, actions, resources []string, c condition) statement {
	actions = slices.Compact(slices.Sorted(slices.Values(actions)))
	return statement{sid, "Allow", actions, resources, c}
}

// allowed returns the statements for what the holder itself calls.
func allowed(h Holder, s Scope) (all []statement) {
	for _, g := range grants {
		var actions []string
		for _, r := range rights {
			if r.grant == g.sid && (h == Deployer || r.janitor) {
				actions = append(actions, r.action())
			}
		}
		if actions != nil {
			all = append(all, allow(g.sid, actions, g.resources(s), g.condition))
		}
	}
	return all
}

// passing returns the statement for the roles that the holder passes on to Beanstalk and its instances.
func passing(s Scope) []statement {
	roles := []string{s.role(s.InstanceProfile, "aws-elasticbeanstalk-ec2-role"), s.role(s.ServiceRole, "aws-elasticbeanstalk-service-role")}
	if s.OperationsRole != "" {
		roles = append(roles, s.role(s.OperationsRole, ""))
	}
	services := condition{"StringLike": {"iam:PassedToService": {"ec2.*", "elasticbeanstalk.*"}}}
	return []statement{allow("RolesOfTheEnvironments", []string{"iam:PassRole"}, slices.Compact(roles), services)}
}
