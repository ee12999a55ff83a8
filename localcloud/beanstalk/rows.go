package beanstalk

import (
	"cmp"
	"slices"
	"time"
)

// live finds the environment that a call means by its id, its name, or both. Terminated
// ones are not found.
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

// save writes a row, and takes or frees its name and its prefix.
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

// start refuses the work or puts it under way: from when the changes are durable on, a
// goroutine carries it out.
func (st *state) start(e environment, w work) (environment, error) {
	if err := e.refuse(w.Verb); err != nil {
		return e, err
	}
	w.Request, w.CNAME = st.ID, st.cname(e.Prefix)
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

// turnInto writes the row that before has become, and the events that tell it. Those about
// health carry no request id, as AWS's do not.
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

// tell writes an event down, unless it says nothing. Dates are milliseconds and at least
// one apart, because clients go on reading at the last one + 1 ms.
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

// finishDeletion deletes an application that was to go with its environments, once the
// last of them has gone.
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

// page returns what one answer holds of all, which is sorted by key, and the token that
// asks for the rest. limit 0 is all of it.
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

// listed says whether a filter lets the value pass; an empty one lets everything.
func listed(filter []string, value string) bool {
	return len(filter) == 0 || slices.Contains(filter, value)
}
