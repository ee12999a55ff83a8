package ecr

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// ErrPolicy is reported when a repository has a lifecycle policy that is not understood: it
// stays as it is.
var ErrPolicy = errors.New("its lifecycle policy is not understood and stays as it is")

const day = 24 * time.Hour

// Expire has the repository's lifecycle policy take away what builds pushed, that long after
// the push (in days, rounded up; AWS acts within a day), unless it carries a live tag; 0 takes
// our rules away but for the one that shields these from rules of others. The rules of others stay, behind ours, and nothing is written when the
// policy says so already. The error wraps ErrNoRepository or ErrPolicy.
func (r *Registry) Expire(ctx context.Context, repository string, after time.Duration) (changed bool, err error) {
	changed, err = r.expire(ctx, parse(repository), int((after+day-1)/day))
	return changed, wrap(err, "set what expires in repository %q", repository)
}

func (r *Registry) expire(ctx context.Context, in address, days int) (changed bool, err error) {
	rules, err := r.policy(ctx, in)
	if err != nil {
		return false, err
	}
	rules, changed = renew(rules, days)
	if changed {
		err = r.putPolicy(ctx, in, rules)
	}
	return changed && err == nil, err
}

// policy returns the rules of the repository's lifecycle policy, none where it has none.
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
	if len(rules) == 0 { // AWS takes no empty policy
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
