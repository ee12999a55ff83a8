package envs

import (
	"context"
	"slices"
	"strings"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
)

// compared returns the destination with what has to change about its settings, if it lives. Those
// that the record calls ours are taken away only where the environment's description confirms it.
func (d *deploy) compared(t destination) destination {
	var known store.OwnedSettings
	if d.run.record.Environment == t.env.ID {
		known = d.run.record.OwnedSettings
	}
	ours := known.Confirmed(t.env.Settings)
	blank := d.blank(known.BlankSettings)
	want := slices.DeleteFunc(slices.Clone(d.Settings), func(s beanstalk.Setting) bool { return slices.Contains(blank, s.String()) })
	t.change = t.have.Compare(want, without(ours, blank))
	doubtful := without(known.Settings, ours)
	data := without(ours, beanstalk.Names(t.change.Remove))
	d.noteStaying(t.have.Extra(d.Settings, doubtful), "the description of environment "+d.run.name+" doesn't confirm that they are ours")
	d.noteStaying(t.have.Extra(d.Settings, data), "they hold data")
	return t
}

// blank returns those of the settings that are to be empty.
func (d *deploy) blank(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !slices.ContainsFunc(d.Settings, func(s beanstalk.Setting) bool { return s.String() == name && s.Value == "" })
	})
}

// noteStaying reports, once, the settings that stay although they are no longer configured.
func (d *deploy) noteStaying(settings []string, why string) {
	if len(settings) == 0 || slices.Contains(d.told, why) {
		return
	}
	d.told = append(d.told, why)
	d.options.note("no longer set, but not removed, because %s: %s", why, strings.Join(settings, ", "))
}

// enlist has the record say, before an update, that the settings are ours which have been so far and
// which will be: one that is set and not remembered could never be taken away again. It returns the
// digest of their names, and what the record said before.
func (d *deploy) enlist(ctx context.Context, e Env) (digest string, before store.OwnedSettings, err error) {
	names := func(r store.Record) []string {
		return sortedUnion(r.Confirmed(e.Settings), beanstalk.Names(d.Settings))
	}
	rec := d.run.record
	if rec.Environment == e.ID && slices.Equal(rec.Settings, names(rec)) {
		return store.SettingsDigest(rec.Settings), rec.OwnedSettings, nil
	}
	now, err := d.run.store.Change(ctx, d.run.name, func(r *store.Record) {
		r.SetEnvironment(e.ID)
		before = r.OwnedSettings
		r.Feature, r.OwnedSettings = d.Feature, r.Updated(names(*r), e.Settings)
	})
	if err != nil {
		return "", before, err
	}
	d.run.record = now
	return store.SettingsDigest(now.Settings), before, nil
}

// takeBack has the record say again which settings are ours, after AWS has refused to set others: a
// setting of another writer under such a name stays.
func (d *deploy) takeBack(ctx context.Context, before store.OwnedSettings, refusal error) error {
	now, err := d.run.store.Change(ctx, d.run.name, func(r *store.Record) { r.OwnedSettings = before })
	if err != nil {
		d.options.warn(err)
		return refusal
	}
	d.run.record = now
	return refusal
}
