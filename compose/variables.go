package compose

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/template"
	"go.yaml.in/yaml/v3"
)

// variables warns of variables of the environment that no service can see, and of those that compose replaces
// with nothing.
func (l *linter) variables() {
	read := map[string]*yaml.Node{} // by name: where the file first names the variable
	all := false
	for _, s := range l.project.Services {
		for _, f := range s.EnvFiles {
			all = all || path.Clean(f.Path) == ".env"
		}
		for name, value := range s.Environment {
			if value == nil {
				read[name] = nil
			}
		}
	}
	unset := map[string]*yaml.Node{}
	for _, e := range entries(l.file.doc.root) {
		if e.name != "configs" && e.name != "secrets" {
			l.substituted(e.value, read, unset)
			continue
		}
		for _, object := range entries(e.value) {
			if l.uses(e.name, object.name) {
				l.substituted(object.value, read, unset)
			}
		}
	}
	p := l.file.properties
	for _, name := range append(slices.Sorted(maps.Keys(p.Variables)), p.Secrets...) {
		if _, seen := read[name]; !seen && !all && !strings.HasPrefix(name, "COMPOSE_") {
			l.warn(l.at("services"), "services", "no service can see the variable %s of the environment; want env_file: .env, or %s under environment:", name, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unset)) {
		if _, known := p.lookup(name); !known && !p.Partial {
			l.warn(entry{key: unset[name]}, "", "${%s} becomes nothing: environment.variables doesn't have it, and a .env beside the file is not deployed", name)
		}
	}
}

// substituted adds the variables that compose replaces in the values below a node, but for build sections; to
// unset those without a default.
func (l *linter) substituted(n *yaml.Node, read, unset map[string]*yaml.Node) {
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "$") {
		for name, v := range template.ExtractVariables(map[string]any{"": within.ReplaceAllString(n.Value, "")}, template.DefaultPattern) {
			if read[name] == nil {
				read[name] = n
			}
			if v.DefaultValue == "" && v.PresenceValue == "" && !v.Required && unset[name] == nil && !strings.Contains(n.Value, "${"+name+":-") && !strings.Contains(n.Value, "${"+name+"-") {
				unset[name] = n
			}
		}
	}
	for i, c := range n.Content {
		isValue := n.Kind != yaml.MappingNode || i%2 == 1
		if isValue && (i == 0 || n.Kind != yaml.MappingNode || n.Content[i-1].Value != "build") {
			l.substituted(c, read, unset)
		}
	}
}
