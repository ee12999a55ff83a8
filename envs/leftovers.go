package envs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
)

// Leftover is what remains of a removed environment: versions, bundles and image tags that are named
// after it, and its record.
type Leftover struct {
	Name     string    // of the environment
	Versions bool      // whether there are any
	Images   bool      // whether there are tags of images. A record alone is not worth a word while it stays, unless a removal failed
	Since    time.Time // the latest date that is known of it; zero where AWS names none
	Reason   string    // why it stays, "" where it may go
	Failure  string    // why its last removal failed, "" where none did

	application string // "" is the Manager's
	feature     string // "" where it is not known
}

// leftoverMinAge is how old what is left must be: a deploy registers its version, and writes its
// record, long before its environment exists.
const leftoverMinAge = 24 * time.Hour

// leftoverPart is a version, image tags or a record that are named after an environment that does not live.
type leftoverPart struct {
	name     string    // the environment's
	feature  string    // "" where it is not known
	version  string    // label, of a version; "" of the rest
	images   bool      // of image tags, which have no date
	written  time.Time // by AWS's clock
	unproved string    // why it isn't known to be ours; "" where that is proved
}

const (
	unproved       = "nothing tells which feature its version was made for"
	unprovedImages = "nothing tells which feature the images were made for whose tags have its name"
)

// tenant is an environment that lives, as far as the leftovers of others are told by it. Thousands of
// them are kept while these are looked for.
type tenant struct{ name, application, version string }

func tenants(rows []Env) []tenant {
	all := make([]tenant, len(rows))
	for i, e := range rows {
		all[i] = tenantOf(e)
	}
	return all
}

func tenantOf(e Env) tenant { return tenant{e.Name, e.Application, e.Version} }

// leftovers returns what is left of the application's environments that have gone, by name. rows are
// those that have not, all of them, and now is AWS's time.
func (m *Manager) leftovers(ctx context.Context, rows []tenant, now time.Time) ([]Leftover, error) {
	living := map[string]bool{}
	for _, e := range rows {
		living[e.name] = true
	}
	parts, err := m.leftoverParts(ctx, living, now)
	if err != nil {
		return nil, fmt.Errorf("look for what is left of environments: %w", err)
	}
	gone, err := m.beanstalk.Terminated(ctx, m.config.Application, now.Add(-m.config.Days.RestoreFor))
	if err != nil {
		return nil, fmt.Errorf("look for what is left of environments: %w", err)
	}
	var all []Leftover
	for _, g := range gather(parts, rows, gone) {
		l := Leftover{Name: g.name, Versions: g.versions, Images: g.images, feature: g.feature}
		if l.Failure = m.failure(ctx, g, now); l.Failure != "" {
			g.noted = time.Time{} // the removal that failed wrote the record
		}
		l.Since, l.Reason = later(later(g.newest, g.noted), g.terminated), g.stays(m.config.Days.RestoreFor, now)
		all = append(all, l)
	}
	return all, nil
}

// leftoverParts returns the versions by their labels, and the records of features of ours. The label alone
// doesn't prove whose a version is, nor does a record: others may write either, and all applications'
// bundles and records lie in one bucket.
func (m *Manager) leftoverParts(ctx context.Context, living map[string]bool, now time.Time) ([]leftoverPart, error) {
	// An up writes its record before its tags: of a tag that is read first, the record is seen, too.
	images := m.imageParts(ctx, living)
	versions, err := m.beanstalk.AllVersions(ctx, m.config.Application)
	if err != nil {
		return nil, err
	}
	s, err := m.store(ctx)
	if err != nil {
		return nil, err
	}
	account, err := m.account(ctx)
	if err != nil {
		return nil, err
	}
	versions = slices.DeleteFunc(versions, func(v beanstalk.Version) bool {
		name, ok := VersionOf(v.Label)
		return !ok || living[name]
	})
	proved := map[string]string{} // the feature by name, "" where that is not known
	for _, v := range versions {
		name, _ := VersionOf(v.Label)
		if feature, ok := describes(account, v, name); ok {
			proved[name] = feature
		}
	}
	records, err := s.Entries(ctx, func(name string) bool { return !living[name] })
	if err != nil {
		return nil, err
	}
	if err := m.proveByRecords(ctx, s, records, proved); err != nil {
		return nil, err
	}
	if err := m.proveByBundles(ctx, s, versions, proved); err != nil {
		return nil, err
	}
	if err := m.proveByTerminated(ctx, images, now, proved); err != nil {
		return nil, err
	}
	return slices.Concat(versionParts(versions, proved), provedImages(images, proved), recordParts(records, proved)), nil
}

// provedImages returns the images with their features; those that nothing proves say so.
func provedImages(images []leftoverPart, proved map[string]string) []leftoverPart {
	for i, p := range images {
		feature, ok := proved[p.name]
		if images[i].feature = feature; !ok {
			images[i].unproved = unprovedImages
		}
	}
	return images
}

// recordParts returns the records of features of ours; what nothing proves is not a leftover.
func recordParts(records []store.Entry, proved map[string]string) (parts []leftoverPart) {
	for _, e := range records {
		if feature, ok := proved[e.Name]; ok {
			parts = append(parts, leftoverPart{name: e.Name, feature: feature, written: e.Modified})
		}
	}
	return parts
}

func versionParts(versions []beanstalk.Version, proved map[string]string) (parts []leftoverPart) {
	for _, v := range versions {
		name, _ := VersionOf(v.Label)
		feature, ok := proved[name]
		t := leftoverPart{name: name, feature: feature, version: v.Label, written: v.Created}
		switch {
		case !store.IsBundleKey(v.Key, v.Label):
			t.unproved = foreignBundle(v)
		case !ok:
			t.unproved = unproved
		}
		parts = append(parts, t)
	}
	return parts
}

// describes returns the feature that the environment's name was computed from, if a version's
// description, which only AWS's own rights change, names it.
func describes(account string, v beanstalk.Version, name string) (feature string, ok bool) {
	e, ok := Recognize(account, Env{Name: name, CNAME: name, Application: v.Application, Description: v.Description})
	return e.Feature, ok && store.IsBundleKey(v.Key, v.Label)
}

// proveByRecords reads the records of environments that nothing else proves to be ours. One that names
// the feature which its name was computed from proves it.
func (m *Manager) proveByRecords(ctx context.Context, s *store.Store, records []store.Entry, proved map[string]string) error {
	account, err := m.account(ctx)
	if err != nil {
		return err
	}
	features := make([]string, len(records))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(recordReaders)
	for i, e := range records {
		if _, ok := proved[e.Name]; ok || !HasPrefix(e.Name, m.config.Application) {
			continue
		}
		g.Go(func() error {
			r, err := s.Read(ctx, e.Name)
			if errors.Is(err, store.ErrGarbage) {
				return nil
			}
			if err == nil && r.Feature != "" && IsName(e.Name, account, m.config.Application, r.Feature) {
				features[i] = r.Feature
			}
			return err
		})
	}
	err = g.Wait()
	for i, e := range records {
		if features[i] != "" {
			proved[e.Name] = features[i]
		}
	}
	return err
}

// proveByBundles reads the bundles of versions that nothing else proves: one from whose content the
// label was computed is ours, and the application's if no other one has a version of that label.
func (m *Manager) proveByBundles(ctx context.Context, s *store.Store, versions []beanstalk.Version, proved map[string]string) error {
	var labels []string
	for _, v := range versions {
		name, _ := VersionOf(v.Label)
		if _, ok := proved[name]; !ok && v.Bucket == s.Bucket() && store.IsBundleKey(v.Key, v.Label) && HasPrefix(name, m.config.Application) {
			labels = append(labels, v.Label)
		}
	}
	if len(labels) == 0 {
		return nil
	}
	users, err := m.beanstalk.Applications(ctx, labels)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if !slices.Contains(labels, v.Label) || len(users[v.Label]) != 1 {
			continue
		}
		name, _ := VersionOf(v.Label)
		digest, err := s.Download(ctx, v.Key, io.Discard)
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return err
		case VersionLabel(name, digest) == v.Label:
			proved[name] = ""
		}
	}
	return nil
}

// garbage is all that is known about one name that does not live.
type garbage struct {
	name       string
	unproved   string // why it isn't known to be ours, unless it is proved
	proved     bool
	feature    string    // "" where it is not known
	newest     time.Time // of its versions
	noted      time.Time // when its record was written
	undated    bool
	versions   bool
	images     bool
	runBy      string    // a living environment of another name that runs one of its versions
	terminated time.Time // when it last was, if lately
}

// gather brings together what is known about each name that does not live, by name.
func gather(parts []leftoverPart, rows []tenant, gone []Env) []garbage {
	users := map[string]string{}
	for _, e := range rows {
		users[e.version] = e.name
	}
	found := map[string]*garbage{}
	for _, p := range parts {
		g := found[p.name]
		if g == nil {
			g = &garbage{name: p.name}
			found[p.name] = g
		}
		g.proved = g.proved || p.unproved == ""
		g.unproved = cmp.Or(g.unproved, p.unproved)
		g.feature = cmp.Or(g.feature, p.feature)
		g.undated = g.undated || p.written.IsZero() && !p.images
		switch {
		case p.images:
			g.images = true
		case p.version == "":
			g.noted = later(g.noted, p.written)
		default:
			g.newest = later(g.newest, p.written)
			g.versions = true
			g.runBy = max(g.runBy, users[p.version])
		}
	}
	for _, e := range gone {
		if g := found[e.Name]; g != nil {
			g.terminated = later(g.terminated, e.Updated)
		}
	}
	for _, e := range rows {
		delete(found, e.name)
	}
	var all []garbage
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, *found[name])
	}
	return all
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// stays returns why what is left of an environment stays, or "".
func (g garbage) stays(restoreFor time.Duration, now time.Time) string {
	until := g.terminated.Add(restoreFor)
	switch {
	case g.runBy != "":
		return fmt.Sprintf("environment %s runs its version", g.runBy)
	case !g.proved:
		return "isn't known to be ours: " + g.unproved
	case !g.terminated.IsZero() && until.After(now):
		return "can be restored until " + until.UTC().Format(time.RFC3339)
	case g.undated:
		return "AWS names no date for what is left of it"
	case later(g.newest, g.noted).After(now.Add(-leftoverMinAge)):
		return "what is left of it is not a day old"
	}
	return ""
}

// RemoveLeftover takes away the versions, bundles and image tags that are named after an environment
// that has gone, and its record. The error wraps ErrNotReady where another operation is at work on the
// name, or it lives again. What another environment runs stays.
func (m *Manager) RemoveLeftover(ctx context.Context, l Leftover, o Options) (Receipt, error) {
	m = m.of(l.application)
	s, err := m.store(ctx)
	if err != nil {
		return emptyReceipt(Env{Name: l.Name}), err
	}
	r := m.newRemoval(s, Env{Name: l.Name, Application: m.config.Application}, o)
	if o.DryRun {
		return r.receipt, nil
	}
	err = m.withLease(ctx, l.Name, request{
		verb: "janitor", noWait: true,
		change: func(rec *store.Record) {
			rec.Feature, rec.Stuck = cmp.Or(rec.Feature, l.feature), cmp.Or(rec.Stuck, removalInterrupted)
		},
		last: func(rec *store.Record, err error) { r.noteStuck(rec, err) },
		drop: func() bool { return !r.retained },
	}, o, func(ctx context.Context, current *lease) error {
		r.taken = current.taken
		err := r.removeLeftover(ctx)
		if err == nil && !r.retained {
			r.announce(ctx, current.record)
		}
		return err
	})
	if err == nil && !r.retained {
		r.receipt.Remove("record of " + l.Name)
	}
	return r.receipt, err
}

func (r *removal) removeLeftover(ctx context.Context) error {
	now, err := r.manager.beanstalk.Find(ctx, r.env.Name, r.manager.recordedID(r.env.Name))
	if err == nil {
		return fmt.Errorf("environment %s: %w: it is %s again", r.env.Name, ErrNotReady, now.State)
	}
	if err := certainlyGone(err); err != nil {
		return err
	}
	if err := r.removeVersions(ctx); err != nil {
		return err
	}
	var rec store.Record
	if r.manager.config.Repository.Unused {
		rec, _ = r.store.Read(ctx, r.env.Name) // one that can't be read names no images
	}
	return r.removeImages(ctx, rec)
}
