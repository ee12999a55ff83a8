package beanstalk

import (
	"maps"
	"slices"
	"strings"

	"beansprout/localcloud/wire"
)

type listTagsIn struct {
	ResourceArn string `aws:"required"`
}

type listTagsOut struct {
	ResourceArn  string
	ResourceTags []tag
}

type updateTagsIn struct {
	ResourceArn  string `aws:"required"`
	TagsToAdd    []tag
	TagsToRemove []string `aws:"each,min=1,max=128"`
}

// tagged is a resource that can have tags.
type tagged struct {
	tags    map[string]string
	system  []tag // which cannot be changed
	replace func(map[string]string) error
}

func listTagsForResource(st *state, in listTagsIn) (listTagsOut, error) {
	t, err := st.tagged(in.ResourceArn)
	out := listTagsOut{ResourceArn: in.ResourceArn, ResourceTags: t.system}
	for _, key := range slices.Sorted(maps.Keys(t.tags)) {
		out.ResourceTags = append(out.ResourceTags, tag{key, t.tags[key]})
	}
	return out, err
}

func updateTagsForResource(st *state, in updateTagsIn) (none, error) {
	t, err := st.tagged(in.ResourceArn)
	if err != nil {
		return none{}, err
	}
	tags := maps.Clone(t.tags)
	for _, key := range in.TagsToRemove {
		if err := checkReserved(key); err != nil {
			return none{}, err
		}
		if slices.ContainsFunc(in.TagsToAdd, func(t tag) bool { return t.Key == key }) {
			return none{}, invalid("Tag key '%s' is both to be added and to be removed.", key)
		}
		delete(tags, key)
	}
	add := in.TagsToAdd
	if t.system != nil {
		add = withoutName(add)
	}
	if tags, err = addTags(tags, add); err != nil {
		return none{}, err
	}
	return none{}, t.replace(tags)
}

// withoutName removes the tag "Name", which is the system's on environments. A change of that tag
// does nothing, and fails if it is the only change.
func withoutName(tags []tag) []tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t tag) bool { return t.Key == "Name" })
}

// tagged returns the resource with that ARN.
func (st *state) tagged(resource string) (tagged, error) {
	prefix := wire.ARN("elasticbeanstalk", st.Region, st.Account, "")
	kind, path, ok := strings.Cut(strings.TrimPrefix(resource, prefix), "/")
	if !ok || !strings.HasPrefix(resource, prefix) {
		return tagged{}, wire.Errorf("ResourceTypeNotSupportedException", "The resource type of '%s' is not supported.", resource)
	}
	app, name, _ := strings.Cut(path, "/")
	t, known := st.taggedKinds(app, name)[kind]
	if !known {
		return tagged{}, wire.Errorf("ResourceTypeNotSupportedException", "The resource type '%s' is not supported.", kind)
	}
	found, ok := t()
	if !ok {
		return tagged{}, wire.Errorf("ResourceNotFoundException", "Resource %s not found.", resource)
	}
	return found, nil
}

func (st *state) taggedKinds(app, name string) map[string]func() (tagged, bool) {
	return map[string]func() (tagged, bool){
		"environment": func() (tagged, bool) { return st.taggedEnvironment(app, name) },
		"application": func() (tagged, bool) {
			return taggedRecord(st, applications, func(a *application) *map[string]string { return &a.Tags }, app)
		},
		"applicationversion": func() (tagged, bool) {
			return taggedRecord(st, versions, func(v *version) *map[string]string { return &v.Tags }, app, name)
		},
		"configurationtemplate": func() (tagged, bool) {
			return taggedRecord(st, templates, func(t *template) *map[string]string { return &t.Tags }, app, name)
		},
	}
}

// taggedRecord returns a resource whose tags are only recorded.
func taggedRecord[T any](st *state, in table[T], tags func(*T) *map[string]string, key ...string) (tagged, bool) {
	rec, ok := in.get(st, key...)
	return tagged{tags: *tags(&rec), replace: func(with map[string]string) error {
		*tags(&rec) = with
		in.put(st, rec, key...)
		return nil
	}}, ok
}

// taggedEnvironment returns an environment. A write of its tags is an update of the environment.
func (st *state) taggedEnvironment(app, name string) (tagged, bool) {
	id, _ := names.get(st, name)
	e, ok := environments.get(st, id)
	return tagged{
		tags: e.Setup.Tags,
		system: []tag{
			{"Name", e.Name}, {"elasticbeanstalk:environment-id", e.ID}, {"elasticbeanstalk:environment-name", e.Name},
		},
		replace: func(with map[string]string) error {
			w := work{Verb: retag, Wanted: e.Setup}
			w.Wanted.Tags = with
			_, err := st.start(e, w)
			return err
		},
	}, ok && e.Application == app
}
