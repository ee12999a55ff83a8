package envs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"beansprout/envs/store"
	"beansprout/pattern"
)

// imageRecordLimit is how many records ImageTroubles reads in one sweep: those of environments that
// should have a live tag and have none.
const imageRecordLimit = 20

// ImageTroubles returns by id what is wrong with the images of living environments, in words. It reads
// the repository's tags once. The live tags are named after the environments, so that their records,
// one call each, need not be read: only a few of those without any live tag are.
func (m *Manager) ImageTroubles(ctx context.Context, living []*Environment) (map[string]string, error) {
	if m.config.Repository.Unused || len(living) == 0 {
		return nil, nil
	}
	on, err := m.currentShelf(ctx)
	if err != nil {
		return nil, err
	}
	tagged := on.liveTags(m.region, living)
	var untagged []*Environment
	troubles := map[string]string{}
	for _, e := range living {
		tags := e.liveTags()
		switch {
		case e.State.Gone(), e.State == Launching: // its tags go, or come
			continue
		case e.Record == nil && len(tagged[e.Name]) > 0:
			tags = tagged[e.Name]
		case e.Record == nil:
			untagged = append(untagged, e)
		}
		if trouble := ImageTrouble(on.states(m.region, e.Name, tags)); trouble != "" {
			troubles[e.ID] = trouble
		}
	}
	return troubles, m.readUntagged(ctx, on, untagged, troubles)
}

// readUntagged adds what is wrong with the images of environments without a live tag, by their records.
// A record that isn't one names no images.
func (m *Manager) readUntagged(ctx context.Context, on shelf, untagged []*Environment, troubles map[string]string) error {
	s, err := m.store(ctx)
	if err != nil {
		return err
	}
	left := len(untagged) - imageRecordLimit
	untagged = untagged[:min(len(untagged), imageRecordLimit)]
	records, failures := make([]store.Record, len(untagged)), make([]error, len(untagged))
	var g errgroup.Group
	g.SetLimit(recordReaders)
	for i := range untagged {
		g.Go(func() error { records[i], failures[i] = s.Read(ctx, untagged[i].Name); return nil })
	}
	_ = g.Wait()
	named := 0
	for i := range untagged {
		e := *untagged[i]
		if err := failures[i]; err != nil && !errors.Is(err, store.ErrGarbage) {
			return fmt.Errorf("read which images environment %s runs: %w", e.Name, err)
		}
		e.Record = &records[i]
		named += len(e.liveTags())
		if trouble := ImageTrouble(on.states(m.region, e.Name, e.liveTags())); trouble != "" {
			troubles[e.ID] = trouble
		}
	}
	if left > 0 && named > 0 { // else they run bundles without images, as far as was read
		return fmt.Errorf("%d environments have no live tag in repository %s, and %d of their records were not read", left+imageRecordLimit, on.repository, left)
	}
	return nil
}

// liveTags returns the tags that keep the images of these environments, by the environment's name.
func (on shelf) liveTags(region string, living []*Environment) map[string][]string {
	names := map[string]bool{}
	for _, e := range living {
		names[e.Name] = true
	}
	found := map[string][]string{}
	for tag := range on.digests {
		if name := environmentOfLiveTag(tag, region, names); name != "" {
			found[name] = append(found[name], tag)
		}
	}
	for _, tags := range found {
		slices.Sort(tags)
	}
	return found
}

// environmentOfLiveTag returns which of the names the live tag belongs to, "" if none.
func environmentOfLiveTag(tag, region string, names map[string]bool) string {
	if name := nameOfLiveTag(tag, region); names[name] {
		return name
	}
	if rest, ok := strings.CutPrefix(tag, livePrefix); ok {
		if parts := liveTagShape.FindStringSubmatch(rest); parts != nil && names[parts[1]] { // an old one, without the region
			return parts[1]
		}
	}
	return ""
}

// liveTagShape takes apart what follows the prefix of a live tag: the names of images in them have no
// hyphen.
var liveTagShape = pattern.New(`^(.+)-[A-Za-z0-9_.]+-[0-9a-f]{12}$`)
