package beanstalk

import (
	"cmp"
	"time"
)

// application has versions, environments and saved configurations.
type application struct {
	Name, Description string
	Created, Updated  time.Time
	Tags              map[string]string
	Deletion          string // id of the call that deletes it when its environments are gone
}

type createApplicationIn struct {
	ApplicationName         string `aws:"required,min=1,max=100"`
	Description             string `aws:"max=200"`
	ResourceLifecycleConfig *lifecycle
	Tags                    []tag
}

// lifecycle tells Beanstalk to delete old versions. It is not served: settings that turn it on are
// refused.
type lifecycle struct {
	ServiceRole            string
	VersionLifecycleConfig struct {
		MaxCountRule *struct {
			Enabled            bool `aws:"required"`
			MaxCount           int
			DeleteSourceFromS3 bool
		}
		MaxAgeRule *struct {
			Enabled            bool `aws:"required"`
			MaxAgeInDays       int
			DeleteSourceFromS3 bool
		}
	}
}

func (l *lifecycle) enabled() bool {
	if l == nil {
		return false
	}
	count, age := l.VersionLifecycleConfig.MaxCountRule, l.VersionLifecycleConfig.MaxAgeRule
	return count != nil && count.Enabled || age != nil && age.Enabled
}

type applicationOut struct{ Application applicationDescription }

type applicationDescription struct {
	ApplicationArn, ApplicationName, Description string
	DateCreated, DateUpdated                     time.Time
	Versions, ConfigurationTemplates             []string
}

func createApplication(st *state, in createApplicationIn) (applicationOut, error) {
	if in.ResourceLifecycleConfig.enabled() {
		return applicationOut{}, invalid("The local cloud has no lifecycle of versions.")
	}
	if err := st.addApplication(in.ApplicationName, in.Description, in.Tags); err != nil {
		return applicationOut{}, err
	}
	app, _ := applications.get(st, in.ApplicationName)
	return applicationOut{st.describe(app)}, nil
}

func (st *state) addApplication(name, description string, tags []tag) error {
	if err := checkPlain("ApplicationName", name); err != nil {
		return err
	}
	if _, taken := applications.get(st, name); taken {
		return exists("Application", name)
	}
	if applications.count(st) >= st.Quotas.Applications {
		return tooMany("Applications", "Applications", st.Quotas.Applications)
	}
	added, err := addTags(nil, tags)
	now := round(st.Now)
	applications.put(st, application{Name: name, Description: description, Created: now, Updated: now, Tags: added}, name)
	return err
}

// application returns the application of that name.
func (st *state) application(name string) (application, error) {
	app, ok := applications.get(st, name)
	if !ok {
		return app, unknown("Application", name)
	}
	return app, nil
}

func (st *state) describe(app application) applicationDescription {
	d := applicationDescription{
		ApplicationArn: arn(st.Region, st.Account, "application", app.Name), ApplicationName: app.Name, Description: app.Description,
		DateCreated: app.Created, DateUpdated: app.Updated,
	}
	for v := range versions.all(st, app.Name) {
		d.Versions = append(d.Versions, v.Label)
	}
	for t := range templates.all(st, app.Name) {
		d.ConfigurationTemplates = append(d.ConfigurationTemplates, t.Name)
	}
	return d
}

type describeApplicationsIn struct {
	ApplicationNames []string `aws:"each,min=1,max=100"`
}

type describeApplicationsOut struct{ Applications []applicationDescription }

func describeApplications(st *state, in describeApplicationsIn) (out describeApplicationsOut, _ error) {
	for app := range applications.all(st) {
		if listed(in.ApplicationNames, app.Name) {
			out.Applications = append(out.Applications, st.describe(app))
		}
	}
	return out, nil
}

type deleteApplicationIn struct {
	ApplicationName     string `aws:"required,min=1,max=100"`
	TerminateEnvByForce bool
}

// deleteApplication deletes an application without environments at once. One with environments it
// deletes by force only, after it has terminated them.
func deleteApplication(st *state, in deleteApplicationIn) (none, error) {
	app, err := st.application(in.ApplicationName)
	if err != nil {
		return none{}, err
	}
	var rows []environment
	for e := range environments.all(st) {
		if e.Application == app.Name && e.live() {
			rows = append(rows, e)
		}
	}
	if len(rows) > 0 && !in.TerminateEnvByForce {
		return none{}, invalid("Unable to delete application %s because it has a version that is deployed to a running environment.", app.Name)
	}
	for _, e := range rows {
		if e.Status == terminating {
			continue
		}
		if _, err := st.start(e, work{Verb: terminate, Wanted: e.Setup}); err != nil {
			return none{}, busy("Unable to delete application: %s.", app.Name)
		}
	}
	app.Deletion = st.ID
	applications.put(st, app, app.Name)
	st.finishDeletion(app.Name)
	return none{}, nil
}

// remove deletes an application with all its records.
func (st *state) remove(app application) {
	d := st.describe(app)
	for _, label := range d.Versions {
		versions.delete(st, app.Name, label)
	}
	for _, name := range d.ConfigurationTemplates {
		templates.delete(st, app.Name, name)
	}
	applications.delete(st, app.Name)
	st.tell(event{Application: app.Name, Request: app.Deletion}, info("The application has been deleted successfully."))
}

type createStorageLocationOut struct{ S3Bucket string }

func createStorageLocation(st *state, _ none) (createStorageLocationOut, error) {
	bucket := storage(st.Region, st.Account)
	return createStorageLocationOut{bucket}, st.Objects.EnsureBucket(bucket)
}

// storage returns the name of Beanstalk's own bucket in a region.
func storage(region, account string) string { return "elasticbeanstalk-" + region + "-" + account }

// orDefaults replaces zero quotas by AWS's defaults.
func (q Quotas) orDefaults() Quotas {
	for _, d := range []struct {
		quota    *int
		fallback int
	}{{&q.Applications, 75}, {&q.Versions, 1000}, {&q.Environments, 200}, {&q.Templates, 2000}, {&q.Platforms, 50}} {
		if *d.quota == 0 {
			*d.quota = d.fallback
		}
	}
	q.Addresses = cmp.Or(q.Addresses, q.Environments)
	return q
}

type quota struct{ Maximum int }

type accountOut struct {
	ResourceQuotas struct {
		ApplicationQuota, ApplicationVersionQuota, EnvironmentQuota, ConfigurationTemplateQuota, CustomPlatformQuota quota
	}
}

func describeAccountAttributes(st *state, _ none) (out accountOut, _ error) {
	q, r := st.Quotas, &out.ResourceQuotas
	r.ApplicationQuota, r.ApplicationVersionQuota, r.EnvironmentQuota = quota{q.Applications}, quota{q.Versions}, quota{q.Environments}
	r.ConfigurationTemplateQuota, r.CustomPlatformQuota = quota{q.Templates}, quota{q.Platforms}
	return out, nil
}
