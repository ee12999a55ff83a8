package envs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"beansprout/envs/beanstalk"
	"beansprout/pattern"
)

// liveTag returns the tag that keeps an image while the environment of that name lives in this
// region.
func (m *Manager) liveTag(name, image, digest string) string {
	return LiveTag(m.region, name, image, digest)
}

// regional returns live tags as this region writes them. Old ones, which name no region, are in
// old records.
func (m *Manager) regional(name string, tags []string) []string {
	var regional []string
	for _, tag := range tags {
		regional = append(regional, RegionalLiveTag(tag, m.region, name))
	}
	return regional
}

// adopt gives each needed image that has only an old live tag this region's tag, and adds that to the
// repository's tags. It calls needed with this region's tag.
func (m *Manager) adopt(ctx context.Context, l *lease, name string, have map[string]string, needed func(tag string) bool) error {
	var failures []error
	for old, digest := range maps.Clone(have) {
		tag := RegionalLiveTag(old, m.region, name)
		if tag == old || have[tag] == digest || !needed(tag) {
			continue
		}
		if err := l.images.Tag(ctx, m.config.Repository.Name, digest, tag); err != nil {
			failures = append(failures, err)
			continue
		}
		have[tag] = digest
	}
	return errors.Join(failures...)
}

// staleTags are live tags of an environment that nothing in this region needs.
type staleTags struct {
	gone []string          // may be removed
	stay map[string]string // old ones that another region may need, with the reason
}

// stale returns those of the repository's tags that are live tags of the environment and are not
// needed. An old one, which names no region, may go only where this region's own tag is on its image
// and no environment of that name lives in another region.
func (m *Manager) stale(ctx context.Context, name string, have map[string]string, needed func(tag string) bool) staleTags {
	t := staleTags{stay: map[string]string{}}
	regional := map[string]bool{} // digests
	for tag, digest := range have {
		regional[digest] = regional[digest] || IsLiveTagOf(tag, m.region, name)
	}
	var old []string
	for tag, digest := range have {
		switch {
		case IsLiveTagOf(tag, m.region, name):
			if !needed(tag) {
				t.gone = append(t.gone, tag)
			}
		case !IsOldLiveTagOf(tag, name):
		case regional[digest]:
			old = append(old, tag)
		default:
			t.stay[tag] = fmt.Sprintf("it names no region, and no tag of %s is on its image, so another region may need it", m.region)
		}
	}
	if len(old) == 0 {
		return t
	}
	reason := m.livesElsewhere(ctx, name)
	for _, tag := range old {
		if reason == "" {
			t.gone = append(t.gone, tag)
		} else {
			t.stay[tag] = "it names no region, and " + reason
		}
	}
	return t
}

// livesElsewhere returns a sentence if the environment of that name lives in another region or if that
// is not known, and "" otherwise. It asks each region where Beanstalk has made a bucket for the
// account.
func (m *Manager) livesElsewhere(ctx context.Context, name string) string {
	account, err := m.account(ctx)
	var regions []string
	if err == nil {
		regions, err = m.s3.otherRegions(ctx, account, m.region)
	}
	if err != nil {
		return "it isn't known in which regions environment " + name + " lives: " + err.Error()
	}
	for _, region := range regions {
		_, err := m.beanstalk.In(region).Find(ctx, name, nil)
		if err == nil {
			return "environment " + name + " lives in " + region + ", too"
		}
		// An answer without it may come from missing rights; its address tells, too.
		if absent, ok := errors.AsType[*beanstalk.MissingError](err); !ok || !absent.AddressFree {
			return fmt.Sprintf("it isn't known whether environment %s lives in %s: %v", name, region, cmp.Or(certainlyGone(err), ErrTaken))
		}
	}
	return ""
}

// untag removes the environment's live tags except those to keep, which may be in the form of old
// records. early are the repository's tags, if they were read already.
func (m *Manager) untag(ctx context.Context, l *lease, name string, keep []string, early *ahead[map[string]string], o Options) error {
	repository := m.config.Repository.Name
	have, current := early.take()
	if !current {
		var err error
		if have, err = m.images.Tags(ctx, repository); err != nil {
			return err
		}
	}
	keep = m.regional(name, keep)
	needed := func(tag string) bool { return slices.Contains(keep, tag) }
	if err := m.adopt(ctx, l, name, have, needed); err != nil {
		return err
	}
	stale := m.stale(ctx, name, have, needed)
	for _, tag := range slices.Sorted(maps.Keys(stale.stay)) {
		o.note("image tag %s:%s stays: %s", repository, tag, stale.stay[tag])
	}
	_, err := l.images.Untag(ctx, repository, sortedUnion(stale.gone))
	return err
}

// certainlyGone returns an error if an environment that was not found may still live.
func certainlyGone(err error) error {
	absent, ok := errors.AsType[*beanstalk.MissingError](err)
	if ok && absent.Certain {
		return nil
	}
	if ok {
		return fmt.Errorf("AWS doesn't list environment %s, but its address %s is %w", absent.Name, absent.CNAME, ErrTaken)
	}
	return err
}

// sortedUnion returns what is in any of the lists, each once, in order.
func sortedUnion(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

const (
	livePrefix = "live-"
	// maxLiveImage is how many characters of a live tag, which may have 128, tell the image.
	maxLiveImage = 40
)

// LiveTag returns the registry tag that keeps an image from expiring while the environment of
// that name lives on it in the region: one repository may serve several regions, and the name
// is the same in all.
func LiveTag(region, name, image, digest string) string {
	return liveTag(region, name, strings.ReplaceAll(image, "-", "_"), strings.TrimPrefix(digest, "sha256:")[:12])
}

// liveTag cuts what is too long of an image's name and adds a hash of it.
func liveTag(region, name, image, digest string) string {
	if len(image) > maxLiveImage {
		sum := sha256.Sum256([]byte(image))
		hash := hex.EncodeToString(sum[:4])
		image = image[:maxLiveImage-len(hash)-1] + "_" + hash
	}
	return livePrefix + region + "-" + name + "-" + image + "-" + digest
}

var imageSuffix = pattern.New(`^-([A-Za-z0-9_.]+)-([0-9a-f]{12})$`)

// IsLiveTagOf reports whether LiveTag makes the tag for the environment of that name in the
// region.
func IsLiveTagOf(tag, region, name string) bool {
	rest, ok := strings.CutPrefix(tag, livePrefix+region+"-"+name)
	return ok && imageSuffix.MatchString(rest)
}

// IsOldLiveTagOf reports whether the tag is one of the environment of that name from before
// live tags carried the region: it may be any region's.
func IsOldLiveTagOf(tag, name string) bool {
	rest, ok := strings.CutPrefix(tag, livePrefix+name)
	return ok && imageSuffix.MatchString(rest)
}

// RegionalLiveTag returns the tag that LiveTag makes for the same image in the region where
// the tag is an old one of the environment, and any other tag as it is.
func RegionalLiveTag(tag, region, name string) string {
	if !IsOldLiveTagOf(tag, name) {
		return tag
	}
	parts := imageSuffix.FindStringSubmatch(strings.TrimPrefix(tag, livePrefix+name))
	return liveTag(region, name, parts[1], parts[2])
}

// imageOfLiveTag returns the name of the image, with underscores for hyphens, that a live tag of the
// environment tells.
func imageOfLiveTag(tag, region, name string) string {
	parts := imageSuffix.FindStringSubmatch(strings.TrimPrefix(tag, livePrefix+region+"-"+name))
	if parts == nil {
		return ""
	}
	return parts[1]
}
