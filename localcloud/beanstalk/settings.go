package beanstalk

import "time"

// template is a saved configuration.
type template struct {
	Application, Name, Description string
	Platform                       string
	Tier                           tier
	Options                        options
	Tags                           map[string]string
	Created, Updated               time.Time
}

type createTemplateIn struct {
	ApplicationName       string `aws:"required,min=1,max=100"`
	TemplateName          string `aws:"required,min=1,max=100"`
	Description           string `aws:"max=200"`
	EnvironmentId         string
	SolutionStackName     string `aws:"max=255"`
	PlatformArn           string
	SourceConfiguration   *sourceConfiguration
	TemplateSpecification *templateSpecification
	OptionSettings        options
	Tags                  []tag
}

type sourceConfiguration struct {
	ApplicationName string `aws:"min=1,max=100"`
	TemplateName    string `aws:"min=1,max=100"`
}

type settingsDescription struct {
	SolutionStackName, PlatformArn, ApplicationName, TemplateName, Description, EnvironmentName, DeploymentStatus string
	DateCreated, DateUpdated                                                                                      time.Time
	OptionSettings                                                                                                options
	Tier                                                                                                          tier
}

func createConfigurationTemplate(st *state, in createTemplateIn) (settingsDescription, error) {
	t, err := st.newTemplate(in)
	if err != nil {
		return settingsDescription{}, err
	}
	templates.put(st, t, t.Application, t.Name)
	return t.describe(), nil
}

func (st *state) newTemplate(in createTemplateIn) (template, error) {
	if _, err := st.application(in.ApplicationName); err != nil {
		return template{}, err
	}
	if err := checkPlain("TemplateName", in.TemplateName); err != nil {
		return template{}, err
	}
	if _, taken := templates.get(st, in.ApplicationName, in.TemplateName); taken {
		return template{}, exists("Configuration Template", in.TemplateName)
	}
	if templates.count(st) >= st.Quotas.Templates {
		return template{}, tooMany("ConfigurationTemplates", "Configuration Templates", st.Quotas.Templates)
	}
	t, err := st.templateBase(in)
	if err != nil {
		return t, err
	}
	t.Application, t.Name, t.Description = in.ApplicationName, in.TemplateName, in.Description
	t.Created, t.Updated = round(st.Now), round(st.Now)
	t.Options = t.Options.with(in.OptionSettings)
	if err := t.Options.check(nil); err != nil {
		return t, err
	}
	t.Tags, err = addTags(nil, in.Tags)
	return t, err
}

// templateBase returns what a new template copies: an environment, another template or a platform.
func (st *state) templateBase(in createTemplateIn) (template, error) {
	var environment string
	if in.TemplateSpecification != nil {
		environment = in.TemplateSpecification.TemplateSource.EnvironmentName
	}
	switch from := in.SourceConfiguration; {
	case in.EnvironmentId+environment != "" && from != nil:
		return template{}, conflicting("Specify either EnvironmentId or SourceConfiguration.")
	case in.EnvironmentId+environment != "":
		e, err := st.live(in.EnvironmentId, environment)
		return template{Platform: e.Setup.Platform, Tier: e.Tier, Options: e.Setup.Options}, err
	case from != nil:
		return st.template(from.ApplicationName, from.TemplateName)
	case in.SolutionStackName == "" && in.PlatformArn == "":
		return template{}, invalid("Unable to determine base for template pack (no solution stack)")
	}
	p, err := findPlatform(in.SolutionStackName, in.PlatformArn, st.Region)
	return template{Platform: p.arn(st.Region), Tier: webServer}, err
}

func (st *state) template(app, name string) (template, error) {
	t, ok := templates.get(st, app, name)
	if !ok {
		return t, unknown("Configuration Template", name)
	}
	return t, nil
}

func (t template) describe() settingsDescription {
	return settingsDescription{
		SolutionStackName: stackOf(t.Platform), PlatformArn: t.Platform, ApplicationName: t.Application, TemplateName: t.Name,
		Description: t.Description, DateCreated: t.Created, DateUpdated: t.Updated, OptionSettings: t.Options.complete(), Tier: t.Tier,
	}
}

type updateTemplateIn struct {
	ApplicationName string  `aws:"required,min=1,max=100"`
	TemplateName    string  `aws:"required,min=1,max=100"`
	Description     *string `aws:"max=200"`
	OptionSettings  options
	OptionsToRemove options
}

func updateConfigurationTemplate(st *state, in updateTemplateIn) (settingsDescription, error) {
	t, err := st.template(in.ApplicationName, in.TemplateName)
	if err != nil {
		return settingsDescription{}, err
	}
	if in.Description != nil {
		t.Description = *in.Description
	}
	t.Updated, t.Options = round(st.Now), t.Options.without(in.OptionsToRemove).with(in.OptionSettings)
	if err := t.Options.check(nil); err != nil {
		return settingsDescription{}, err
	}
	templates.put(st, t, t.Application, t.Name)
	return t.describe(), nil
}

type templateIn struct {
	ApplicationName string `aws:"required,min=1,max=100"`
	TemplateName    string `aws:"required,min=1,max=100"`
}

func deleteConfigurationTemplate(st *state, in templateIn) (none, error) {
	t, err := st.template(in.ApplicationName, in.TemplateName)
	if err != nil {
		return none{}, err
	}
	for e := range environments.all(st) {
		if e.Application == t.Application && e.Work != nil && e.Work.Wanted.Template == t.Name {
			return none{}, busy("Unable to delete configuration template: %s.", t.Name)
		}
	}
	templates.delete(st, t.Application, t.Name)
	return none{}, nil
}

type describeSettingsIn struct {
	ApplicationName string `aws:"required,min=1,max=100"`
	EnvironmentName string `aws:"min=4,max=40"`
	TemplateName    string `aws:"min=1,max=100"`
}

type describeSettingsOut struct{ ConfigurationSettings []settingsDescription }

// describeConfigurationSettings returns one set of options and, while an update changes them, a second
// one that is pending.
func describeConfigurationSettings(st *state, in describeSettingsIn) (out describeSettingsOut, err error) {
	if _, err := st.application(in.ApplicationName); err != nil {
		return out, err
	}
	if in.EnvironmentName != "" && in.TemplateName != "" {
		return out, conflicting("Specify either EnvironmentName or TemplateName.")
	}
	if in.TemplateName != "" {
		t, err := st.template(in.ApplicationName, in.TemplateName)
		out.ConfigurationSettings = []settingsDescription{t.describe()}
		return out, err
	}
	e, err := st.live("", in.EnvironmentName)
	if err == nil && e.Application != in.ApplicationName {
		err = notFound("EnvironmentName", e.Name)
	}
	if err != nil {
		return out, err
	}
	out.ConfigurationSettings = append(out.ConfigurationSettings, e.settings(e.Setup, "deployed"))
	if w := e.Work; w != nil && w.Verb == update && w.Tunes {
		out.ConfigurationSettings = append(out.ConfigurationSettings, e.settings(w.Wanted, "pending"))
	}
	return out, nil
}

func (e environment) settings(set setup, status string) settingsDescription {
	return settingsDescription{
		SolutionStackName: stackOf(set.Platform), PlatformArn: set.Platform, ApplicationName: e.Application, EnvironmentName: e.Name,
		Description: e.Description, DeploymentStatus: status, DateCreated: e.Created, DateUpdated: e.Updated,
		OptionSettings: set.Options.complete(), Tier: e.Tier,
	}
}
