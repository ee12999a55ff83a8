package iam

import (
	"slices"
	"strings"

	"beansprout/pattern"
)

// The simulator's decisions.
const (
	allowed      = "allowed"
	denied       = "explicitDeny"
	notMentioned = "implicitDeny"
)

// request is what a policy is asked.
type request struct {
	action, resource string
	context          map[string][]string // keys in lower case
}

// source is a policy and where it is from.
type source struct {
	id, kind string
	document document
}

type decision struct {
	decision string
	matched  []source // with a statement that decides
	lacking  []string // context keys that statements ask for
}

// decide answers a request by AWS's rules: a matching Deny wins, then a matching Allow; else it is denied.
func decide(policies []source, r request) decision {
	d := decision{decision: notMentioned}
	for _, p := range policies {
		for _, s := range p.document.Statement {
			if !s.covers(r) {
				continue
			}
			d.lacking = append(d.lacking, s.lacking(r)...)
			if !s.holds(r) {
				continue
			}
			switch {
			case s.Effect == "Deny" && d.decision != denied:
				d.decision, d.matched = denied, []source{p}
			case s.Effect == "Deny" || d.decision != denied:
				d.matched = append(d.matched, p)
				if d.decision == notMentioned {
					d.decision = allowed
				}
			}
		}
	}
	slices.Sort(d.lacking)
	d.lacking = slices.Compact(d.lacking)
	return d
}

// covers reports whether the statement is about the action and the resource.
func (s statement) covers(r request) bool {
	action := func(pattern string) bool { return like(strings.ToLower(pattern), strings.ToLower(r.action)) }
	resource := func(pattern string) bool { return matchesARN(r.expand(pattern), r.resource) }
	if s.NotAction != nil && slices.ContainsFunc(s.NotAction, action) || s.NotAction == nil && !slices.ContainsFunc(s.Action, action) {
		return false
	}
	if s.NotResource != nil {
		return !slices.ContainsFunc(s.NotResource, resource)
	}
	return slices.ContainsFunc(s.Resource, resource)
}

var variable = pattern.New(`\$\{[^}]*\}`)

// expand replaces the policy variables in a pattern.
func (r request) expand(pattern string) string {
	return variable.ReplaceAllStringFunc(pattern, func(v string) string {
		name := v[2 : len(v)-1]
		switch {
		case name == "*" || name == "?" || name == "$":
			return name
		case len(r.context[strings.ToLower(name)]) == 1:
			return r.context[strings.ToLower(name)][0]
		}
		return v
	})
}

// lacking returns the keys of the conditions that the request does not have. The operator Null asks
// whether they are there.
func (s statement) lacking(r request) (keys []string) {
	for operator, conditions := range s.Condition {
		for key := range conditions {
			if _, ok := r.context[strings.ToLower(key)]; !ok && operator != "Null" {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// holds reports whether all conditions of the statement hold.
func (s statement) holds(r request) bool {
	for operator, conditions := range s.Condition {
		for key, want := range conditions {
			if !r.meets(operator, key, want) {
				return false
			}
		}
	}
	return true
}

// comparisons are the operators of conditions without Not, IfExists and the words for sets. Those of
// numbers, dates and addresses are known, and no request meets them.
var comparisons = map[string]func(pattern, value string) bool{
	"StringEquals":           func(p, v string) bool { return p == v },
	"StringEqualsIgnoreCase": strings.EqualFold,
	"StringLike":             like,
	"ArnEquals":              matchesARN,
	"ArnLike":                matchesARN,
	"Bool":                   strings.EqualFold,
	"BinaryEquals":           func(p, v string) bool { return p == v },
	"NumericEquals":          nil, "NumericLessThan": nil, "NumericLessThanEquals": nil, "NumericGreaterThan": nil, "NumericGreaterThanEquals": nil,
	"DateEquals": nil, "DateLessThan": nil, "DateLessThanEquals": nil, "DateGreaterThan": nil, "DateGreaterThanEquals": nil, "IpAddress": nil,
}

var negated = map[string]string{
	"StringNotEquals": "StringEquals", "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase", "StringNotLike": "StringLike",
	"ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike", "NumericNotEquals": "NumericEquals", "DateNotEquals": "DateEquals", "NotIpAddress": "IpAddress",
}

// bare returns an operator without its suffix and the word for sets.
func bare(operator string) (name, set string, optional bool) {
	name, optional = strings.CutSuffix(operator, "IfExists")
	if before, after, ok := strings.Cut(name, ":"); ok {
		set, name = before, after
	}
	return name, set, optional
}

func knownOperator(operator string) bool {
	name, set, optional := bare(operator)
	if name == "Null" {
		return set == "" && !optional
	}
	if positive, ok := negated[name]; ok {
		name = positive
	}
	_, ok := comparisons[name]
	return ok && (set == "" || set == "ForAllValues" || set == "ForAnyValue")
}

// meets reports whether the request meets one condition.
func (r request) meets(operator, key string, want []string) bool {
	values, present := r.context[strings.ToLower(key)]
	name, set, optional := bare(operator)
	if name == "Null" {
		return slices.Contains(want, map[bool]string{true: "false", false: "true"}[present])
	}
	positive, not := negated[name]
	if !not {
		positive = name
	}
	compare := comparisons[positive]
	switch {
	case !present:
		return optional || not || set == "ForAllValues"
	case compare == nil:
		return false
	}
	fits := func(value string) bool {
		return not != slices.ContainsFunc(want, func(pattern string) bool { return compare(r.expand(pattern), value) })
	}
	if set == "ForAnyValue" || set == "" && !not {
		return slices.ContainsFunc(values, fits)
	}
	return !slices.ContainsFunc(values, func(v string) bool { return !fits(v) })
}

// like reports whether the text fits a pattern with * and ?.
func like(pattern, text string) bool {
	star, after := -1, 0 // where the last * is, and where the text goes on that it does not stand for
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, after = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0:
			after++
			p, t = star+1, after
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// matchesARN compares the six parts of two ARNs. A star in the last part stands for colons, too.
func matchesARN(pattern, arn string) bool {
	p, a := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if pattern == "*" || len(p) != 6 || len(a) != 6 {
		return like(pattern, arn)
	}
	for i := range p {
		if !like(p[i], a[i]) {
			return false
		}
	}
	return true
}
