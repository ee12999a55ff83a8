package starter

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// The platforms of containers.
const (
	composePlatform = "Docker running on " + newestSystem
	ecsPlatform     = "ECS running on " + newestSystem
)

// takeTemplate takes the template that is there.
func (p *planner) takeTemplate() error {
	p.yaml.template = p.Template.Name
	p.note(p.Template.Name, 1, "is the template")
	all := p.candidates()
	for _, name := range imagesOf(p.Template.Text) {
		i := slices.IndexFunc(all, func(d Dockerfile) bool { return d.imageName() == name })
		if i < 0 && len(all) == 1 {
			i = 0
		}
		if i < 0 {
			p.undone(p.Template.Name, 1, "has ${image.%s}, and no Dockerfile makes it; want build.%s in beansprout.yaml", name, name)
			continue
		}
		p.build(all[i])
		p.yaml.images[len(p.yaml.images)-1].name = name
	}
	if slices.Contains(valuesOf(p.Template.Text), "memory") {
		p.yaml.memory = memory
	}
	return nil
}

// takeCompose takes the compose file as it is.
func (p *planner) takeCompose() error {
	root, err := parseYAML(p.Compose)
	if err != nil {
		return err
	}
	p.yaml.template = p.Compose.Name
	services := mapping(root, "services")
	if services == nil || services.Kind != yaml.MappingNode {
		return nil // the check of the plan says what is missing
	}
	for i := 0; i+1 < len(services.Content); i += 2 {
		p.composeBuild(services.Content[i].Value, mapping(services.Content[i+1], "build"))
	}
	if err := p.frontPort(services); err != nil || p.yaml.template != p.Compose.Name {
		return err
	}
	p.note(p.Compose.Name, 1, "is deployed as it is")
	return nil
}

// composeBuild looks at what a service is built of. If its Dockerfile copies what isn't there, the image needs
// an entry of its own with the command that makes it.
func (p *planner) composeBuild(service string, build *yaml.Node) {
	if build == nil {
		return
	}
	folder, name, simple := build.Value, "Dockerfile", true
	if build.Kind == yaml.MappingNode {
		folder, name = text(build, "context"), cmp.Or(text(build, "dockerfile"), name)
		for i := 0; i+1 < len(build.Content); i += 2 {
			simple = simple && slices.Contains([]string{"context", "dockerfile"}, build.Content[i].Value)
		}
	}
	folder = path.Clean(folder)
	k := slices.IndexFunc(p.Dockerfiles, func(d Dockerfile) bool { return d.Name == path.Join(folder, name) && d.Context == folder })
	if k < 0 || len(p.Dockerfiles[k].Missing) == 0 {
		return
	}
	d := p.Dockerfiles[k]
	command := p.prepareFor(d)
	switch {
	case command == "":
	case !simple:
		p.undone(p.Compose.Name, build.Line, "%s has to run %q before it is built; build.%s in beansprout.yaml may have it as prepare, with what is here", service, command, service)
	default:
		p.yaml.images = append(p.yaml.images, image{service, command, d.Context, d.within()})
	}
}

// leftovers takes what no source has taken, and names what isn't deployed.
func (p *planner) leftovers(source string) {
	if p.yaml.template != "" {
		p.yaml.instance, p.yaml.platform = defaultInstance, ecsPlatform
		if source == SourceCompose {
			p.yaml.platform = composePlatform
		}
		if p.cli.platform != "" && p.cli.platform != p.yaml.platform {
			p.note(p.CLI.Name, p.cli.platformLine, "the platform of the environments is %q, which runs %s, and not %q", p.yaml.platform, p.yaml.template, p.cli.platform)
		}
		if p.Procfile != nil {
			p.processes()
		}
	}
	if d := p.Dockerrun; d != nil && source != SourceDockerrun {
		if versionOf(d) == "3" && source == SourceCompose {
			p.yaml.include = slices.Insert(p.yaml.include, 0, d.Name)
			p.note(d.Name, 1, "goes into the bundle: it has the credentials for private images")
		} else {
			p.undone(d.Name, 1, "isn't deployed")
		}
	}
	if p.Compose != nil && source != SourceCompose {
		p.undone(p.Compose.Name, 1, "isn't deployed")
	}
	for _, name := range p.Saved {
		p.undone(name, 1, "a saved configuration can be what environments start from: environment.saved_configuration, in the place of platform, once eb config put has uploaded it")
	}
	if p.Manifest != nil {
		p.manifest()
	}
	if p.Deep {
		p.undone("", 0, "the directory has more than %d files: Dockerfiles further down were not looked for", maxEntries)
	}
}

// manifest takes the options of env.yaml.
func (p *planner) manifest() {
	root, err := parseYAML(p.Manifest)
	if err != nil {
		p.undone("", 0, "%v; it isn't deployed", err)
		return
	}
	options := mapping(root, "OptionSettings")
	for _, o := range optionsOf(options) {
		switch {
		case o.name == "":
		case strings.ContainsFunc(o.namespace+o.name+o.value, unicode.IsControl):
			p.undone(p.Manifest.Name, o.line, "%s has more than one line of text", o.name)
		case o.namespace == "aws:elasticbeanstalk:application:environment":
			p.variable(o.name, o.value)
		default:
			p.yaml.option(o.namespace, o.name, o.value)
		}
	}
	if options != nil {
		p.note(p.Manifest.Name, options.Line, "OptionSettings become environment.options and environment.variables")
	}
	if tier := mapping(mapping(root, "EnvironmentTier"), "Name"); tier != nil && tier.Value == "Worker" {
		p.undone(p.Manifest.Name, tier.Line, "environments of features are of the tier WebServer: a worker has no URL")
	}
}
