package project

import (
	"beansprout/cmd/internal/project/config"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
)

// ManagerConfig returns what the file says to the environment manager. Without a file it isn't known whether
// an application has images, and the manager goes by the records of environments.
func (p *Project) ManagerConfig() envs.Config {
	cfg := p.Config
	c := envs.Config{
		Application: cfg.Application, Bucket: cfg.Store.Bucket,
		Repository: envs.Repository{
			Name: p.repository(), Scan: cfg.Registry.ScanOnPush, Immutable: cfg.Registry.ImmutableTags,
			Expire: cfg.Registry.ExpireImagesAfter.Std(), Unused: cfg.Artifact != "" || cfg.File == "",
		},
		HTTPS: p.scheme() == envs.HTTPS || p.scheme() == envs.ByListeners && configured(p.settings).HTTPSOnly(),
		Days:  envs.Days{RestoreFor: cfg.Expire.RestoreFor.Std()},
	}
	if cfg.File != "" {
		c.Days.TTL, c.Days.Least, c.Days.FromDeploy = cfg.Expire.After.Std(), cfg.Expire.Least.Std(), cfg.Expire.From == config.FromDeployed
	}
	return c
}

// origin returns what the feature is named after. A branch that no remote has can't be missed there: it
// is a name like any other.
func (p *Project) origin(feature string) string {
	switch c := p.Checkout; {
	case feature != c.Branch || !c.Pushed && !c.Fork:
		return envs.SourceName
	case c.Fork:
		return envs.SourceFork
	}
	return envs.SourceBranch
}

// Deployment returns the deployment of the feature. The project is its source.
func (p *Project) Deployment(feature string) envs.Deployment {
	e, c := p.Config.Environment, p.Checkout
	return envs.Deployment{
		Feature: feature, Origin: p.origin(feature), Commit: c.Commit, Subject: c.Subject,
		Owner: c.Author, Email: c.Email, BuildURL: c.BuildURL,
		Source: p, Compose: p.Config.Dockerrun.IsCompose() && p.Config.Artifact == "",
		Base:     envs.Base{Platform: e.Platform, SavedConfiguration: e.SavedConfiguration, CopyFrom: e.CopyFrom},
		Settings: p.settings, Operations: e.OperationsRole, Scheme: p.scheme(), Check: p.HealthCheck(),
	}
}

// HealthCheck returns what the URLs of environments are asked.
func (p *Project) HealthCheck() envs.HealthCheck {
	check := p.Config.Environment.Check
	return envs.HealthCheck{
		Off: check.Off, Path: check.Path, Accepts: check.Accepts, Want: check.StatusRanges(), Timeout: check.Timeout.Std(),
	}
}

func (p *Project) scheme() envs.Scheme { return envs.Scheme(p.Config.Environment.URL) }

// settings returns what the file says about the settings of environments.
func settings(cfg *config.Config) beanstalk.Settings {
	e := cfg.Environment
	return beanstalk.Settings{
		InstanceType: e.InstanceType, InstanceProfile: e.InstanceProfile, ServiceRole: e.ServiceRole,
		Variables: e.Variables, Secrets: e.Secrets, SharedBalancer: e.SharedLoadBalancer, Options: e.Options,
		Overlay: e.SavedConfiguration != "" || e.CopyFrom != "",
	}
}

// configured is a configuration of these settings alone.
func configured(settings []beanstalk.Setting) beanstalk.Configuration {
	return beanstalk.Configuration{}.Changed(beanstalk.Difference{Set: settings})
}

// repository is where the images lie: as the file names it, or else one for the application. "" is that of
// each application.
func (p *Project) repository() string {
	if cfg := p.Config; cfg.Registry.Repository != "" || cfg.Application == "" {
		return cfg.Registry.Repository
	}
	return envs.DefaultRepository(p.Config.Application)
}
