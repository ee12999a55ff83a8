package config

import "github.com/docker/go-units"

// fields are the keys of the file; each fills in its part of c.
func (c *Config) fields() fields {
	return fields{
		"application": text(&c.Application, checkApplication),
		"region":      text(&c.Region, matching(regionPattern, "want an AWS region such as ap-northeast-2")),
		"build":       c.build,
		"prepare":     text(&c.Prepare, anything),
		"artifact":    text(&c.Artifact, checkArtifact),
		"registry":    c.Registry.take,
		"environment": c.Environment.take,
		"dockerrun":   c.Dockerrun.take,
		"expire":      c.Expire.take,
		"slack":       func(v value) { v.object(fields{"channel": text(&c.Slack.Channel, checkLine)}) },
		"ledger":      func(v value) { v.object(fields{"bucket": text(&c.Ledger.Bucket, checkBucket)}) },
	}
}

func (c *Config) build(v value) {
	for _, e := range v.entries() {
		i := Image{Name: e.name, Context: ".", Dockerfile: "Dockerfile", Args: map[string]string{}, Network: "default", WarnSize: 200 * units.MB}
		if e.passes(checkName) {
			i.take(e.value)
		}
		c.Build = append(c.Build, i)
	}
}

func (i *Image) take(v value) {
	v.object(fields{
		"prepare":    text(&i.Prepare, anything),
		"context":    text(&i.Context, checkRelative),
		"dockerfile": text(&i.Dockerfile, checkInside),
		"target":     text(&i.Target, anything),
		"args":       scalars(&i.Args, checkLine, anything),
		"secrets":    i.secrets,
		"platform":   text(&i.Platform, oneOf(PlatformAMD64, PlatformARM64)),
		"cache_from": texts(&i.CacheFrom, checkReference),
		"network":    text(&i.Network, oneOf("default", "none", "host")),
		"pull":       truth(&i.Pull),
		"warn_size":  size(&i.WarnSize),
	})
}

func (i *Image) secrets(v value) {
	for _, e := range v.list() {
		var s Secret
		problems := len(v.doc.problems)
		e.object(fields{
			"id":   text(&s.ID, checkName),
			"file": text(&s.File, checkLine),
			"env":  text(&s.Env, matching(envPattern, "want the name of an environment variable")),
		})
		if len(v.doc.problems) == problems && (s.ID == "" || (s.File == "") == (s.Env == "")) {
			e.fail(`want an id, and either a file or an env, as in {id: npmrc, file: .npmrc}`)
		}
		i.Secrets = append(i.Secrets, s)
	}
}

func (r *Registry) take(v value) {
	v.object(fields{
		"repository":     text(&r.Repository, checkRepository),
		"scan_on_push":   truth(&r.ScanOnPush),
		"immutable_tags": truth(&r.ImmutableTags),
		"expire_images_after": func(v value) {
			duration(&r.ExpireImagesAfter, 0, year)(v)
			if r.ExpireImagesAfter%day != 0 {
				v.fail("want whole days, as in 1d: ECR counts in nothing else")
			}
		},
	})
}

func (e *Environment) take(v value) {
	v.object(fields{
		"copy_from":            text(&e.CopyFrom, matching(environmentPattern, "want the name of an environment")),
		"saved_configuration":  text(&e.SavedConfiguration, checkTemplate),
		"platform":             text(&e.Platform, checkPlatform),
		"instance_type":        text(&e.InstanceType, matching(instancePattern, "want an EC2 instance type such as t3.small")),
		"instance_profile":     text(&e.InstanceProfile, checkRole("instance-profile")),
		"service_role":         text(&e.ServiceRole, checkRole("role")),
		"operations_role":      text(&e.OperationsRole, checkARN),
		"options":              e.options,
		"variables":            e.variables,
		"secrets":              scalars(&e.Secrets, checkVariable, checkSecret),
		"shared_load_balancer": text(&e.SharedLoadBalancer, checkLoadBalancer),
		"check":                e.Check.take,
	})
}

func (e *Environment) options(v value) {
	for _, namespace := range v.entries() {
		values := map[string]string{}
		if namespace.passes(checkNamespace) {
			scalars(&values, checkLine, anything)(namespace.value)
		}
		e.Options[namespace.name] = values
	}
}

func (e *Environment) variables(v value) {
	scalars(&e.Variables, checkVariable, anything)(v)
	size := 0
	for name, content := range e.Variables {
		size += len(name) + len("=") + len(content)
	}
	if size > maxVariables {
		v.fail("the variables have %d bytes as name=value; Beanstalk takes %d", size, maxVariables)
	}
}

func (d *Dockerrun) take(v value) {
	v.object(fields{
		"template": text(&d.Template, checkInside),
		"include":  texts(&d.Include, checkInside),
		"values":   d.values,
	})
}

func (d *Dockerrun) values(v value) {
	var literal map[string]string
	scalars(&literal, checkValueName, anything)(v)
	for name, s := range literal {
		d.Values[name] = s
	}
}

func (e *Expire) take(v value) {
	v.object(fields{
		"after":         duration(&e.After, second, 10*year),
		"from":          text(&e.From, oneOf(FromCreated, FromDeployed)),
		"warn_before":   duration(&e.WarnBefore, 0, year),
		"restore_for":   duration(&e.RestoreFor, 0, year),
		"schedule":      text(&e.Schedule, checkLine),
		"max_deletions": number(&e.MaxDeletions, 1, 1000),
	})
}
