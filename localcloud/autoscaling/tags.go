package autoscaling

import (
	"slices"
	"strings"

	"beansprout/localcloud/wire"
)

// tag is a tag of a group. What propagates is also a tag of the instances that are launched from then on.
type tag struct {
	Key, Value string
	Propagates bool
}

type tagIn struct {
	ResourceId        string `aws:"xml"`
	ResourceType      string `aws:"xml"`
	Key               string `aws:"required,min=1,max=128,xml"`
	Value             string `aws:"max=256,xml"`
	PropagateAtLaunch bool
}

// tagOut is a tag in an answer: its value is there even if it is empty.
type tagOut struct {
	ResourceId, ResourceType string
	Key                      string
	Value                    *string
	PropagateAtLaunch        bool
}

const resourceType = "auto-scaling-group"

func (t *tag) show(group string) tagOut {
	return tagOut{group, resourceType, t.Key, &t.Value, t.Propagates}
}

const mostTags = 50

// tag adds a tag in place of the one with its key.
func (g *group) tag(in tagIn) error {
	switch {
	case in.ResourceType != "" && in.ResourceType != resourceType:
		return invalid("Invalid resource type %s. Only %s is supported.", in.ResourceType, resourceType)
	case in.ResourceId != "" && in.ResourceId != g.Name:
		return invalid("The tag's resource ID '%s' is not that of the group.", in.ResourceId)
	case strings.HasPrefix(strings.ToLower(in.Key), "aws:"):
		return invalid("AWS reserved tag prefix 'aws:' cannot be used in tag key '%s'.", in.Key)
	}
	t := tag{in.Key, in.Value, in.PropagateAtLaunch}
	i, found := slices.BinarySearchFunc(g.Tags, t, func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
	if found {
		g.Tags[i] = t
		return nil
	}
	if len(g.Tags) >= mostTags {
		return wire.Errorf("LimitExceeded", "Only %d tags are allowed for a group.", mostTags)
	}
	g.Tags = slices.Insert(g.Tags, i, t)
	return nil
}

type tagsIn struct {
	Tags []tagIn `aws:"required,min=1,max=25"`
}

// createOrUpdateTags tags groups: all, or none if one of the tags is wrong.
func createOrUpdateTags(st *state, in tagsIn) (none, error) {
	for _, t := range in.Tags {
		if t.ResourceId == "" || t.ResourceType == "" {
			return none{}, invalid("Tags must have a resource ID and a resource type.")
		}
		if err := st.change(t.ResourceId, func(g *group) error { return g.tag(t) }); err != nil {
			return none{}, err
		}
	}
	return none{}, nil
}

// launchTags returns the tags of the group, and those that a new instance gets of it.
func (g *group) launchTags() (all, propagated map[string]string) {
	all, propagated = map[string]string{}, map[string]string{"aws:autoscaling:groupName": g.Name}
	for _, t := range g.Tags {
		if all[t.Key] = t.Value; t.Propagates {
			propagated[t.Key] = t.Value
		}
	}
	return all, propagated
}
