package envs

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// shelfMaxAge is how old a reading of the repository may be that a sweep uses twice: to look for the tags
// of environments that have gone, and for the images of those that live.
const shelfMaxAge = time.Minute

// lastShelf is the last reading of a repository.
type lastShelf struct {
	mu    sync.Mutex
	shelf shelf
	at    time.Time
}

// currentShelf reads the repository unless that was done within shelfMaxAge.
func (m *Manager) currentShelf(ctx context.Context) (shelf, error) {
	l := m.lastShelf
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shelf.repository == m.config.Repository.Name && !l.at.IsZero() && time.Since(l.at) < shelfMaxAge {
		return l.shelf, nil
	}
	began := time.Now()
	on, err := m.shelf(ctx)
	if err == nil {
		l.shelf, l.at = on, began
	}
	return on, err
}

// imageParts returns the names that live tags of this region tell of environments that do not live, with
// names of the application's form. An error is left to ImageTroubles, which reads the repository, too.
func (m *Manager) imageParts(ctx context.Context, living map[string]bool) (parts []leftoverPart) {
	if m.config.Repository.Unused || m.config.Repository.Name == "" {
		return nil
	}
	on, err := m.currentShelf(ctx)
	if err != nil {
		return nil
	}
	var names []string
	for tag := range on.digests {
		name := nameOfLiveTag(tag, m.region)
		if name != "" && !living[name] && NameShaped(name) && HasPrefix(name, m.config.Application) {
			names = append(names, name)
		}
	}
	for _, name := range sortedUnion(names) {
		parts = append(parts, leftoverPart{name: name, images: true})
	}
	return parts
}

// nameOfLiveTag returns the name of the environment whose live tag in the region that is, "" of others.
func nameOfLiveTag(tag, region string) string {
	rest, ok := strings.CutPrefix(tag, livePrefix+region+"-")
	parts := liveTagShape.FindStringSubmatch(rest)
	if !ok || parts == nil {
		return ""
	}
	return parts[1]
}

// proveByTerminated asks AWS about image tags whose names nothing else proves to be ours: the
// description of an environment that had the name, which AWS keeps for six weeks, can.
func (m *Manager) proveByTerminated(ctx context.Context, images []leftoverPart, now time.Time, proved map[string]string) error {
	if !slices.ContainsFunc(images, func(p leftoverPart) bool { _, ok := proved[p.name]; return !ok }) {
		return nil
	}
	account, err := m.account(ctx)
	if err != nil {
		return err
	}
	gone, err := m.beanstalk.Terminated(ctx, m.config.Application, now.Add(-terminatedRetention))
	for _, e := range gone {
		if _, ok := proved[e.Name]; ok {
			continue
		}
		if known, ok := Described(account, e); ok {
			proved[e.Name] = known.Feature
		}
	}
	return err
}
