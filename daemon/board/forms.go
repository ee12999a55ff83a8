package board

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"beansprout/envs"
)

// forms returns the acts that are possible on a feature. Their fields name it as it is, and not as it is shown.
func (b *Board) forms(r *http.Request, l *line, about subject) []form {
	e := about.environment
	act := Act{Region: about.feed.Region, Application: e.Application, Feature: e.Feature, Name: e.Name, ID: e.ID}
	var all []form
	for _, f := range append(possible(l, e), b.rollbacks(r, l)...) {
		act.Action, act.Version = f.Act, f.version
		f.Fields = append(act.fields(), b.hidden(r, act)...)
		all = append(all, f)
	}
	return all
}

// possible returns the acts on a feature but for rollbacks, without their fields. A protection that a tag gives is taken
// away where it was given.
func possible(l *line, e envs.Environment) []form {
	switch {
	case l.State == stateRemoved && l.Until.Exact == "", l.State == stateRemoving:
		return nil
	case l.State == stateRemoved:
		return []form{{Act: "restore", Label: "Restore", Hint: "Launches the environment again, with the version that it ran last."}}
	}
	all := []form{{Act: "extend", Label: "Extend by 3 days", Hint: "Lets the environment live three days longer."}}
	switch {
	case e.Own().Protected != nil:
		return append(all, form{Act: "unprotect", Label: "Stop protecting", Hint: "The environment may be removed again, by sweeps and by people."})
	case l.Protection != "":
		return all
	}
	return append(all,
		form{Act: "protect", Label: "Protect", Hint: "No sweep removes the environment until the protection is taken away.", Reason: true},
		form{Act: "remove", Label: "Remove", Hint: "Terminates the environment. It can be restored for a while.", Confirm: true})
}

// rollbacks returns a form for each version that the environment can be rolled back to.
func (b *Board) rollbacks(r *http.Request, l *line) []form {
	if l.State == stateRemoved || l.following() {
		return nil
	}
	var all []form
	w := writer{mask: b.config.Mask}
	for _, v := range b.detail(r.Context(), l).versions {
		if v.State == envs.VersionRestorable {
			commit := w.text(envs.ShortCommit(v.Commit, 12))
			all = append(all, form{Act: "rollback", Label: "Roll back to " + commit, Hint: fmt.Sprintf("Deploys the version %s again.", w.text(v.Label)), version: v.Label})
		}
	}
	return all
}

// fields returns the fields that say what is asked for.
func (a Act) fields() []field {
	all := []field{{"action", a.Action}, {"application", a.Application}, {"feature", a.Feature}, {"name", a.Name}, {"id", a.ID}}
	if a.Version != "" {
		all = append(all, field{"version", a.Version})
	}
	return all
}

// hidden returns the fields that are for this person and this act.
func (b *Board) hidden(r *http.Request, a Act) []field {
	var all []field
	extra := b.config.Form(r, a)
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		all = append(all, field{name, extra[name]})
	}
	return all
}
