package envs

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// tagsAtOnce is how many environments' tags a Read of an Inventory reads. The whole account shares two
	// reads a second, and bursts of fifteen.
	tagsAtOnce = 4
	// tagsTime is how long it waits for them.
	tagsTime = 5 * time.Second
	// tagsPause is how long none are read after that has failed, and tagsRetry how long those are not read that
	// could not be read: others must not wait for what AWS refuses.
	tagsPause = time.Minute
	tagsRetry = 10 * time.Minute
	// tagsMaxAge is how old tags may be. They are written once, unless a person changes them.
	tagsMaxAge = 6 * time.Hour
	// tagsLag is how long AWS may still tell the former tags after the update that changes them.
	tagsLag = 2 * time.Minute
	// tagsAhead is how long before its end the tags of an environment matter, which may protect it.
	tagsAhead = 24 * time.Hour
)

// tagCache are the tags of the environments for which they matter, as they were read last.
type tagCache struct {
	readings map[string]tagReading // by id
	paused   time.Time             // until when none are read
}

// tagReading are the tags of an environment. They are nil where it had none.
type tagReading struct {
	tags    Tags
	at      time.Time // by AWS's clock, as are the next two
	updated time.Time // when AWS had changed the environment last
	failed  time.Time // when they could not be read; zero where they could
}

// of returns the tags of the environment with that id, nil where they are not known.
func (c *tagCache) of(id string) Tags { return c.readings[id].tags }

// refresh reads the tags of a few environments for which they matter, the most urgent first. It forgets those of
// environments that are not among all.
func (c *tagCache) refresh(ctx context.Context, m *Manager, all []Environment, list *Listing) {
	ids := make(map[string]bool, len(all))
	var missing []Environment
	unknown := 0
	for _, e := range all {
		ids[e.ID] = true
		if !tagsMatter(e, len(all), list.Now) {
			continue
		}
		if !c.current(e, list.Now) {
			missing = append(missing, e)
		}
		if e.Feature != "" && c.of(e.ID) == nil {
			unknown++
		}
	}
	maps.DeleteFunc(c.readings, func(id string, _ tagReading) bool { return !ids[id] })
	limit := tagsAtOnce
	if c.readings == nil && len(all) <= tagReadLimit {
		limit = tagReadLimit // as a list does, so that of few nothing is unknown from the first Read on
	}
	if time.Now().After(c.paused) {
		slices.SortStableFunc(missing, byUrgency)
		unknown -= c.read(ctx, m, missing[:min(len(missing), limit)], list)
	}
	if unknown > 0 {
		list.warn("the tags of %d environments, which may protect them, were not read yet", unknown)
	}
}

// tagsMatter reports whether something hangs on the tags of an environment, of so many: whether it is ours, how
// long it lives, or whether they protect it from a removal that is near. Of few, all are worth knowing.
func tagsMatter(e Environment, of int, now time.Time) bool {
	switch {
	case e.State.Gone() || e.Moved != "":
		return false
	case e.Feature == "" || of <= tagReadLimit || e.TTL == "":
		return true
	}
	return e.Expires.Before(now.Add(tagsAhead)) && !e.Protected()
}

// byUrgency puts first what is not known to be ours, then what ends first.
func byUrgency(a, b Environment) int {
	switch {
	case (a.Feature == "") == (b.Feature == ""):
		return a.Expires.Compare(b.Expires)
	case a.Feature == "":
		return -1
	}
	return 1
}

// current reports whether the tags of an environment need not be read now: they were, and AWS has not changed the
// environment since, as it does when its tags are changed, or has not finished that.
func (c *tagCache) current(e Environment, now time.Time) bool {
	r, ok := c.readings[e.ID]
	age := now.Sub(r.at)
	switch {
	case now.Sub(r.failed) < tagsRetry:
		return true
	case !ok, age < 0, age > tagsMaxAge:
		return false
	case !e.Updated.Equal(r.updated):
		return e.State.Busy()
	}
	return age < tagsLag || r.at.Sub(r.updated) > tagsLag
}

// read reads the tags of environments, and returns of how many they have become known that were not known
// before.
func (c *tagCache) read(ctx context.Context, m *Manager, some []Environment, list *Listing) (learned int) {
	if c.readings == nil {
		c.readings = map[string]tagReading{}
	}
	ctx, cancel := context.WithTimeout(ctx, tagsTime)
	defer cancel()
	tags, failures := make([]Tags, len(some)), make([]error, len(some))
	var g errgroup.Group
	for n, e := range some {
		g.Go(func() error {
			tags[n], failures[n] = m.beanstalk.Tags(ctx, e.Env)
			return nil
		})
	}
	_ = g.Wait()
	for n, e := range some {
		if err := failures[n]; err != nil && !errors.Is(err, ErrNotFound) {
			c.paused = time.Now().Add(tagsPause)
			was := c.readings[e.ID]
			was.failed = list.Now
			c.readings[e.ID] = was
			list.warn("%v", err)
			continue
		}
		if e.Feature != "" && c.of(e.ID) == nil && tags[n] != nil {
			learned++
		}
		c.readings[e.ID] = tagReading{tags: tags[n], at: list.Now, updated: e.Updated}
	}
	return learned
}
