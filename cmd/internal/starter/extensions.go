package starter

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"beansprout/pattern"
)

// extensions takes .ebextensions and .platform into the bundle, but for files that would fail the deploy.
func (p *planner) extensions() {
	if p.yaml.artifact != "" {
		if len(p.Extensions) > 0 && path.Ext(p.yaml.artifact) != ".zip" {
			p.undone(p.Extensions[0].Name, 0, "the folder is deployed only if the build puts it into the root of %s", p.yaml.artifact)
		}
		p.notesOfExtensions()
		return
	}
	fine := p.notesOfExtensions()
	switch {
	case len(fine) == 0:
	case len(fine) == len(p.Extensions):
		p.yaml.include = append(p.yaml.include, ".ebextensions")
		p.note(".ebextensions", 0, "goes into the bundle")
	default:
		p.yaml.include = append(p.yaml.include, fine...)
	}
	if p.HasPlatform {
		p.yaml.include = append(p.yaml.include, ".platform")
		p.note(".platform", 0, "goes into the bundle")
	}
	if p.Nginx != "" {
		p.undone(p.Nginx, 0, "no nginx runs before the containers: what it does has to be in the application or in a container")
	}
}

// notesOfExtensions returns the files that fit the platform, and notes what is in the way of the others.
func (p *planner) notesOfExtensions() (fine []string) {
	for _, f := range p.Extensions {
		root, err := parseYAML(&f)
		if err != nil {
			p.undone("", 0, "%v; it is left out", err)
			continue
		}
		if p.optionsFit(f, mapping(root, "option_settings")) {
			fine = append(fine, f.Name)
		}
	}
	return fine
}

// proxyOptions are namespaces of the proxy that platforms without containers run.
var proxyOptions = pattern.New(`^aws:elasticbeanstalk:(container:|environment:proxy(:|$))`)

// optionsFit reports whether a file's options exist on the platform.
func (p *planner) optionsFit(f File, options *yaml.Node) bool {
	fits := true
	for _, o := range optionsOf(options) {
		switch {
		case p.yaml.artifact == "" && proxyOptions.MatchString(o.namespace):
			p.undone(f.Name, o.line, "%s has no options on a platform of containers; the file is left out: move what else it does into another one", o.namespace)
			fits = false
		case strings.HasSuffix(o.namespace, "environment:process:default") && o.name == "HealthCheckPath", o.name == "Application Healthcheck URL":
			p.checkPath(f.Name, o.line, o.value)
		}
	}
	return fits
}

// checkPath has up ask for the path that a file names as that of the application's health.
func (p *planner) checkPath(file string, line int, value string) {
	if _, after, ok := strings.Cut(value, "://"); ok {
		_, after, _ = strings.Cut(after, "/")
		value = "/" + after
	}
	if i := strings.Index(value, "/"); i > 0 { // HTTP:80/health
		value = value[i:]
	}
	if !pathShape.MatchString(value) || p.yaml.check != "" {
		return
	}
	p.yaml.check = value
	p.note(file, line, "%s tells whether the application is up", value)
}

var pathShape = pattern.New(`^/[A-Za-z0-9._~/?&=%+-]+$`)

// option is one of option_settings.
type option struct {
	namespace, name, value string
	line                   int
}

// optionsOf returns the options of a file, which has them by namespace or as a list.
func optionsOf(n *yaml.Node) (all []option) {
	switch {
	case n == nil:
	case n.Kind == yaml.SequenceNode:
		for _, e := range n.Content {
			if o := (option{text(e, "namespace"), text(e, "option_name"), text(e, "value"), e.Line}); o.namespace != "" {
				all = append(all, o)
			}
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			namespace, values := n.Content[i], n.Content[i+1]
			all = append(all, option{namespace: namespace.Value, line: namespace.Line})
			if values.Kind != yaml.MappingNode {
				continue
			}
			for k := 0; k+1 < len(values.Content); k += 2 {
				all = append(all, option{namespace.Value, values.Content[k].Value, values.Content[k+1].Value, values.Content[k].Line})
			}
		}
	}
	return all
}

// text returns a text of a mapping, "" where it has none of that key.
func text(n *yaml.Node, key string) string {
	if v := mapping(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}
