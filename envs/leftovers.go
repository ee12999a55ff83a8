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
	Versions bool      // whether there are any; a record alone is not worth a word while it stays
	Since    time.Time // the latest date that is known of it; zero where AWS names none
	Reason   string    // why it stays, "" where it may go

	application string // "" is the Manager's
}

// leftoverMinAge is how old what is left must be: a deploy registers its version, and writes its
// record, long before its environment exists.
const leftoverMinAge = 24 * time.Hour

// leftoverPart is a version or a record that is named after an environment that does not live.
type leftoverPart struct {
	name     string    // the environment's
	version  string    // label, of a version; "" of a record
	written  time.Time // by AWS's clock
	unproved string    // why it isn't known to be ours; "" where that is proved
}

const unproved = "nothing tells which feature its version was made for"

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
	parts, err := m.leftoverParts(ctx, living)
	if err != nil {
		return nil, fmt.Errorf("look for what is left of environments: %w", err)
	}
	gone, err := m.beanstalk.Terminated(ctx, m.config.Application, now.Add(-m.config.Days.RestoreFor))
	if err != nil {
		return nil, fmt.Errorf("look for what is left of environments: %w", err)
	}
	var all []Leftover
	for _, g := range gather(parts, rows, gone) {
		all = append(all, Leftover{
			Name: g.name, Versions: g.versions, Since: later(g.newest, g.terminated),
			Reason: g.stays(m.config.Days.RestoreFor, now),
		})
	}
	return all, nil
}

// leftoverParts returns the versions by their labels, and the records of features of ours. The label alone
// doesn't prove whose a version is, nor does a record: others may write either, and all applications'
// bundles and records lie in one bucket.
func (m *Manager) leftoverParts(ctx context.Context, living map[string]bool) ([]leftoverPart, error) {
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
	proved := map[string]bool{}
	for _, v := range versions {
		if name, _ := VersionOf(v.Label); describes(account, v, name) {
			proved[name] = true
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
	parts := versionParts(versions, proved)
	for _, e := range records {
		if proved[e.Name] {
			parts = append(parts, leftoverPart{name: e.Name, written: e.Modified})
		}
	}
	return parts, nil
}

func versionParts(versions []beanstalk.Version, proved map[string]bool) (parts []leftoverPart) {
	for _, v := range versions {
		name, _ := VersionOf(v.Label)
		t := leftoverPart{name: name, version: v.Label, written: v.Created}
		switch {
		case !store.IsBundleKey(v.Key, v.Label):
			t.unproved = foreignBundle(v)
		case !proved[name]:
			t.unproved = unproved
		}
		parts = append(parts, t)
	}
	return parts
}

// describes reports whether a version's description, which only AWS's own rights change, names the
// feature that the environment's name was computed from.
func describes(account string, v beanstalk.Version, name string) bool {
	_, ok := Recognize(account, Env{Name: name, CNAME: name, Application: v.Application, Description: v.Description})
	return ok && store.IsBundleKey(v.Key, v.Label)
}

// proveByRecords reads the records of environments that nothing else proves to be ours. One that names
// the feature which its name was computed from proves it.
func (m *Manager) proveByRecords(ctx context.Context, s *store.Store, records []store.Entry, proved map[string]bool) error {
	account, err := m.account(ctx)
	if err != nil {
		return err
	}
	ours := make([]bool, len(records))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(recordReaders)
	for i, e := range records {
		if proved[e.Name] || !HasPrefix(e.Name, m.config.Application) {
			continue
		}
		g.Go(func() error {
			r, err := s.Read(ctx, e.Name)
			if errors.Is(err, store.ErrGarbage) {
				return nil
			}
			ours[i] = err == nil && r.Feature != "" && IsName(e.Name, account, m.config.Application, r.Feature)
			return err
		})
	}
	err = g.Wait()
	for i, e := range records {
		if ours[i] {
			proved[e.Name] = true
		}
	}
	return err
}

// proveByBundles reads the bundles of versions that nothing else proves: one from whose content the
// label was computed is ours, and the application's if no other one has a version of that label.
func (m *Manager) proveByBundles(ctx context.Context, s *store.Store, versions []beanstalk.Version, proved map[string]bool) error {
	var labels []string
	for _, v := range versions {
		name, _ := VersionOf(v.Label)
		if !proved[name] && v.Bucket == s.Bucket() && store.IsBundleKey(v.Key, v.Label) && HasPrefix(name, m.config.Application) {
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
			proved[name] = true
		}
	}
	return nil
}

// garbage is all that is known about one name that does not live.
type garbage struct {
	name       string
	unproved   string // why it isn't known to be ours, unless it is proved
	proved     bool
	newest     time.Time
	undated    bool
	versions   bool
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
		g.undated = g.undated || p.written.IsZero()
		g.newest = later(g.newest, p.written)
		if p.version != "" {
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
	case g.newest.After(now.Add(-leftoverMinAge)):
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
		r.receipt.Remove("ledger record of " + l.Name)
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

const (
	// roomLimit is how many environments' leftovers one deploy removes to make room for its version.
	roomLimit = 10
	// leftoverTime bounds the removal of what one environment has left.
	leftoverTime = 30 * time.Minute
)

// makeRoom removes leftovers when AWS's quota of versions is used up, instead of waiting for the next
// sweep. It begins with the oldest, and continues if one fails. If there are none it returns an error
// that wraps cause.
func (m *Manager) makeRoom(ctx context.Context, o Options, cause error) error {
	removed, err := m.removeOldest(ctx, o)
	switch {
	case removed > 0:
		o.note("the quota of versions is used up: the leftovers of %d environments were removed", removed)
		return nil
	case err != nil:
		return errors.Join(cause, err)
	}
	return fmt.Errorf("%w; no removed environment has left a version that could be deleted", cause)
}

// removeOldest removes leftovers with versions, the oldest first, and returns of how many names.
func (m *Manager) removeOldest(ctx context.Context, o Options) (removed int, err error) {
	rows, now, err := m.beanstalk.Environments(ctx, m.config.Application)
	if err != nil {
		return 0, err
	}
	all, err := m.leftovers(ctx, tenants(rows), now)
	if err != nil {
		return 0, err
	}
	all = slices.DeleteFunc(all, func(l Leftover) bool { return !l.Versions || l.Reason != "" })
	slices.SortStableFunc(all, func(a, b Leftover) int { return a.Since.Compare(b.Since) })
	var failures []error
	for _, l := range all {
		if removed == roomLimit || len(failures) == roomLimit || ctx.Err() != nil {
			break
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leftoverTime)
		receipt, err := m.RemoveLeftover(ctx, l, o)
		cancel()
		switch untouched := len(receipt.Removed) == 0; {
		case err == nil:
			removed++
		case !untouched || !errors.Is(err, ErrNotReady) && !errors.Is(err, ErrNotOurs):
			failures = append(failures, fmt.Errorf("remove what is left of environment %s: %w", l.Name, err))
		}
	}
	return removed, errors.Join(append(failures, ctx.Err())...)
}
