package beanstalk

import "strings"

// named is the input of the operations that only name an environment.
type named struct {
	EnvironmentId   string
	EnvironmentName string `aws:"min=4,max=40"`
}

type updateEnvironmentIn struct {
	named
	ApplicationName   string `aws:"min=1,max=100"`
	VersionLabel      string `aws:"min=1,max=100"`
	TemplateName      string `aws:"min=1,max=100"`
	GroupName         string `aws:"min=1,max=19"`
	SolutionStackName string `aws:"max=255"`
	PlatformArn       string
	Description       *string `aws:"max=200"`
	Tier              *tier
	OptionSettings    options
	OptionsToRemove   options

	TemplateSpecification *savedSpecification
}

// updateEnvironment accepts a version and options in one call, as Terraform and CloudFormation send
// them, unless Config.SeparateUpdates is set. It changes the description at once, and the rest when
// the update has succeeded.
func updateEnvironment(st *state, in updateEnvironmentIn) (environmentDescription, error) {
	e, err := st.live(in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		return environmentDescription{}, err
	}
	if err := e.refuse(update); err != nil { // AWS checks the state before the parameters
		return environmentDescription{}, err
	}
	if in, err = in.saved(); err != nil {
		return environmentDescription{}, err
	}
	w, err := st.wanted(e, in)
	if err == nil && w.Deploys && w.Tunes && st.Service.SeparateUpdates {
		err = conflicting("You cannot update the version and the configuration of environment %s at the same time.", e.Name)
	}
	if err != nil {
		return environmentDescription{}, err
	}
	if in.Description != nil {
		e.Description = *in.Description
	}
	e, err = st.start(e, w)
	return st.describeEnvironment(e), err
}

// wanted returns the work for an update.
func (st *state) wanted(e environment, in updateEnvironmentIn) (work, error) {
	set := e.Setup
	w := work{Verb: update, Deploys: in.VersionLabel != "", Tunes: len(in.OptionSettings)+len(in.OptionsToRemove) > 0 || in.TemplateName != ""}
	if in.GroupName != "" {
		return w, ungrouped()
	}
	if in.ApplicationName != "" && in.ApplicationName != e.Application {
		return w, notFound("EnvironmentName", e.Name)
	}
	if in.Tier != nil && (in.Tier.Name != e.Tier.Name || in.Tier.Type != "" && in.Tier.Type != e.Tier.Type) {
		return w, invalid("You cannot change the tier of environment %s.", e.Name)
	}
	if in.TemplateName != "" {
		t, err := st.template(e.Application, in.TemplateName)
		if err != nil {
			return w, err
		}
		set.Template, set.Options = t.Name, set.Options.with(t.Options)
	}
	if in.SolutionStackName+in.PlatformArn != "" {
		p, err := findPlatform(in.SolutionStackName, in.PlatformArn, st.Region)
		if err != nil {
			return w, err
		}
		set.Platform, w.Tunes = p.arn(st.Region), true
	}
	set.Options = set.Options.without(in.OptionsToRemove).with(in.OptionSettings)
	if err := set.Options.check(e.Setup.Options); err != nil {
		return w, err
	}
	if w.Deploys {
		if err := st.choose(&set, e.Application, in.VersionLabel); err != nil {
			return w, err
		}
	}
	w.Wanted = set
	return w, nil
}

// abortEnvironmentUpdate interrupts an update. The environment runs what it ran before, even if the
// update ends at the same time.
func abortEnvironmentUpdate(st *state, in named) (none, error) {
	e, err := st.live(in.EnvironmentId, in.EnvironmentName)
	if err == nil {
		err = e.refuse(abort)
	}
	if err != nil {
		return none{}, err
	}
	after, w := e, *e.Work
	w.Aborted = true
	after.Status, after.Work, after.Updated = aborting, &w, round(st.Now)
	st.turnInto(e, after, []note{info("Environment update is being aborted.")})
	st.after = append(st.after, func() error {
		st.interrupt(e.ID)
		return nil
	})
	return none{}, nil
}

// rebuildEnvironment creates a live environment anew, or brings back one that was terminated in the
// last six weeks, with its id, name and CNAME.
func rebuildEnvironment(st *state, in named) (none, error) {
	e, err := st.live(in.EnvironmentId, in.EnvironmentName)
	w := work{Verb: rebuild, Wanted: e.Setup}
	if err != nil {
		if gone, ok := st.gone(in); ok {
			w = work{Verb: restore, Wanted: gone.Setup}
			e, err = st.restorable(gone)
		}
	}
	if err == nil {
		err = st.choose(&w.Wanted, e.Application, e.Setup.Version)
	}
	if err != nil {
		return none{}, err
	}
	_, err = st.start(e, w)
	return none{}, err
}

// gone returns the terminated environment that a call means: by id, or the last one of the name.
func (st *state) gone(in named) (last environment, ok bool) {
	for e := range environments.all(st) {
		meant := e.ID == in.EnvironmentId || in.EnvironmentId == "" && e.Name == in.EnvironmentName
		if meant && !e.live() && st.Now.Sub(e.Updated) < keeps && !e.Updated.Before(last.Updated) {
			last, ok = e, true
		}
	}
	return last, ok
}

// restorable refuses to bring back an environment whose name or CNAME another one has taken.
func (st *state) restorable(e environment) (environment, error) {
	if err := st.checkName(e); err != nil || e.Prefix == "" {
		return e, err
	}
	var err error
	prefix, _, _ := strings.Cut(e.Prefix, ".")
	e.Prefix, err = st.freePrefix(prefix)
	return e, err
}

type terminateIn struct {
	named
	TerminateResources *bool
	ForceTerminate     bool
}

func terminateEnvironment(st *state, in terminateIn) (environmentDescription, error) {
	e, err := st.live(in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		return environmentDescription{}, err
	}
	if in.TerminateResources != nil && !*in.TerminateResources {
		return environmentDescription{}, invalid("The local cloud cannot terminate an environment and leave its resources: TerminateResources=false.")
	}
	e, err = st.start(e, work{Verb: terminate, Wanted: e.Setup})
	return st.describeEnvironment(e), err
}

type swapIn struct {
	SourceEnvironmentId        string
	SourceEnvironmentName      string `aws:"min=4,max=40"`
	DestinationEnvironmentId   string
	DestinationEnvironmentName string `aws:"min=4,max=40"`
}

// swapEnvironmentCNAMEs exchanges the prefixes at once. Both environments are Updating for a while,
// and the events come at the end.
func swapEnvironmentCNAMEs(st *state, in swapIn) (none, error) {
	if (in.SourceEnvironmentId == "") != (in.DestinationEnvironmentId == "") || (in.SourceEnvironmentName == "") != (in.DestinationEnvironmentName == "") {
		return none{}, missing("You must specify the source and the destination environment in the same way.")
	}
	a, err := st.live(in.SourceEnvironmentId, in.SourceEnvironmentName)
	if err != nil {
		return none{}, err
	}
	b, err := st.live(in.DestinationEnvironmentId, in.DestinationEnvironmentName)
	if err != nil {
		return none{}, err
	}
	if a.ID == b.ID || a.Prefix == "" || b.Prefix == "" {
		return none{}, invalid("Cannot swap the CNAMEs of environments %s and %s.", a.Name, b.Name)
	}
	a.Prefix, b.Prefix = b.Prefix, a.Prefix
	if _, err = st.start(a, work{Verb: swap, Wanted: a.Setup, Partner: b.Name}); err == nil {
		_, err = st.start(b, work{Verb: swap, Wanted: b.Setup, Partner: a.Name})
	}
	return none{}, err
}
