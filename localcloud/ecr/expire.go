package ecr

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"
)

// aged is what a lifecycle policy looks at in an image.
type aged struct {
	Digest string
	Tags   []string
	Pushed time.Time
	Listed bool // named by a manifest list, without which it cannot go
}

// expire returns the digests of the images that a policy takes away now. After the ECR
// user guide: a rule counts every image it selects, those that another rule expires
// included, but an image that a rule selects can be expired by no rule of lower priority.
func expire(p policy, images []aged, now time.Time) (gone []string) {
	newestFirst := slices.SortedFunc(slices.Values(images), func(a, b aged) int {
		return cmp.Or(b.Pushed.Compare(a.Pushed), strings.Compare(a.Digest, b.Digest))
	})
	settled := map[string]bool{}
	for _, r := range p.Rules {
		rank := 0
		for _, img := range newestFirst {
			if !r.Selection.selects(img.Tags) {
				continue
			}
			rank++
			if !settled[img.Digest] && !img.Listed && r.Selection.exceeded(rank, now.Sub(img.Pushed)) {
				gone = append(gone, img.Digest)
			}
			settled[img.Digest] = true
		}
	}
	return gone
}

// selects says whether an image with these tags meets the tag requirements: of a list,
// all entries.
func (s selection) selects(tags []string) bool {
	if s.TagStatus != "tagged" {
		return s.TagStatus == "any" || len(tags) == 0
	}
	patterns := slices.Clone(s.TagPatternList)
	for _, prefix := range s.TagPrefixList {
		patterns = append(patterns, prefix+"*")
	}
	return !slices.ContainsFunc(patterns, func(pattern string) bool {
		return !slices.ContainsFunc(tags, func(tag string) bool { return matches(pattern, tag) })
	})
}

// matches relies on tags having no slash and patterns no sign but the star: path's rules
// are then AWS's.
func matches(pattern, tag string) bool {
	ok, _ := path.Match(pattern, tag)
	return ok
}

// exceeded says whether the image of that rank, 1 for the newest, and age is too many or too old.
func (s selection) exceeded(rank int, age time.Duration) bool {
	if s.CountType == "imageCountMoreThan" {
		return rank > s.CountNumber
	}
	return age.Hours()/24 > float64(s.CountNumber) // days as a Duration would overflow
}
