package config

import (
	"cmp"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

const (
	defaultPlatform = "ECS running on 64bit Amazon Linux 2023"
	platformOfWars  = "Tomcat 11 with Corretto 21 running on 64bit Amazon Linux 2023"
	platformOfJars  = "Corretto 21 running on 64bit Amazon Linux 2023"
	// AWS's own conventional names, under which the console makes them.
	defaultProfile = "aws-elasticbeanstalk-ec2-role"
	defaultRole    = "aws-elasticbeanstalk-service-role"
)

// initial returns the defaults that depend on nothing in the file.
func initial(dir string) *Config {
	return &Config{
		Dir:      dir,
		Registry: Registry{ExpireImagesAfter: day},
		Environment: Environment{
			Options:   map[string]map[string]string{},
			Variables: map[string]string{},
			Secrets:   map[string]string{},
			Check:     Check{Path: "/", Status: []StatusRange{{200, 399}}, Timeout: Duration(2 * time.Minute)},
		},
		Dockerrun: Dockerrun{Template: "Dockerrun.template.json", Values: map[string]any{}},
		Expire: Expire{
			After:        5 * day,
			From:         FromCreated,
			WarnBefore:   unset,
			RestoreFor:   3 * day,
			Schedule:     "0 * * * *",
			MaxDeletions: 10,
		},
	}
}

// unset is what no file can say.
const unset Duration = -1

// complete fills in the defaults that depend on what the file says.
func (c *Config) complete() {
	if c.Expire.WarnBefore == unset {
		c.Expire.WarnBefore = min(day, c.Expire.After/2)
	}
	for i := range c.Build {
		c.Build[i].complete(c.Dir)
	}
	if e := &c.Environment; e.CopyFrom == "" && e.SavedConfiguration == "" {
		e.Platform = cmp.Or(e.Platform, defaultPlatform)
		e.InstanceProfile = cmp.Or(e.InstanceProfile, defaultProfile)
		e.ServiceRole = cmp.Or(e.ServiceRole, defaultRole)
	}
}

// complete makes the files of the secrets absolute.
func (i *Image) complete(dir string) {
	for n, s := range i.Secrets {
		if s.File != "" && !filepath.IsAbs(s.File) {
			i.Secrets[n].File = filepath.Join(dir, s.File)
		}
	}
}

// compare checks what several keys have wrong together, once each of them is right.
func (c *Config) compare(d *document) {
	if len(d.problems) > 0 {
		return
	}
	if _, ok := d.set["application"]; !ok {
		d.fail(place{1, 1}, "application is missing; it names the Elastic Beanstalk application, as in \"application: shop\"")
	}
	d.exclude("build", "artifact")
	d.exclude("environment.copy_from", "environment.saved_configuration", "environment.platform")
	d.exclude("artifact", "dockerrun")
	c.compareArtifact(d)
	c.Environment.compare(d)
	if warn, ok := d.set["expire.warn_before"]; ok && c.Expire.WarnBefore >= c.Expire.After {
		warn.fail("%s is not before the end of the environment's %s; want less than expire.after",
			c.Expire.WarnBefore, c.Expire.After)
	}
}

// compareArtifact checks what goes with an artifact.
func (c *Config) compareArtifact(d *document) {
	artifact, ok := d.set["artifact"]
	prepare, prepared := d.set["prepare"]
	switch e := c.Environment; {
	case prepared && !ok:
		d.fail(prepare.key, "prepare goes with artifact; an image has its own, as in build.NAME.prepare")
	case ok && e.Platform == "" && e.CopyFrom == "" && e.SavedConfiguration == "":
		artifact.fail("nothing says what runs it; want environment.platform, as in %q for a war or %q for a jar, or copy_from or saved_configuration",
			platformOfWars, platformOfJars)
	case ok && containers.MatchString(e.Platform) && filepath.Ext(c.Artifact) != ".zip":
		d.set["environment.platform"].fail("%s runs containers alone; want what runs %s, as in %q for a war or %q for a jar",
			quote(e.Platform), quote(c.Artifact), platformOfWars, platformOfJars)
	}
}

// containers are the branches that run nothing else.
var containers = regexp.MustCompile(`^(ECS|Docker) `)

const keyType = "environment.options.aws:elasticbeanstalk:environment.EnvironmentType"

func (e *Environment) compare(d *document) {
	for _, name := range slices.Sorted(maps.Keys(e.Secrets)) {
		if _, ok := e.Variables[name]; ok {
			d.set["environment.secrets."+name].fail("is a variable, too; keep one of them")
		}
	}
	if kind, ok := d.set[keyType]; ok && e.SharedLoadBalancer != "" {
		kind.fail("environment.shared_load_balancer decides that; leave this out")
	}
}

// exclude refuses more than one of the keys.
func (d *document) exclude(paths ...string) {
	var set []value
	for _, path := range paths {
		if v, ok := d.set[path]; ok {
			set = append(set, v)
		}
	}
	slices.SortFunc(set, func(a, b value) int { return a.key.compare(b.key) })
	if len(set) > 1 {
		d.fail(set[1].key, "%s and %s exclude each other; keep one of them", set[0].path, set[1].path)
	}
}

// notices says what the file sets and this version ignores.
func notices(d *document, c *Config) []string {
	var sentences []string
	add := func(path, consequence string) {
		if v, ok := d.set[path]; ok {
			sentences = append(sentences, d.at(v.key)+": "+path+" "+consequence)
		}
	}
	if c.Expire.WarnBefore > 0 {
		add("expire.warn_before", "is taken as 0s by this version: it doesn't warn yet.")
	}
	return sentences
}
