package ecr

import (
	"context"
	"maps"
	"slices"
	"strings"

	"beansprout/localcloud/wire"
)

// label is a tag of the repository itself, not of an image.
type label struct {
	Key   string  `json:"Key" aws:"required,min=1,max=128"`
	Value *string `json:"Value" aws:"required,max=256"` // an empty value is shown, too
}

const maxLabels = 50

func (r *repository) arn() string {
	return wire.ARN("ecr", r.Region, r.Registry, "repository/"+r.Name)
}

// label adds tags to the repository or overwrites them.
func (r *repository) label(labels []label) error {
	for _, l := range labels {
		if strings.HasPrefix(strings.ToLower(l.Key), "aws:") {
			return wire.Errorf("InvalidTagParameterException", "Tag keys starting with aws: are reserved")
		}
		r.Labels[l.Key] = *l.Value
	}
	if len(r.Labels) > maxLabels {
		return wire.Errorf("TooManyTagsException", "The repository with name '%s' may have at most %d tags", r.Name, maxLabels)
	}
	return nil
}

type arn struct {
	ResourceArn string `json:"resourceArn" aws:"required"`
}

// name returns the name of the repository in an ARN of this account and region.
func (a arn) name(c wire.Call) (string, error) {
	name, ok := strings.CutPrefix(a.ResourceArn, (&repository{Registry: c.Account, Region: c.Region}).arn())
	if !ok {
		return "", invalid("resourceArn", "Invalid ARN")
	}
	return name, nil
}

func (s *Service) relabel(c wire.Call, a arn, change func(*repository) error) (out struct{}, err error) {
	name, err := a.name(c)
	if err == nil {
		_, err = s.update(c.Region, name, change)
	}
	return out, err
}

func (s *Service) tagResource(_ context.Context, c wire.Call, in struct {
	arn
	Tags []label `json:"tags" aws:"required"`
}) (struct{}, error) {
	return s.relabel(c, in.arn, func(r *repository) error { return r.label(in.Tags) })
}

func (s *Service) untagResource(_ context.Context, c wire.Call, in struct {
	arn
	TagKeys []string `json:"tagKeys" aws:"required"`
}) (struct{}, error) {
	return s.relabel(c, in.arn, func(r *repository) error {
		maps.DeleteFunc(r.Labels, func(key, _ string) bool { return slices.Contains(in.TagKeys, key) })
		return nil
	})
}

func (s *Service) listTagsForResource(_ context.Context, c wire.Call, in arn) (out struct {
	Tags []label `json:"tags"`
}, err error) {
	name, err := in.name(c)
	if err != nil {
		return out, err
	}
	r, err := s.lookup(c.Region, name)
	if err != nil {
		return out, err
	}
	for _, key := range slices.Sorted(maps.Keys(r.Labels)) {
		value := r.Labels[key]
		out.Tags = append(out.Tags, label{key, &value})
	}
	return out, nil
}
