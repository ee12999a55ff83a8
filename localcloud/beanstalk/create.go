package beanstalk

import (
	"cmp"
	"strings"
)

type createEnvironmentIn struct {
	ApplicationName       string `aws:"required,min=1,max=100"`
	EnvironmentName       string `aws:"min=4,max=40"`
	CNAMEPrefix           string `aws:"min=4,max=63"`
	GroupName             string `aws:"min=1,max=19"`
	Description           string `aws:"max=200"`
	VersionLabel          string `aws:"min=1,max=100"`
	TemplateName          string `aws:"min=1,max=100"`
	SolutionStackName     string `aws:"max=255"`
	PlatformArn           string
	TemplateSpecification *templateSpecification
	Tier                  *tier
	OperationsRole        string `aws:"min=1,max=256"`
	OptionSettings        options
	OptionsToRemove       options
	Tags                  []tag
}

// templateSpecification names the environment to clone. The EB CLI sends it, although botocore's
// model lacks it.
type templateSpecification struct{ TemplateSource templateSource }

type templateSource struct{ EnvironmentName string }

func createEnvironment(st *state, in createEnvironmentIn) (environmentDescription, error) {
	e, err := st.newEnvironment(in)
	if err != nil {
		return environmentDescription{}, err
	}
	e, err = st.start(e, work{Verb: launch, Wanted: e.Setup})
	return st.describeEnvironment(e), err
}

func (st *state) newEnvironment(in createEnvironmentIn) (environment, error) {
	e := environment{
		ID: "e-" + word(10), Name: in.EnvironmentName, Application: in.ApplicationName, Region: st.Region, Account: st.Account,
		Description: in.Description, OperationsRole: in.OperationsRole, Created: round(st.Now), Status: ready,
	}
	if in.GroupName != "" {
		return e, ungrouped()
	}
	if err := st.checkName(e); err != nil {
		return e, err
	}
	set, kind, err := st.base(in)
	if err != nil {
		return e, err
	}
	if e.Tier, err = chooseTier(in.Tier, kind); err != nil {
		return e, err
	}
	if e.Prefix, err = st.choosePrefix(in.CNAMEPrefix, e); err != nil {
		return e, err
	}
	set.Options = set.Options.without(in.OptionsToRemove).with(in.OptionSettings)
	if err := set.Options.check(nil); err != nil {
		return e, err
	}
	if err := st.choose(&set, e.Application, in.VersionLabel); err != nil {
		return e, err
	}
	if len(in.Tags) > 0 { // a template's tags are used only if none are given
		set.Tags, err = addTags(nil, withoutName(in.Tags))
	}
	e.Setup = set
	return e, err
}

// ungrouped refuses a group. Only an environment manifest makes one, and manifests are not read here.
func ungrouped() error {
	return conflicting("GroupName goes with an environment manifest only.")
}

// checkName refuses an environment whose application does not exist or whose name is invalid.
func (st *state) checkName(e environment) error {
	app, err := st.application(e.Application)
	if err != nil {
		return err
	}
	if app.Deletion != "" {
		return busy("Unable to create environment: %s.", e.Name)
	}
	if e.Name == "" {
		return missing("You must specify an EnvironmentName.")
	}
	if err := checkHyphenated("EnvironmentName", e.Name); err != nil {
		return err
	}
	if _, taken := names.get(st, e.Name); taken {
		return exists("Environment", e.Name)
	}
	if names.count(st) >= st.Quotas.Environments {
		return tooMany("Environments", "Environments", st.Quotas.Environments)
	}
	return nil
}

// base returns the setup to which the given options are added: that of the template, environment or
// platform in the call, of which there must be one.
func (st *state) base(in createEnvironmentIn) (setup, tier, error) {
	named := 0
	source := ""
	if in.TemplateSpecification != nil {
		source = in.TemplateSpecification.TemplateSource.EnvironmentName
	}
	for _, name := range []string{in.TemplateName, in.SolutionStackName, in.PlatformArn, source} {
		if name != "" {
			named++
		}
	}
	switch {
	case named == 0:
		return setup{}, tier{}, invalid("Unable to determine base for template pack (no solution stack)")
	case named > 1:
		return setup{}, tier{}, conflicting("Specify only one of TemplateName, SolutionStackName, PlatformArn and TemplateSpecification.")
	case source != "":
		e, err := st.live("", source)
		return setup{Platform: e.Setup.Platform, Options: e.Setup.Options}, e.Tier, err
	case in.TemplateName != "":
		t, err := st.template(in.ApplicationName, in.TemplateName)
		return setup{Platform: t.Platform, Options: t.Options, Tags: t.Tags, Template: t.Name}, t.Tier, err
	}
	p, err := findPlatform(in.SolutionStackName, in.PlatformArn, st.Region)
	return setup{Platform: p.arn(st.Region)}, webServer, err
}

func chooseTier(asked *tier, fallback tier) (tier, error) {
	if asked == nil || *asked == (tier{}) {
		return fallback, nil
	}
	for _, t := range []tier{webServer, worker} {
		if asked.Name == t.Name && (asked.Type == "" || asked.Type == t.Type) {
			return t, nil
		}
	}
	return tier{}, invalid("Environment tier type '%s' is not supported by tier name '%s'.", asked.Type, asked.Name)
}

// choosePrefix returns the CNAME prefix in the call, or one made from the name. Workers have none.
func (st *state) choosePrefix(asked string, e environment) (string, error) {
	if e.Tier == worker && asked != "" {
		return "", invalid("Environment does not support a cname")
	}
	if e.Tier == worker {
		return "", nil
	}
	if asked != "" {
		if err := checkHyphenated("CNAMEPrefix", asked); err != nil {
			return "", err
		}
	}
	return st.freePrefix(strings.ToLower(cmp.Or(asked, e.Name+"-"+word(8))))
}

// freePrefix returns what a new environment's CNAME begins with, or an error if that is taken.
func (st *state) freePrefix(prefix string) (string, error) {
	prefix, taken := st.lookUpPrefix(prefix)
	if taken {
		return prefix, invalid("DNS name (%s) is not available.", st.cname(prefix))
	}
	return prefix, nil
}

// lookUpPrefix returns what the CNAME with that prefix begins with in the region, and whether the
// prefix is taken there. Each region has its own prefixes, but a URL of the local cloud names the
// region only if another region has the prefix already.
func (st *state) lookUpPrefix(prefix string) (begins string, taken bool) {
	regional := prefix + "." + st.Region
	if _, taken := prefixes.get(st, regional); taken {
		return regional, true
	}
	id, taken := prefixes.get(st, prefix)
	if !taken {
		return prefix, false
	}
	if _, here := environments.get(st, id); here {
		return prefix, true
	}
	return regional, false
}

// choose sets the version of a setup; "" is the sample application.
func (st *state) choose(set *setup, app, label string) error {
	if label == "" {
		set.Version, set.Bucket, set.Key = "", "", ""
		return nil
	}
	v, ok := versions.get(st, app, label)
	if !ok {
		return unknown("Application Version", label)
	}
	if v.Status != processed && v.Status != unprocessed {
		return invalid("Application version %s is unusable and cannot be used with an environment", label)
	}
	set.Version, set.Bucket, set.Key = v.Label, v.Bucket, v.Key
	return nil
}

type dnsIn struct {
	CNAMEPrefix string `aws:"required,min=4,max=63"`
}

type dnsOut struct {
	Available           bool
	FullyQualifiedCNAME string
}

func checkDNSAvailability(st *state, in dnsIn) (dnsOut, error) {
	if err := checkHyphenated("CNAMEPrefix", in.CNAMEPrefix); err != nil {
		return dnsOut{}, err
	}
	prefix, taken := st.lookUpPrefix(strings.ToLower(in.CNAMEPrefix))
	return dnsOut{!taken, st.cname(prefix)}, nil
}
