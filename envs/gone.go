package envs

import (
	"time"

	"beansprout/envs/store"
)

// A Gone is a feature without an environment, of which the record still knows something.
type Gone struct {
	Name        string // of the environment that it had, or will have
	Application string
	Feature     string
	Commit      string
	Owner       string
	Record      store.Record // its history, and what a restore needs
	Removed     time.Time    // when its environment was removed; zero where that is not known
	Until       time.Time    // when a sweep may take away what Restore needs; zero where Restore can't bring it back
}

// gone returns the features of which there is a record, and no environment, by name.
func (r *inventoryReading) gone(living []Environment) (all []Gone) {
	features, applications := map[string]bool{}, map[string]bool{r.inventory.manager.config.Application: true}
	for _, e := range living {
		features[e.Application+"\x00"+e.Feature], applications[e.Application] = true, true
	}
	for _, name := range r.inventory.removed {
		if r.living[name] {
			continue
		}
		rec, _ := r.record(name)
		if rec == nil || len(rec.History) == 0 && rec.Restorable == nil && rec.Outcome == nil && rec.Lease == nil {
			continue
		}
		application, ok := r.inventory.manager.applicationOf(r.account, name, *rec, applications)
		if ok && !features[application+"\x00"+rec.Feature] {
			all = append(all, r.inventory.manager.goneOf(name, application, *rec))
		}
	}
	return all
}

// applicationOf returns the application of which a record is, if the name of the environment proves it. Records
// of former versions do not name it: then it is one of the given ones.
func (m *Manager) applicationOf(account, name string, rec store.Record, known map[string]bool) (string, bool) {
	if m.config.Application == "" && rec.Application != "" {
		return rec.Application, IsName(name, account, rec.Application, rec.Feature)
	}
	for application := range known {
		if application != "" && rec.Feature != "" && IsName(name, account, application, rec.Feature) {
			return application, true
		}
	}
	return "", false
}

// goneOf returns what a record tells of a feature that has no environment.
func (m *Manager) goneOf(name, application string, rec store.Record) Gone {
	g := Gone{Name: name, Application: application, Feature: rec.Feature, Commit: rec.Requested, Record: rec}
	for _, h := range rec.History {
		if h.What == happenedRemoved {
			g.Removed = h.At
		}
	}
	if was := rec.Restorable; was != nil {
		g.Owner, g.Removed = was.LastDeploy.Owner, was.At
		g.Until = was.At.Add(m.config.Days.RestoreFor)
		if was.Commit != "" {
			g.Commit = was.Commit
		}
	}
	return g
}

// Environment returns the environment that Restore brings back, as far as the record tells of it. It has no
// ID where Restore can't.
func (g Gone) Environment() Environment {
	e := Environment{Record: &g.Record, Env: Env{
		Name: g.Name, Application: g.Application, Feature: g.Feature, Commit: g.Commit, Owner: g.Owner, State: Terminated,
	}}
	if was := g.Record.Restorable; was != nil {
		e.ID, e.Version, e.TTL, e.Updated = was.ID, was.Version, was.LastDeploy.TTL, was.At
	}
	return e
}
