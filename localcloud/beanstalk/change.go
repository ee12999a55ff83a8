package beanstalk

// named is the input of every operation that only names an environment.
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
}

// updateEnvironment takes a version and options in one call, as Terraform and eb_deployer
// send them. The description is changed at once, the rest when the update has succeeded.
func updateEnvironment(st *state, in updateEnvironmentIn) (environmentDescription, error) {
	e, err := st.live(in.EnvironmentId, in.EnvironmentName)
	if err != nil {
		return environmentDescription{}, err
	}
	if err := e.refuse(update); err != nil { // before anything about the parameters
		return environmentDescription{}, err
	}
	w, err := st.wanted(e, in)
	if err != nil {
		return environmentDescription{}, err
	}
	if in.Description != nil {
		e.Description = *in.Description
	}
	e, err = st.start(e, w)
	return st.describeEnvironment(e), err
}

// wanted is the work that an update asks for.
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

// abortEnvironmentUpdate interrupts an update. The environment is put back to what it was,
// also when the update ends at this very moment.
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

// rebuildEnvironment makes a live environment anew, or a terminated one of the last six
// weeks live again, with its id, name and CNAME.
func rebuildEnvironment(st *state, in named) (none, error) {
	e, err := st.live(in.EnvironmentId, in.EnvironmentName)
	w := work{Verb: rebuild, Wanted: e.Setup}
	if err != nil {
		if gone, ok := st.gone(in); ok {
			e, w, err = gone, work{Verb: restore, Wanted: gone.Setup}, st.restorable(gone)
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

// gone finds the terminated environment that a call means: by id, or the last of the name.
func (st *state) gone(in named) (last environment, ok bool) {
	for e := range environments.all(st) {
		meant := e.ID == in.EnvironmentId || in.EnvironmentId == "" && e.Name == in.EnvironmentName
		if meant && !e.live() && st.Now.Sub(e.Updated) < keeps && !e.Updated.Before(last.Updated) {
			last, ok = e, true
		}
	}
	return last, ok
}

// restorable refuses what cannot come back because its name or CNAME is another's by now.
func (st *state) restorable(e environment) error {
	if err := st.checkName(e); err != nil {
		return err
	}
	return st.checkPrefix(e.Prefix)
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
	e, err = st.start(e, work{Verb: terminate, Wanted: e.Setup})
	return st.describeEnvironment(e), err
}

type swapIn struct {
	SourceEnvironmentId        string
	SourceEnvironmentName      string `aws:"min=4,max=40"`
	DestinationEnvironmentId   string
	DestinationEnvironmentName string `aws:"min=4,max=40"`
}

// swapEnvironmentCNAMEs exchanges the prefixes at once; both environments are updating for
// a while, and what AWS says of it comes at the end.
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
