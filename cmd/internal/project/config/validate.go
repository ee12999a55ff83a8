package config

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

const (
	defaultPlatform = "ECS running on 64bit Amazon Linux 2023"
	composePlatform = "Docker running on 64bit Amazon Linux 2023"
	defaultTemplate = "Dockerrun.template.json"
	platformOfWars  = "Tomcat 11 with Corretto 21 running on 64bit Amazon Linux 2023"
	platformOfJars  = "Corretto 21 running on 64bit Amazon Linux 2023"
	// AWS's own conventional names, under which the console creates them.
	defaultProfile = "aws-elasticbeanstalk-ec2-role"
	defaultRole    = "aws-elasticbeanstalk-service-role"
)

// initial returns the defaults that depend on nothing in the file.
func initial(dir string) *Config {
	c := &Config{Dir: dir}
	c.Environment.Options = map[string]map[string]string{}
	c.Environment.Variables = map[string]string{}
	c.Environment.Secrets = map[string]string{}
	c.Dockerrun.Values = map[string]any{}
	setDefaults(table(c, &Image{}, &Secret{}))
	return c
}

// setDefaults sets the fields that the keys read into to their defaults.
func setDefaults(keys []key) {
	for _, k := range keys {
		if k.fallback == "" || strings.HasPrefix(k.fallback, "(") {
			continue
		}
		if err := k.check.set(k.into, k.fallback); err != nil {
			panic(fmt.Sprintf("config: the default of %s: %v", k.path, err))
		}
	}
}

// complete fills in the defaults that depend on what the file sets.
func (c *Config) complete(set map[string]value) {
	if _, ok := set["expire.warn_before"]; !ok {
		c.Expire.WarnBefore = min(day, c.Expire.After/2)
	}
	if _, ok := set["expire.least"]; !ok {
		c.Expire.Least = min(day, c.Expire.After)
	}
	for _, image := range c.Build {
		for n := range image.Secrets {
			c.absolute(&image.Secrets[n].File)
		}
		for _, agent := range image.SSH {
			for n := range agent.Paths {
				c.absolute(&agent.Paths[n])
			}
		}
	}
	platform := defaultPlatform
	if c.Dockerrun.Template == "" {
		c.Dockerrun.Template = c.findTemplate()
	}
	if c.Dockerrun.IsCompose() && c.Artifact == "" {
		platform = composePlatform
	}
	if e := &c.Environment; e.CopyFrom == "" && e.SavedConfiguration == "" {
		e.Platform = cmp.Or(e.Platform, platform)
		e.InstanceProfile = cmp.Or(e.InstanceProfile, defaultProfile)
		e.ServiceRole = cmp.Or(e.ServiceRole, defaultRole)
	}
}

// absolute makes a path that is relative to the file's directory absolute.
func (c *Config) absolute(path *string) {
	if *path != "" && !filepath.IsAbs(*path) {
		*path = filepath.Join(c.Dir, *path)
	}
}

// validate checks keys that are right alone and wrong together.
func (c *Config) validate(d *document) {
	if len(d.problems) > 0 {
		return
	}
	if _, ok := d.set["application"]; !ok {
		d.fail(place{1, 1}, "application is missing; it names the Elastic Beanstalk application, as in \"application: shop\"")
	}
	for _, paths := range exclusive {
		d.exclude(paths...)
	}
	c.validateArtifact(d)
	c.Environment.validate(d)
	c.Expire.validate(d)
}

func (e *Expire) validate(d *document) {
	if warn, ok := d.set["expire.warn_before"]; ok && e.WarnBefore >= e.After {
		warn.fail("%s is not before the end of the environment's %s; want less than expire.after", e.WarnBefore, e.After)
	}
	if least, ok := d.set["expire.least"]; ok && e.Least > e.After {
		least.fail("%s is longer than the environment's %s; want at most expire.after", e.Least, e.After)
	}
	if branches, ok := d.set["expire.branches"]; ok && e.Branches.Remote == "" && !branches.empty() {
		branches.fail("remote is missing; want the URL of the repository, as in {remote: git@github.com:acme/shop.git}")
	}
}

// exclusive are keys of which a file has at most one.
var exclusive = [][]string{
	{"build", "artifact"},
	{"environment.copy_from", "environment.saved_configuration", "environment.platform"},
	{"artifact", "dockerrun"},
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

// containers matches the platform branches that run nothing but containers.
const containers = `^(?:ECS|Docker) `

var runsContainers = lazily(containers)

// validateArtifact checks what goes with an artifact.
func (c *Config) validateArtifact(d *document) {
	artifact, ok := d.set["artifact"]
	prepare, prepared := d.set["prepare"]
	switch e := c.Environment; {
	case prepared && !ok:
		d.fail(prepare.key, "prepare goes with artifact; an image has its own, as in build.NAME.prepare")
	case ok && e.Platform == "" && e.CopyFrom == "" && e.SavedConfiguration == "":
		artifact.fail("nothing says what runs it; want environment.platform, as in %q for a war or %q for a jar, or copy_from or saved_configuration",
			platformOfWars, platformOfJars)
	case ok && runsContainers(e.Platform) && filepath.Ext(c.Artifact) != ".zip":
		d.set["environment.platform"].fail("%s runs containers alone; want what runs %s, as in %q for a war or %q for a jar",
			quote(e.Platform), quote(c.Artifact), platformOfWars, platformOfJars)
	}
}

func (e *Environment) validate(d *document) {
	for _, name := range slices.Sorted(maps.Keys(e.Secrets)) {
		if _, ok := e.Variables[name]; ok {
			d.set["environment.secrets."+name].fail("is a variable, too; keep one of them")
		}
	}
	const namespace, name = environmentNamespace, environmentType
	if _, ok := e.Options[namespace][name]; ok && e.SharedLoadBalancer != "" {
		d.set["environment.options."+namespace+"."+name].fail("environment.shared_load_balancer decides that; leave this out")
	}
}

// The option by which an environment has a load balancer, or one instance.
const environmentNamespace, environmentType = "aws:elasticbeanstalk:environment", "EnvironmentType"

// togetherRules are those of validate that a schema can express. What compares two values is missing.
func togetherRules() []schema {
	var rules []schema
	for _, paths := range exclusive {
		for i, first := range paths {
			for _, second := range paths[i+1:] {
				rules = append(rules, schema{"if": present(strings.Split(first, ".")...), "then": absent(strings.Split(second, ".")...)})
			}
		}
	}
	runs := []schema{present("platform"), present("copy_from"), present("saved_configuration")}
	return append(rules,
		schema{"if": present("prepare"), "then": present("artifact")},
		schema{"if": present("artifact"), "then": schema{"required": []string{"environment"}, "properties": schema{"environment": schema{"anyOf": runs}}}},
		schema{
			"if":   schema{"required": []string{"artifact"}, "properties": schema{"artifact": schema{"not": schema{"pattern": `\.zip$`}}}},
			"then": at(schema{"not": schema{"type": "string", "pattern": containers}}, "environment", "platform"),
		},
		at(schema{"required": []string{"remote"}}, "expire", "branches"),
		schema{
			"if":   present("environment", "shared_load_balancer"),
			"then": absent("environment", "options", environmentNamespace, environmentType),
		})
}

// present returns the rule that there is a key, given by the names on the way to it.
func present(path ...string) schema {
	s := schema{"type": "object", "required": path[:1]}
	if len(path) > 1 {
		s["properties"] = schema{path[0]: present(path[1:]...)}
	}
	return s
}

// absent returns the rule that there is no such key.
func absent(path ...string) schema { return at(false, path...) }

// at returns a rule for the value of a key, if there is one.
func at(rule any, path ...string) schema {
	for _, name := range slices.Backward(path) {
		rule = schema{"properties": schema{name: rule}}
	}
	return rule.(schema)
}
