package ecr

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

const (
	// mark begins the description of each rule of ours.
	mark = "beansprout: "
	// never is more images than a repository may have.
	never = 999999

	keyPriority, keyDescription = "rulePriority", "description"
)

// rule is one of a lifecycle policy, as AWS has it: what we don't know of it stays.
type rule map[string]any

func (r rule) ours() bool {
	description, _ := r[keyDescription].(string)
	return strings.HasPrefix(description, mark)
}

// priority is 1 or more for a rule that AWS takes.
func (r rule) priority() int64 {
	number, _ := r[keyPriority].(json.Number)
	priority, _ := number.Int64()
	return priority
}

func (r rule) at(priority int) rule {
	r = maps.Clone(r)
	r[keyPriority] = number(priority)
	return r
}

// expiring returns our rules. An image that matches the tags of a rule can't be expired by a
// rule of lower priority, so the first one shields what lives. All prefixes of one list must
// match, so each has a rule of its own (ECR user guide, "Lifecycle policy properties").
func expiring(days int) []rule {
	return []rule{
		tagged("what environments live on stays", "live-", map[string]any{"countType": "imageCountMoreThan", "countNumber": number(never)}),
		tagged("images by content go", "ctx-", older(days)),
		tagged("images by id go", "id-", older(days)),
	}
}

// wanted returns the rules of ours that belong ahead of those of others. Where nothing of
// ours expires, what lives still needs its shield against theirs.
func wanted(days int, others []rule) []rule {
	ours := expiring(days)
	switch {
	case days > 0:
		return ours
	case len(others) > 0:
		return ours[:1]
	}
	return nil
}

func older(days int) map[string]any {
	return map[string]any{"countType": "sinceImagePushed", "countUnit": "days", "countNumber": number(days)}
}

func tagged(description, prefix string, selection map[string]any) rule {
	selection["tagStatus"], selection["tagPrefixList"] = "tagged", []any{prefix}
	return rule{keyDescription: mark + description, "selection": selection, "action": map[string]any{"type": "expire"}}
}

// number is a number as it is decoded.
func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// renew returns the policy with our rules of now ahead of those of others, and whether that
// is another policy: only the order of priorities counts.
func renew(rules []rule, days int) (renewed []rule, changed bool) {
	others := slices.DeleteFunc(slices.Clone(rules), rule.ours)
	renewed = append(wanted(days, others), others...)
	same := func(a, b rule) bool { return reflect.DeepEqual(a.at(0), b.at(0)) }
	return renewed, !slices.EqualFunc(rules, renewed, same)
}

// decodePolicy returns a policy's rules by priority.
func decodePolicy(text string) ([]rule, error) {
	var policy struct{ Rules []rule }
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(&policy); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("it goes on after its end")
	}
	if slices.ContainsFunc(policy.Rules, func(r rule) bool { return r.priority() < 1 }) {
		return nil, errors.New("a rule has no priority")
	}
	slices.SortStableFunc(policy.Rules, func(a, b rule) int { return cmp.Compare(a.priority(), b.priority()) })
	return policy.Rules, nil
}

func encodePolicy(rules []rule) (string, error) {
	policy := map[string][]rule{"rules": make([]rule, len(rules))}
	for i, r := range rules {
		policy["rules"][i] = r.at(i + 1)
	}
	text, err := json.Marshal(policy)
	return string(text), err
}
