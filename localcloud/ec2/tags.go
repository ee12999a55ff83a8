package ec2

import (
	"maps"
	"slices"
	"strings"

	"beansprout/localcloud/wire"
)

// tag is a tag in a request.
type tag struct {
	Key   string `aws:"required,min=1,max=128"`
	Value string `aws:"max=256"`
}

// tagOut is a tag in an answer: its value is there even if it is empty.
type tagOut struct {
	Key   string  `json:"key"`
	Value *string `json:"value"`
}

// shownTags returns tags by key.
func shownTags(of map[string]string) []tagOut {
	out := []tagOut{}
	for _, key := range slices.Sorted(maps.Keys(of)) {
		value := of[key]
		out = append(out, tagOut{key, &value})
	}
	return out
}

// tagSpecification has the tags of one kind of resources that a call makes.
type tagSpecification struct {
	ResourceType string `aws:"required"`
	Tags         []tag  `json:"Tag" aws:"required,max=50"`
}

// specified returns the tags for a kind of resources, and refuses those of kinds that are not allowed.
func specified(specifications []tagSpecification, kind string, allowed ...string) (map[string]string, error) {
	all := map[string]string{}
	for _, s := range specifications {
		if !slices.Contains(allowed, s.ResourceType) {
			return nil, invalid("'%s' is not a valid taggable resource type for this operation.", s.ResourceType)
		}
		checked, err := checkTags(s.Tags)
		if err != nil {
			return nil, err
		}
		if s.ResourceType == kind {
			maps.Copy(all, checked)
		}
	}
	return all, nil
}

func checkTags(given []tag) (map[string]string, error) {
	all := map[string]string{}
	for _, t := range given {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, invalid("Tag keys starting with 'aws:' are reserved for internal use")
		}
		if _, twice := all[t.Key]; twice {
			return nil, invalid("Duplicate tag key '%s' specified.", t.Key)
		}
		all[t.Key] = t.Value
	}
	return all, nil
}

// tagged returns the tags of a resource that is no instance.
func (st *state) tagged(id string) (map[string]string, error) {
	of, _, err := tags.Get(st.tx, st.Region, id)
	return of, err
}

// resources returns the tags of everything that can have some, by id.
func (st *state) resources() (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	for _, i := range st.Fleet.All(st.Region) {
		all[i.ID] = i.Tags
	}
	n := st.network()
	ids := []string{n.VPC}
	for _, s := range n.Subnets {
		ids = append(ids, s.ID)
	}
	made, err := templates.All(st.tx, st.Region)
	if err != nil {
		return nil, err
	}
	for _, t := range made {
		ids = append(ids, t.ID)
	}
	for _, id := range ids {
		if all[id], err = st.tagged(id); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// kinds are the types of resources by the beginning of their ids.
var kinds = map[string]string{"i": "instance", "lt": "launch-template", "vpc": "vpc", "subnet": "subnet"}

func kindOf(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	return kinds[prefix]
}

type createTagsIn struct {
	Resources []string `json:"ResourceId" aws:"required,min=1,max=1000"`
	Tags      []tag    `json:"Tag" aws:"required,min=1,max=1000"`
}

const tagsOfResource = 50

func createTags(st *state, in createTagsIn) (out done, err error) {
	more, err := checkTags(in.Tags)
	if err != nil {
		return out, err
	}
	all, err := st.resources()
	if err != nil {
		return out, err
	}
	after := map[string]map[string]string{}
	for _, id := range in.Resources {
		had, ok := all[id]
		if !ok {
			return out, notFound(id)
		}
		after[id] = maps.Clone(more)
		for key, value := range had {
			if _, replaced := more[key]; !replaced {
				after[id][key] = value
			}
		}
		if len(after[id]) > tagsOfResource {
			return out, wire.Errorf("TagLimitExceeded", "More than %d tags specified", tagsOfResource)
		}
	}
	for id, of := range after {
		if kindOf(id) == "instance" {
			err = st.Fleet.Tag(id, more)
		} else {
			err = tags.Put(st.tx, of, st.Region, id)
		}
		if err != nil {
			return out, err
		}
	}
	return done{true}, nil
}

// notFound returns EC2's refusal of an id.
func notFound(id string) error {
	switch kindOf(id) {
	case "instance":
		return wire.Errorf("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", id)
	case "launch-template":
		return wire.Errorf("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID %s, does not exist.", id)
	case "vpc":
		return wire.Errorf("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", id)
	case "subnet":
		return wire.Errorf("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", id)
	}
	return wire.Errorf("InvalidID", "The ID '%s' is not valid", id)
}

type describeTagsIn struct {
	Filters []filter `json:"Filter"`
	paged
}

type describedTag struct {
	tagOut
	ResourceId   string `json:"resourceId"`
	ResourceType string `json:"resourceType"`
}

type tagsOut struct {
	NextToken string         `json:"nextToken"`
	Tags      []describedTag `json:"tagSet"`
}

func describeTags(st *state, in describeTagsIn) (out tagsOut, err error) {
	resources, err := st.resources()
	if err != nil {
		return out, err
	}
	var all []describedTag
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		for _, t := range shownTags(resources[id]) {
			one := map[string]string{t.Key: *t.Value}
			ok, err := passes(in.Filters, attributes{"resource-id": {id}, "resource-type": {kindOf(id)}, "key": {t.Key}, "value": {*t.Value}}, one)
			if err != nil {
				return out, err
			}
			if ok {
				all = append(all, describedTag{t, id, kindOf(id)})
			}
		}
	}
	out.Tags, out.NextToken, err = page(all, in.paged, func(t describedTag) string { return t.ResourceId + "/" + t.Key })
	return out, err
}
