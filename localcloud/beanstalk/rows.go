package beanstalk

import (
	"cmp"
	"slices"
	"time"
)

// live returns the environment with that id, that name, or both, unless it is terminated.
func (st *state) live(id, name string) (environment, error) {
	if id == "" && name == "" {
		return environment{}, missing("You must specify either an EnvironmentId or an EnvironmentName.")
	}
	at := id
	if at == "" {
		at, _ = names.get(st, name)
	}
	e, ok := environments.get(st, at)
	switch {
	case (!ok || !e.live()) && id != "":
		return environment{}, notFound("EnvironmentId", id)
	case !ok || name != "" && e.Name != name:
		return environment{}, notFound("EnvironmentName", name)
	}
	return e, nil
}

// save writes a row. It takes or frees its name and its prefix.
func (st *state) save(e environment) {
	environments.put(st, e, e.ID)
	claim(st, names, e.Name, e)
	if e.Prefix != "" {
		claim(st, prefixes, e.Prefix, e)
	}
}

func claim(st *state, t table[string], name string, e environment) {
	holder, _ := t.get(st, name)
	switch {
	case e.live():
		t.put(st, e.ID, name)
	case holder == e.ID:
		t.delete(st, name)
	}
}

// start begins the work or refuses it. A goroutine performs the work after the changes are durable.
func (st *state) start(e environment, w work) (environment, error) {
	if err := e.refuse(w.Verb); err != nil {
		return e, err
	}
	w.Request, w.CNAME, w.Flaw = st.ID, st.cname(e.Prefix), st.flawOf(e, w)
	takes := map[verb]time.Duration{launch: st.CreateTime, restore: st.CreateTime, terminate: st.TerminateTime}
	length, ok := takes[w.Verb]
	if !ok {
		length = st.UpdateTime
	}
	after, notes := e.begin(w, round(st.Now), length)
	st.turnInto(e, after, notes)
	st.after = append(st.after, func() error {
		st.goOn(after.Region, after.ID)
		return nil
	})
	return after, nil
}

// turnInto replaces the row before by after and writes the events of the change. Like AWS's, events
// about health have no request id.
func (st *state) turnInto(before, after environment, notes []note) {
	st.save(after)
	health, told := turned(before, after, st.Now), false
	for _, n := range notes {
		if n == pulse {
			st.tell(after.event(""), health)
			told = true
		} else {
			st.tell(after.event(st.ID), n)
		}
	}
	if !told {
		st.tell(after.event(""), health)
	}
}

// tell writes events, except those without text. Their dates differ by at least a millisecond,
// because clients continue at the last date + 1 ms.
func (st *state) tell(e event, notes ...note) {
	for _, n := range notes {
		if n.text == "" {
			continue
		}
		e.At, e.Severity, e.Message = round(st.Now), n.severity, n.text
		for last := range events.backwards(st, newest) {
			if !e.At.After(last.At) {
				e.At = last.At.Add(time.Millisecond)
			}
			break
		}
		events.put(st, e, e.key())
	}
}

// finishDeletion deletes an application that was deleted by force when its last environment is gone.
func (st *state) finishDeletion(name string) {
	app, ok := applications.get(st, name)
	if !ok || app.Deletion == "" {
		return
	}
	for e := range environments.all(st) {
		if e.Application == name && e.live() {
			return
		}
	}
	st.remove(app)
}

// page returns a page of all, which is sorted by key, and the token of the next page. limit 0 means
// one page.
func page[T any](all []T, limit int, token string, key func(T) string) ([]T, string, error) {
	after, err := readToken(token)
	if err != nil {
		return nil, "", err
	}
	first := 0
	for token != "" && first < len(all) && key(all[first]) <= after {
		first++
	}
	all = all[first:]
	if n := cmp.Or(limit, len(all)); n < len(all) {
		return all[:n], writeToken(key(all[n-1])), nil
	}
	return all, "", nil
}

// listed reports whether the value passes a filter. An empty filter passes all values.
func listed(filter []string, value string) bool {
	return len(filter) == 0 || slices.Contains(filter, value)
}
