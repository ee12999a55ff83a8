package elb

import (
	"slices"
	"strings"

	"beansprout/localcloud/wire"
)

// checkName refuses a name that AWS refuses for load balancers and target groups.
func checkName(kind, name string) error {
	subject := strings.ToUpper(kind[:1]) + kind[1:] + " name '" + name + "'"
	odd := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-')
	}
	switch {
	case name == "":
		return wire.Errorf("ValidationError", "A %s name must be specified", kind)
	case len(name) > 32:
		return wire.Errorf("ValidationError", "%s cannot be longer than '32' characters", subject)
	case strings.ContainsFunc(name, odd):
		return wire.Errorf("ValidationError", "%s can only contain characters that are alphanumeric characters or hyphens(-)", subject)
	case strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-"):
		return wire.Errorf("ValidationError", "%s cannot begin or end with '-'", subject)
	}
	return nil
}

// empty is an answer that says nothing: its element is there all the same.
type empty struct{}

// named reports whether a filter lets a name pass. A filter without names lets all pass.
func named(names []string, name string) bool { return names == nil || slices.Contains(names, name) }

// paged are the parameters of a list in pages.
type paged struct {
	Marker   string
	PageSize *int `aws:"min=1,max=400"`
}

// page returns the part of a list after the marker, and the next marker. A page has 400 entries
// unless the call asks for another number.
func page[T any](all []T, in paged, marker func(T) string) (part []T, next string, err error) {
	if in.Marker != "" {
		i := slices.IndexFunc(all, func(v T) bool { return marker(v) == in.Marker })
		if i < 0 {
			return nil, "", wire.Errorf("ValidationError", "Invalid marker '%s'", in.Marker)
		}
		all = all[i+1:]
	}
	size := 400
	if in.PageSize != nil {
		size = *in.PageSize
	}
	if size < len(all) {
		return all[:size], marker(all[size-1]), nil
	}
	return all, "", nil
}

// tag is a tag on the wire and in the state.
type tag struct {
	Key   string `aws:"required,min=1,max=128,pattern=[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"`
	Value string `aws:"max=256,pattern=[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"`
}

type tagOut struct {
	Key   string
	Value *string
}

const tagsPerResource = 50

func checkTags(tags []tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		if seen[t.Key] {
			return wire.Errorf("DuplicateTagKeys", "Tag key was specified more than once: %s", t.Key)
		}
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return wire.Errorf("ValidationError", "Tag key '%s' begins with 'aws:', which is reserved", t.Key)
		}
		seen[t.Key] = true
	}
	if len(tags) > tagsPerResource {
		return wire.Errorf("TooManyTags", "The quota for the number of tags that can be assigned to a resource has been reached")
	}
	return nil
}

type describeTagsIn struct {
	ResourceArns []string `aws:"required,min=1,max=20"`
}

type describeTagsOut struct{ TagDescriptions []tagsOf }

type tagsOf struct {
	ResourceArn string
	Tags        []tagOut
}

func describeTags(st *state, in describeTagsIn) (out describeTagsOut, err error) {
	for _, arn := range in.ResourceArns {
		tags, err := st.tagsOf(arn)
		if err != nil {
			return out, err
		}
		described := tagsOf{ResourceArn: arn}
		for _, t := range tags {
			described.Tags = append(described.Tags, tagOut{t.Key, &t.Value})
		}
		out.TagDescriptions = append(out.TagDescriptions, described)
	}
	return out, nil
}

// tagsOf returns the tags of any resource.
func (st *state) tagsOf(arn string) ([]tag, error) {
	_, resource, _ := strings.Cut(arn, st.arn(""))
	kind, _, _ := strings.Cut(resource, "/")
	switch kind {
	case "loadbalancer":
		b, err := balancers.must(st, arn)
		return b.Tags, err
	case "listener":
		l, err := listeners.must(st, arn)
		return l.Tags, err
	case "listener-rule":
		_, r, err := st.rule(arn)
		return r.Tags, err
	case "targetgroup":
		g, err := groups.must(st, arn)
		return g.Tags, err
	}
	return nil, wire.Errorf("ValidationError", "'%s' is not a valid resource ARN", arn)
}
