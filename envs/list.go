package envs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/envs/store"
	"beansprout/visible"
)

// Filter says which environments a list has. The zero Filter lets all pass.
type Filter struct {
	Owner   string        // in upper or lower case
	States  []string      // as AWS calls them, in upper or lower case
	Health  []string      // Green, Yellow, Red or Grey, in upper or lower case
	Older   time.Duration // made longer ago than that
	Expires bool          // expires within Within, and is not protected
	Within  time.Duration
}

// A Listing is what List has found.
type Listing struct {
	Environments []Environment // by name
	Now          time.Time     // AWS's clock
	Warnings     []string      // what is left out or incomplete, and why
}

const (
	// tagReadLimit is how many environments' tags a list reads in any case: they come, one call
	// each, out of a budget of two a second and bursts of fifteen that the whole account shares.
	tagReadLimit = 12
	// unsureLimit is how many it reads where the tags alone could tell whose an environment is.
	unsureLimit = 5 * tagReadLimit
	// recordReaders is how many records are read side by side. S3 has room for thousands a second.
	recordReaders = 32
)

// List returns our environments that pass the filter. One describe finds them all; tags and records are
// read only for those that pass by its answer. If these are few, their tags prove that they are ours.
// If they are many, their descriptions do, and tags are read only if a description is incomplete or
// was edited.
func (m *Manager) List(ctx context.Context, f Filter) (Listing, error) {
	rows, now, account, err := m.rows(ctx)
	if err != nil {
		return Listing{Now: now}, err
	}
	list := Listing{Now: now}
	certain, unsure := m.candidates(account, rows, f, now)
	if len(certain)+len(unsure) <= tagReadLimit {
		certain, unsure = nil, append(certain, unsure...)
	}
	if left := len(unsure) - unsureLimit; left > 0 {
		list.warn("%d environments are left out: their names have the shape of ours, but only their tags could tell, and the account has two reads a second", left)
		unsure = unsure[:unsureLimit]
	}
	records := m.records(ctx, certain, unsure, &list)
	all := append(certain, m.tagged(ctx, unsure, &list)...)
	for i, e := range all {
		all[i] = m.withRecord(e, records()[e.Name])
	}
	list.Environments = slices.DeleteFunc(all, func(e Environment) bool {
		return !f.owns(e.Owner) || !f.ends(e.Expires, now) || f.Expires && e.Protected()
	})
	sortByName(list.Environments)
	return list, ctx.Err()
}

// withRecord returns an environment of a list with what its record says. One that has lost its address never
// expires.
func (m *Manager) withRecord(e Environment, rec *store.Record) Environment {
	full := m.environment(e.Env, e.Tags, rec)
	if full.Moved = e.Moved; full.Moved != "" {
		full.Expires = time.Time{}
	}
	return full
}

func sortByName(all []Environment) {
	slices.SortFunc(all, func(a, b Environment) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
	})
}

func (l *Listing) warn(format string, args ...any) {
	l.Warnings = append(l.Warnings, fmt.Sprintf(format, args...))
}

// rows describes the application's environments, asks meanwhile whose account it is, and returns
// AWS's time, or else our own.
func (m *Manager) rows(ctx context.Context) (rows []Env, now time.Time, account string, err error) {
	rows, now, err = m.beanstalk.Environments(ctx, m.config.Application)
	account, unknown := m.account(ctx)
	if unknown != nil {
		err = unknown
	}
	if now.IsZero() {
		now = time.Now()
	}
	return rows, now, account, err
}

// candidates are the environments that pass by what a describe tells: certain are those whose
// description their name proves. Those that have lost their address are among them: they are never
// removed, so they must not be forgotten.
func (m *Manager) candidates(account string, rows []Env, f Filter, now time.Time) (certain, unsure []Environment) {
	for _, e := range rows {
		moved := NameShaped(e.Name) && HasPrefix(e.Name, e.Application) && Moved(e) != ""
		if !Named(e) && !moved || !f.admits(e, now) {
			continue
		}
		known, ok := Described(account, e)
		switch {
		case !ok: // only its tags tell how long it lives
			unsure = append(unsure, Environment{Env: e})
		case f.Expires && !m.config.Days.mayExpireBy(now.Add(f.Within), known):
		case f.owns(known.Owner):
			certain = append(certain, Environment{Env: known, Moved: Moved(e)})
		}
	}
	return certain, unsure
}

// tagged returns those of the environments whose tags say that they are ours. One whose tags
// can't be read is named and left out.
func (m *Manager) tagged(ctx context.Context, candidates []Environment, list *Listing) []Environment {
	failures := make([]error, len(candidates))
	var g errgroup.Group
	g.SetLimit(tagReadLimit)
	for i := range candidates {
		g.Go(func() error {
			candidates[i], failures[i] = candidates[i].identified(m.identify(ctx, candidates[i].Env))
			return nil
		})
	}
	_ = g.Wait()
	var environments []Environment
	for i, c := range candidates {
		err := failures[i]
		if err == nil {
			environments = append(environments, c)
		} else if ctx.Err() == nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNotOurs) {
			list.warn("%s is left out: %v", c.Name, err)
		}
	}
	return environments
}

// identified returns a candidate as its tags prove it. One that has lost its address is not refused.
func (e Environment) identified(proved Env, tags Tags, err error) (Environment, error) {
	if errors.Is(err, ErrMoved) {
		e.Moved, proved, err = Moved(proved), ParseDeployed(proved, proved.Feature), nil
	}
	e.Env, e.Tags = proved, tags
	return e, err
}

// records begins to read the records of the environments, and returns what waits for them: by
// name, without those that can't be read.
func (m *Manager) records(ctx context.Context, certain, unsure []Environment, list *Listing) func() map[string]*store.Record {
	var names []string
	for _, e := range slices.Concat(certain, unsure) {
		names = append(names, e.Name)
	}
	read := ask(func() (found recordsRead, err error) {
		ctx, cancel := context.WithTimeout(ctx, recordTime)
		defer cancel()
		return m.readRecords(ctx, names)
	})
	told := false
	return func() map[string]*store.Record {
		found, err := read()
		if !told {
			told = true
			list.Warnings = append(list.Warnings, found.garbage...)
			if err != nil && !errors.Is(ctx.Err(), context.Canceled) {
				list.warn("warning: %v: commits may be those of the last try", err)
			}
		}
		return found.byName
	}
}

// recordsRead are records by the name of their environment.
type recordsRead struct {
	byName  map[string]*store.Record
	garbage []string // a warning for each object that is not a record
}

// readRecords reads the records of these environments. The error is of the first that can't be read.
func (m *Manager) readRecords(ctx context.Context, names []string) (recordsRead, error) {
	found := recordsRead{byName: map[string]*store.Record{}}
	s, err := m.store(ctx)
	if err != nil || len(names) == 0 {
		return found, err
	}
	records, garbage := make([]*store.Record, len(names)), make([]error, len(names))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(recordReaders)
	for i, name := range names {
		g.Go(func() error {
			r, err := s.Read(ctx, name)
			if errors.Is(err, store.ErrGarbage) {
				garbage[i] = err
				return nil
			}
			if err == nil {
				records[i] = &r
			}
			return err
		})
	}
	err = g.Wait()
	for i, name := range names {
		if records[i] != nil {
			found.byName[name] = records[i]
		}
		if garbage[i] != nil {
			found.garbage = append(found.garbage, "warning: "+garbage[i].Error())
		}
	}
	return found, err
}

// admits reports whether an environment passes by what one describe tells of it.
func (f Filter) admits(e Env, now time.Time) bool {
	return (len(f.States) == 0 || containsFold(f.States, string(e.State))) &&
		(len(f.Health) == 0 || containsFold(f.Health, e.Health)) &&
		(f.Older == 0 || !e.Created.IsZero() && !e.Created.After(now.Add(-f.Older)))
}

// ends reports whether expiry is within the requested time. A zero expiry never is.
func (f Filter) ends(expiry, now time.Time) bool {
	return !f.Expires || !expiry.IsZero() && !expiry.After(now.Add(f.Within))
}

// owns reports whether the owner is the one asked for. Of a name that a description cut off, the
// beginning counts.
func (f Filter) owns(owner string) bool {
	if shown, cut := strings.CutSuffix(owner, visible.Ellipsis); cut && len(f.Owner) > len(shown) {
		return strings.EqualFold(f.Owner[:len(shown)], shown)
	}
	return f.Owner == "" || strings.EqualFold(owner, f.Owner)
}

// IsZero reports whether the filter lets every environment pass.
func (f Filter) IsZero() bool {
	return f.Owner == "" && len(f.States)+len(f.Health) == 0 && f.Older == 0 && !f.Expires
}

func containsFold(all []string, s string) bool {
	return slices.ContainsFunc(all, func(each string) bool { return strings.EqualFold(each, s) })
}
