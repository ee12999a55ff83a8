package ecr

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// ErrPolicy is reported when a repository's lifecycle policy can't be understood. It is not changed.
var ErrPolicy = errors.New("its lifecycle policy is not understood and stays as it is")

// ErrFull is reported when a repository's lifecycle policy has no room for all rules of Beansprout.
var ErrFull = errors.New("its lifecycle policy has no room for all rules of beansprout")

const day = 24 * time.Hour

// Expire sets the repository's lifecycle policy so that images of builds are removed a time after
// the push, in days, rounded up, unless they have a live tag. AWS removes them within a day. A
// time of 0 removes our rules, except the one that protects live images from other rules. Other
// rules stay, behind ours, and Expire writes nothing when the policy is already right. When not
// all of our rules fit, it sets those that fit, the protecting one first. The error wraps
// ErrNoRepository, ErrPolicy or ErrFull.
func (r *Registry) Expire(ctx context.Context, repository string, after time.Duration) (changed bool, err error) {
	changed, err = r.expire(ctx, r.address(repository), inDays(after))
	return changed, wrap(err, "set what expires in repository %q", repository)
}

func (r *Registry) expire(ctx context.Context, in address, days int) (changed bool, err error) {
	rules, err := r.policy(ctx, in)
	if err != nil {
		return false, err
	}
	rules, changed, missing := withOurRules(rules, days)
	if changed {
		err = r.putPolicy(ctx, in, rules)
	}
	if err == nil && missing > 0 {
		return changed, full(missing)
	}
	return changed && err == nil, err
}

func full(missing int) error {
	return fmt.Errorf("%w: %d of them do not fit", ErrFull, missing)
}

func inDays(after time.Duration) int { return int((after + day - 1) / day) }

// Lifecycle is a repository's lifecycle policy.
type Lifecycle struct{ rules []rule }

// Lifecycle reads the repository's lifecycle policy. The error wraps ErrNoRepository or ErrPolicy.
func (r *Registry) Lifecycle(ctx context.Context, repository string) (Lifecycle, error) {
	rules, err := r.policy(ctx, r.address(repository))
	return Lifecycle{rules}, wrap(err, "read what expires in repository %q", repository)
}

// Takes returns the rule by which the policy can remove an image with these tags, "" when none can.
func (l Lifecycle) Takes(tags []string) string {
	if rule, taken := expiringRule(l.rules, tags); taken {
		return rule.String()
	}
	return ""
}

// HasRoom returns an error that wraps ErrFull if Expire could not set all of our rules.
func (l Lifecycle) HasRoom(after time.Duration) error {
	if _, _, missing := withOurRules(l.rules, inDays(after)); missing > 0 {
		return full(missing)
	}
	return nil
}

// policy returns the rules of the repository's lifecycle policy, none when it has no policy.
func (r *Registry) policy(ctx context.Context, in address) ([]rule, error) {
	out, err := r.api.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RegistryId: in.account, RepositoryName: &in.name}, in.there)
	if err = translate(err); refusedAs(err, "LifecyclePolicyNotFoundException") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rules, err := decodePolicy(aws.ToString(out.LifecyclePolicyText))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	return rules, nil
}

func (r *Registry) putPolicy(ctx context.Context, in address, rules []rule) error {
	if len(rules) == 0 { // AWS refuses an empty policy
		_, err := r.api.DeleteLifecyclePolicy(ctx, &ecr.DeleteLifecyclePolicyInput{RegistryId: in.account, RepositoryName: &in.name}, in.there)
		return translate(err)
	}
	text, err := encodePolicy(rules)
	if err != nil {
		return err
	}
	_, err = r.api.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{RegistryId: in.account, RepositoryName: &in.name, LifecyclePolicyText: &text}, in.there)
	return translate(err)
}

const (
	// mark begins the description of each rule of ours.
	descriptionPrefix = "beansprout: "
	// unreachedCount is the count of our rule that removes nothing: more images than a repository may
	// have. A rule of others with at least minUnreachedCount removes nothing either.
	unreachedCount, minUnreachedCount = 999999, 100_000
	// maxRules and maxPolicyChars are AWS's limits of a policy (API reference, PutLifecyclePolicy).
	maxRules, maxPolicyChars = 50, 30_720

	keyPriority, keyDescription = "rulePriority", "description"
)

// rule is a rule of a lifecycle policy as AWS has it, including unknown keys.
type rule map[string]any

func (r rule) isOwn() bool {
	description, _ := r[keyDescription].(string)
	return strings.HasPrefix(description, descriptionPrefix)
}

// priority is at least 1 for a valid rule.
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

// ourRules returns our rules. An image that matches the tags of a rule can't be removed by a rule of
// lower priority, so the first one protects live images. An image must match all prefixes of a
// list, so each prefix has its own rule (ECR user guide, "Lifecycle policy properties").
func ourRules(days int) []rule {
	return []rule{
		tagged("what environments live on stays", "live-", map[string]any{"countType": "imageCountMoreThan", "countNumber": number(unreachedCount)}),
		tagged("images by content go", "ctx-", older(days)),
		tagged("images by id go", "id-", older(days)),
	}
}

// wantedRules returns those of our rules that the policy must begin with. Without a time for our
// images, live images still need protection from other rules.
func wantedRules(days int, others []rule) []rule {
	ours := ourRules(days)
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
	return rule{keyDescription: descriptionPrefix + description, "selection": selection, "action": map[string]any{"type": "expire"}}
}

// number returns a number as JSON is decoded.
func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// withOurRules returns the policy with our current rules before the other ones, and reports whether
// that changes it: only the order of priorities counts. missing is the number of our rules that
// don't fit; the one that protects live images comes first.
func withOurRules(rules []rule, days int) (renewed []rule, changed bool, missing int) {
	others := slices.DeleteFunc(slices.Clone(rules), rule.isOwn)
	ours := wantedRules(days, others)
	for missing = 0; missing < len(ours) && !fits(ours[:len(ours)-missing], others); missing++ {
	}
	renewed = append(ours[:len(ours)-missing:len(ours)-missing], others...)
	same := func(a, b rule) bool { return reflect.DeepEqual(a.at(0), b.at(0)) }
	return renewed, !slices.EqualFunc(rules, renewed, same), missing
}

func fits(own, others []rule) bool {
	text, err := encodePolicy(slices.Concat(own, others))
	return err == nil && len(own)+len(others) <= maxRules && utf8.RuneCountInString(text) <= maxPolicyChars
}

// expiringRule returns the rule by which a policy can remove an image with these tags. The first
// rule that selects an image decides: no rule of lower priority can remove it.
func expiringRule(rules []rule, tags []string) (rule, bool) {
	for _, r := range rules {
		if r.selects(tags) {
			return r, !r.keepsAll()
		}
	}
	return nil, false
}

// selects reports whether the rule selects an image with these tags. The image must match all
// entries of a list. A rule that is not understood selects every image.
func (r rule) selects(tags []string) bool {
	selection, _ := r["selection"].(map[string]any)
	switch selection["tagStatus"] {
	case "untagged":
		return len(tags) == 0
	case "tagged":
		patterns := append(texts(selection["tagPatternList"], ""), texts(selection["tagPrefixList"], "*")...)
		return !slices.ContainsFunc(patterns, func(pattern string) bool {
			return !slices.ContainsFunc(tags, func(tag string) bool { return matches(pattern, tag) })
		})
	}
	return true
}

// matches relies on tags and patterns without slashes, and on patterns whose only wildcard is *.
func matches(pattern, tag string) bool {
	ok, err := path.Match(pattern, tag)
	return ok || err != nil
}

func texts(list any, ending string) (all []string) {
	entries, _ := list.([]any)
	for _, entry := range entries {
		if text, ok := entry.(string); ok {
			all = append(all, text+ending)
		}
	}
	return all
}

// keepsAll reports whether the rule removes no image that it selects, because its count is never
// reached.
func (r rule) keepsAll() bool {
	selection, _ := r["selection"].(map[string]any)
	number, _ := selection["countNumber"].(json.Number)
	count, err := number.Int64()
	return err == nil && selection["countType"] == "imageCountMoreThan" && count >= minUnreachedCount
}

// String returns the name of a rule as in AWS's console.
func (r rule) String() string {
	name := fmt.Sprintf("rule %d", r.priority())
	if description, _ := r[keyDescription].(string); description != "" {
		name += fmt.Sprintf(" (%q)", description)
	}
	return name
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
