package envs

import (
	"context"
	"fmt"

	"beansprout/envs/beanstalk"
)

// A Forecast is what Deploy would do.
type Forecast struct {
	Environment Environment // that lives, or as far as one that would be created is known: its name and feature
	URL         string
	Action      string // what would be done with the environment, in words that its name can follow
	Outcome     string // Created, Deployed or Unchanged
	Images      []Image
	Complete    bool            // Images are all that there would be
	Settings    []SettingChange // nil while AWS is at work on the environment, so that they can't be compared
	Target      Target          // that the source would be given, to show what it would make
}

// SettingChange is a setting that a deploy changes.
type SettingChange struct {
	Namespace, Name string
	Old, New        *string // nil where it is not set, and where it is taken away
}

// Forecast finds out what Deploy would do. It builds nothing, changes nothing and waits for nothing.
func (m *Manager) Forecast(ctx context.Context, request Deployment, o Options) (f Forecast, err error) {
	o.DryRun = true
	d, err := m.newDeploy(ctx, request, o)
	if err != nil {
		return f, err
	}
	t, err := d.lookFirst(ctx)
	if err != nil {
		return f, err
	}
	d.noteLeftOut(t)
	f.Target, f.URL = d.target(t.url), t.url
	if f.Images, f.Complete, err = d.Source.Forecast(ctx, f.Target); err != nil {
		return f, err
	}
	f.Environment = d.run.environment(t.environment())
	f.Environment.Name, f.Environment.Feature = d.run.name, d.Feature
	f.Settings = d.forecastSettings(t)
	f.Action, f.Outcome, err = d.forecastOutcome(ctx, t, f)
	return f, err
}

// forecastSettings returns the settings that would change; nil while they can't be compared.
func (d *deploy) forecastSettings(t destination) []SettingChange {
	change := t.change
	switch {
	case t.env.ID == "" || t.broken:
		t.have, change = beanstalk.Configuration{}, beanstalk.Difference{Set: d.Settings}
	case t.env.State != Ready:
		return nil
	}
	changes := []SettingChange{}
	add := func(s beanstalk.Setting, value *string) {
		c := SettingChange{Namespace: s.Namespace, Name: s.Name, New: value}
		if old, ok := t.have.Value(s); ok {
			c.Old = &old
		}
		changes = append(changes, c)
	}
	for _, s := range change.Set {
		add(s, &s.Value)
	}
	for _, s := range change.Remove {
		add(s, nil)
	}
	return changes
}

// forecastOutcome decides as Deploy does: what runs already is left alone.
func (d *deploy) forecastOutcome(ctx context.Context, t destination, f Forecast) (action, outcome string, err error) {
	switch {
	case t.env.ID == "":
		return "create", Created, nil
	case t.broken:
		return "remove and create", Created, nil
	case t.env.State.Gone():
		return "wait until AWS has removed and then create", Created, nil
	case t.env.State != Ready:
		return fmt.Sprintf("wait for what AWS does (%s) and then deploy to", t.env.State), Deployed, nil
	}
	runs, err := d.forecastToRun(ctx, t, f)
	if runs || err != nil {
		return "leave as it is", Unchanged, err
	}
	return "deploy to", Deployed, nil
}

// forecastToRun reports whether the destination runs what would be deployed. It does not run what is
// yet to be made.
func (d *deploy) forecastToRun(ctx context.Context, t destination, f Forecast) (bool, error) {
	if !f.Complete {
		return false, nil
	}
	b, err := d.bundle(ctx, f.Images, t.url)
	if err != nil {
		return false, err
	}
	defer b.File.Close()
	if !t.runs(b) {
		return false, nil
	}
	holds, _, err := d.holds(ctx, b)
	return holds, err
}
