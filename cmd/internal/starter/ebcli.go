package starter

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"beansprout/cmd/internal/project/config"
	"beansprout/compose"
	"beansprout/pattern"
)

// cliConfig is what the configuration of the EB CLI says.
type cliConfig struct {
	application, region, platform, profile, role, artifact string
	platformLine                                           int
}

// readCLI takes what the EB CLI's configuration says, and notes what has no equivalent.
func (p *planner) readCLI() error {
	if p.CLI == nil {
		return nil
	}
	root, err := parseYAML(p.CLI)
	if err != nil {
		return err
	}
	global := mapping(root, "global")
	text := func(key string) string { return p.cliText(mapping(global, key), key) }
	p.cliGlobals(global, text)
	p.cliPlatform(global, text)
	if n := mapping(mapping(root, "deploy"), "artifact"); n != nil && n.Value != "" {
		p.cli.artifact = path.Clean(n.Value)
		p.note(p.CLI.Name, n.Line, "deploy.artifact: %s", n.Value)
	}
	p.branchDefaults(mapping(root, "branch-defaults"))
	return nil
}

// cliText returns the text of a key, "" where there is none or beansprout.yaml can't have it.
func (p *planner) cliText(n *yaml.Node, key string) string {
	if n == nil || n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return ""
	}
	value := strings.TrimSpace(n.Value)
	if problem := p.refusal(key, value); problem != "" {
		p.undone(p.CLI.Name, n.Line, "%s: %s", key, problem)
		return ""
	}
	return value
}

// cliGlobals takes what holds for all environments, but for the platform.
func (p *planner) cliGlobals(global *yaml.Node, text func(key string) string) {
	for _, key := range []struct {
		name string
		to   *string
	}{{"application_name", &p.cli.application}, {"default_region", &p.cli.region}, {"instance_profile", &p.cli.profile}, {"service_role", &p.cli.role}} {
		if *key.to = text(key.name); *key.to != "" {
			p.note(p.CLI.Name, mapping(global, key.name).Line, "%s: %s", key.name, *key.to)
		}
	}
	p.yaml.region, p.yaml.profile, p.yaml.role = p.cli.region, p.cli.profile, p.cli.role
	if key := text("default_ec2_keyname"); key != "" {
		p.yaml.option("aws:autoscaling:launchconfiguration", "EC2KeyName", key)
		p.note(p.CLI.Name, mapping(global, "default_ec2_keyname").Line, "default_ec2_keyname: %s", key)
	}
	if profile := text("profile"); profile != "" && profile != "default" {
		p.undone(p.CLI.Name, mapping(global, "profile").Line, "the profile of the credentials is not part of beansprout.yaml; want AWS_PROFILE=%s in the environment", profile)
	}
}

// cliKeys are the keys of beansprout.yaml for those of the EB CLI's configuration.
var cliKeys = map[string]string{
	"application_name": "application: %s", "default_region": "application: a\nregion: %s",
	"instance_profile": "application: a\nenvironment: {instance_profile: %s}", "service_role": "application: a\nenvironment: {service_role: %s}",
}

// refusal returns why beansprout.yaml can't have a value of the EB CLI's configuration, "" if it can.
func (p *planner) refusal(key, value string) string {
	form, ok := cliKeys[key]
	if !ok {
		form = "application: %s" // any line of text
	}
	var refused *config.Error
	_, err := config.Parse("", p.Dir, fmt.Appendf(nil, form, quoted(value)))
	if value == "" || !errors.As(err, &refused) {
		return ""
	}
	_, problem, _ := strings.Cut(refused.Problems[0].Error(), ": ")
	return problem
}

// cliPlatform reads which platform branch the EB CLI uses.
func (p *planner) cliPlatform(global *yaml.Node, text func(string) string) {
	for _, key := range []string{"platform_name", "default_platform"} {
		named := text(key)
		if named == "" {
			continue
		}
		p.cli.platformLine = mapping(global, key).Line
		if p.cli.platform = platformBranch(named); p.cli.platform == "" {
			p.undone(p.CLI.Name, p.cli.platformLine, "%s: %q is no platform branch; environment.platform names one", key, named)
		}
		return
	}
}

// branchDefaults names the environments that the EB CLI deploys to. They have settings that are worth a copy.
func (p *planner) branchDefaults(branches *yaml.Node) {
	if branches == nil || branches.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(branches.Content); i += 2 {
		branch, e := branches.Content[i], mapping(branches.Content[i+1], "environment")
		if e == nil || e.ShortTag() == "!!null" || e.Value == "" {
			continue
		}
		p.note(p.CLI.Name, branch.Line, "branch %s is deployed to %s, which stays as it is; copy_from takes over its settings", branch.Value, e.Value)
		if p.yaml.copyFrom == "" {
			p.yaml.copyFrom, p.yaml.copyBranch = e.Value, branch.Value
		}
	}
}

var (
	branchShape = pattern.New(`^(.+) running on (64bit .+?)(/[0-9.]+)?$`)
	stackShape  = pattern.New(`^64bit (Amazon Linux(?: 2023| 2)?)(?: v?[0-9.]+)? running (.+)$`)
	tomcatShape = pattern.New(`^(Tomcat [0-9.]+) (Corretto [0-9]+)$`)
	shortShape  = pattern.New(`(?i)^(corretto|python|node\.js|php|ruby|go|\.net)[ -]?([0-9][0-9.]*)?$`)
)

// newestSystem is what platforms run on.
const newestSystem = "64bit Amazon Linux 2023"

// shortNames are the spellings of platforms in branches.
var shortNames = map[string]string{
	"corretto": "Corretto", "python": "Python", "node.js": "Node.js", "php": "PHP", "ruby": "Ruby", "go": "Go", ".net": ".NET",
}

// platformBranch returns the platform branch on Amazon Linux 2023 that a name of the EB CLI means: a branch,
// a solution stack, an ARN, or a word such as "docker". It returns "" if it means none.
func platformBranch(name string) string {
	if _, arn, ok := strings.Cut(name, ":platform/"); ok {
		name = arn
	}
	if m := branchShape.FindStringSubmatch(name); m != nil {
		name = m[1]
	} else if m := stackShape.FindStringSubmatch(name); m != nil {
		name = tomcatShape.ReplaceAllString(m[2], "$1 with $2")
	} else if m := shortShape.FindStringSubmatch(name); m != nil && m[2] != "" {
		name = shortNames[strings.ToLower(m[1])] + " " + m[2]
	} else if lower := strings.ToLower(name); lower != "docker" && lower != "ecs" && !strings.HasPrefix(lower, "multi-container docker") {
		return ""
	}
	switch lower := strings.ToLower(name); {
	case strings.HasPrefix(lower, "multi-container docker"), lower == "ecs":
		name = "ECS"
	case strings.HasPrefix(lower, "docker"):
		name = "Docker"
	}
	return name + " running on " + newestSystem
}

// parseYAML returns the root of a YAML file, nil for an empty one. Its error names file and line.
func parseYAML(f *File) (*yaml.Node, error) {
	var root yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader(f.Text)).Decode(&root); err != nil {
		if len(bytes.TrimSpace(f.Text)) == 0 {
			return nil, nil
		}
		line, problem := compose.YAMLProblem(f.Text, err)
		return nil, errorf("%s:%d: %s", f.Name, line, problem)
	}
	if len(root.Content) == 0 {
		return nil, nil
	}
	return root.Content[0], nil
}

// mapping returns the value of a key, nil where the node is no mapping that has it.
func mapping(n *yaml.Node, key string) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
