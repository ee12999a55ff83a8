package envs

import (
	"context"
	"slices"
	"time"

	"beansprout/envs/store"
)

// A Snapshot is what one reading of an Inventory has found.
type Snapshot struct {
	Environments []Environment // living and ours, with their records and, where they are known, their tags; by name
	Removed      []Gone        // of which the record still knows something; by name
	Now          time.Time     // AWS's clock
	Warnings     []string      // what is left out or incomplete, and why
}

// An Inventory reads the environments again and again at little cost. It must not be used concurrently: one
// caller reads for all who look.
type Inventory struct {
	manager  *Manager
	records  *store.Cache      // nil until the store was opened
	removed  []string          // names of which there is a record and no environment, as they were listed last
	tags     tagCache          // of living environments
	features map[string]string // of the environments in the last snapshot, by id
}

// Inventory returns an Inventory that has read nothing yet.
func (m *Manager) Inventory() *Inventory { return &Inventory{manager: m} }

// Read returns the environments that List would return, and the features that have none any more. It makes one
// describe and one list of the records, of which it reads those that were written since the last Read. It reads
// tags only where they matter, of a few environments at a time.
//
// Of what can't be read, what was read before stays in the snapshot, with a warning. An error means that the
// environments are not known: the snapshot before is the best that there is.
func (i *Inventory) Read(ctx context.Context) (Snapshot, error) {
	entries := ask(func() ([]store.Entry, error) { return i.list(ctx) })
	rows, now, account, err := i.manager.rows(ctx)
	listed, unlisted := entries()
	if err != nil {
		return Snapshot{Now: now}, err
	}
	r := inventoryReading{inventory: i, account: account, living: map[string]bool{}, unlisted: unlisted, list: Listing{Now: now}}
	for _, e := range rows {
		r.living[e.Name] = true
	}
	certain, unsure := i.manager.candidates(account, rows, Filter{}, now)
	candidates := append(certain, i.remembered(unsure)...)
	if unlisted == nil {
		r.readRecords(ctx, candidates, listed)
	} else {
		r.list.warn("the records can't be listed, and what is shown of them may be out of date: %v", unlisted)
	}
	s := Snapshot{Environments: r.environments(ctx, candidates), Now: now}
	s.Removed = r.gone(s.Environments)
	r.warnOfUnread()
	s.Warnings = r.list.Warnings
	i.features = make(map[string]string, len(s.Environments))
	for _, e := range s.Environments {
		i.features[e.ID] = e.Feature
	}
	return s, ctx.Err()
}

// list lists the records that may be of this Manager's environments.
func (i *Inventory) list(ctx context.Context) ([]store.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	s, err := i.manager.store(ctx)
	if err != nil {
		return nil, err
	}
	if i.records == nil {
		i.records = s.Cache()
	}
	application := i.manager.config.Application
	return s.Entries(ctx, func(name string) bool {
		return NameShaped(name) && (application == "" || HasPrefix(name, application))
	})
}

// remembered returns environments with the features that the last snapshot had of them, where their
// descriptions do not prove these any more.
func (i *Inventory) remembered(unsure []Environment) []Environment {
	for n, e := range unsure {
		if feature := i.features[e.ID]; feature != "" {
			unsure[n] = Environment{Env: ParseDeployed(e.Env, feature), Moved: Moved(e.Env)}
		}
	}
	return unsure
}

// inventoryReading is one Read of an Inventory.
type inventoryReading struct {
	inventory *Inventory
	account   string
	living    map[string]bool // names of all environments, also of those that are not ours
	unlisted  error           // why the records could not be listed
	unread    []error         // why single records are not known
	list      Listing         // the warnings so far, and AWS's clock
}

// removedLimit is how many records are read of features that have no environment any more. Sweeps remove
// those that can't be restored.
const removedLimit = 1000

// readRecords reads the records that are new, of the candidates and of features that have no environment.
func (r *inventoryReading) readRecords(ctx context.Context, candidates []Environment, listed []store.Entry) {
	ctx, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	names := make(map[string]bool, len(candidates))
	for _, e := range candidates {
		names[e.Name] = true
	}
	var own, removed []store.Entry
	for _, e := range listed {
		if names[e.Name] {
			own = append(own, e)
		} else if !r.living[e.Name] {
			removed = append(removed, e)
		}
	}
	if left := len(removed) - removedLimit; left > 0 {
		r.list.warn("%d features without an environment are left out: those whose records are the oldest", left)
		slices.SortFunc(removed, func(a, b store.Entry) int { return b.Modified.Compare(a.Modified) })
		removed = removed[:removedLimit]
	}
	r.inventory.records.Refresh(ctx, append(own, removed...))
	r.inventory.removed = nil
	for _, e := range removed {
		r.inventory.removed = append(r.inventory.removed, e.Name)
	}
	slices.Sort(r.inventory.removed)
}

// record returns the record of the named environment. Where what it says now is not known, it is the last one
// that was read, or nil, and the error tells why.
func (r *inventoryReading) record(name string) (*store.Record, error) {
	if r.inventory.records == nil {
		return nil, r.unlisted
	}
	rec, err := r.inventory.records.Record(name, r.list.Now)
	switch {
	case err != nil:
		r.unread = append(r.unread, err)
	case rec == nil && r.unlisted != nil:
		return nil, r.unlisted
	case rec == nil:
		rec = &store.Record{At: r.list.Now}
	}
	return rec, err
}

// unreadShown is how many records that are not known a snapshot names.
const unreadShown = 5

// warnOfUnread names the records that are not known.
func (r *inventoryReading) warnOfUnread() {
	for _, err := range r.unread[:min(len(r.unread), unreadShown)] {
		r.list.warn("%v", err)
	}
	if more := len(r.unread) - unreadShown; more > 0 {
		r.list.warn("%d more records can't be read", more)
	}
}

// environments returns those of the candidates that are ours, by name, with their records and with the tags
// that are known.
func (r *inventoryReading) environments(ctx context.Context, candidates []Environment) []Environment {
	m, tags := r.inventory.manager, &r.inventory.tags
	for n, e := range candidates {
		rec, err := r.record(e.Name)
		candidates[n] = m.withRecord(e, rec)
		candidates[n].Unread = err
	}
	tags.refresh(ctx, m, candidates, &r.list)
	all := make([]Environment, 0, len(candidates))
	leftOut := 0
	for _, e := range candidates {
		known := tags.of(e.ID)
		switch {
		case known != nil:
			if proved, err := e.identified(verified(r.account, e.Env, known)); err == nil {
				unread := e.Unread
				proved = m.withRecord(proved, e.Record)
				proved.Unread = unread
				all = append(all, proved)
			}
		case e.Feature != "":
			all = append(all, e)
		case !e.State.Gone():
			leftOut++
		}
	}
	if leftOut > 0 {
		r.list.warn("%d environments are left out until their tags are read: only those tell whether they are ours", leftOut)
	}
	sortByName(all)
	return all
}
