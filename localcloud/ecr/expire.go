package ecr

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"
)

// aged holds the facts of an image that a lifecycle policy uses.
type aged struct {
	Digest string
	Tags   []string
	Pushed time.Time
	Listed bool // a manifest list names it, so it cannot be removed alone
}

// expire returns the digests of the images that a policy removes now. According to the ECR user
// guide a rule counts all images that it selects, including those that another rule expires, but a
// rule cannot expire an image that a rule of higher priority selects.
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

// selects reports whether an image with these tags meets the tag requirements: all entries of a
// list.
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

// matches reports whether a tag matches a pattern. Tags have no slash, and the only special character
// in patterns is the star, so package path has the same rules as AWS.
func matches(pattern, tag string) bool {
	ok, _ := path.Match(pattern, tag)
	return ok
}

// exceeded reports whether an image with that rank, 1 for the newest, or age is beyond the limit.
func (s selection) exceeded(rank int, age time.Duration) bool {
	if s.CountType == "imageCountMoreThan" {
		return rank > s.CountNumber
	}
	return age.Hours()/24 > float64(s.CountNumber) // days as a Duration would overflow
}
