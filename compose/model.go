package compose

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"

	"beansprout/dockerrun"
	"beansprout/pattern"
)

// logVariable is a variable of Beanstalk's own: the folder of the instance where each service has one for its logs.
const logVariable, logFolder = "EB_LOG_BASE_DIR", "/var/log/eb-docker/containers"

// lookup returns the value of a variable as the instances have it in .env; that of a secret is made up, as one that numbers, ports and names may have.
func (p Properties) lookup(name string) (string, bool) {
	if value, ok := p.Variables[name]; ok {
		return value, true
	}
	switch {
	case name == logVariable:
		return logFolder, true
	case slices.Contains(p.Secrets, name):
		return "1", true
	}
	return "", false
}

// Written returns what is read of a variable's value in .env, as Beanstalk writes it.
func Written(name, value string) (string, error) {
	all, err := dotenv.Parse(strings.NewReader(name + "=" + strings.ReplaceAll(value, "$", "$$") + "\n"))
	read, ok := all[name]
	if err == nil && !ok {
		err = fmt.Errorf("it has another name than %s", name)
	}
	return read, err
}

// substitute returns how compose's variables are replaced. One that must be set is, where the environment may
// have variables that are not known.
func (p Properties) substitute(s string, variables template.Mapping) (string, error) {
	for {
		text, err := template.Substitute(s, variables)
		missing, ok := errors.AsType[*template.MissingRequiredError](err)
		if !ok || !p.Partial {
			return text, err
		}
		known := variables
		variables = func(name string) (string, bool) {
			if name == missing.Variable {
				return "1", true
			}
			return known(name)
		}
	}
}

// compile returns the document as compose reads it, with its own defaults and nothing from any file.
func compile(model map[string]any, p Properties, lookup func(string) (string, bool)) (*types.Project, error) {
	profiles, _ := p.lookup("COMPOSE_PROFILES")
	return loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  "/",
		ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Config: model}},
		Environment: types.Mapping{},
	}, func(o *loader.Options) {
		o.SetProjectName("beansprout", true)
		o.SkipInclude, o.SkipNormalization, o.ResolvePaths = true, true, false
		o.SkipResolveEnvironment, o.SkipResolveLabels = true, true
		o.Interpolate.LookupValue, o.Interpolate.Substitute = lookup, p.substitute
		if profiles != "" {
			o.Profiles = strings.Split(profiles, ",")
		}
	})
}

// compile returns the document as compose reads it, or a finding where it doesn't.
func (f *File) compile(d *document, lookup func(string) (string, bool)) (*types.Project, error) {
	model, err := d.model()
	if err != nil {
		return nil, d.syntax(err)
	}
	project, err := compile(model, f.properties, lookup)
	if err == nil {
		return project, nil
	}
	return nil, dockerrun.Findings{f.explain(model, err, lookup)}
}

var (
	messagePath   = pattern.New(`\b(?:services|networks|volumes|configs|secrets)\.[^\s:'"]+`)
	unknownKeys   = pattern.New(`additional properties '([^']+)'`)
	needsVariable = pattern.New(`required variable (\S+) is missing a value(?:: (.*))?`)
)

// explain returns compose's error where in the template it belongs.
func (f *File) explain(model map[string]any, err error, lookup func(string) (string, bool)) dockerrun.Finding {
	message, _, _ := strings.Cut(err.Error(), "\n")
	message = strings.TrimPrefix(message, "validating compose.yaml: ")
	where := strings.TrimRight(messagePath.FindString(message), ".")
	if where == "" {
		where = f.blame(model, err, lookup)
	}
	at, _ := f.doc.locate(where)
	message = strings.TrimLeft(strings.TrimPrefix(message, where), " :")
	message = strings.TrimSuffix(message, ": invalid compose project")
	if m := unknownKeys.FindStringSubmatch(message); m != nil {
		if key := child(at.value, m[1]); key.key != nil {
			at = key
		}
		message = fmt.Sprintf("unknown key %q", m[1])
	}
	switch m := needsVariable.FindStringSubmatch(message); {
	case m != nil:
		message = fmt.Sprintf("needs the variable %s, and environment.variables doesn't have it", m[1])
		if m[2] != "" {
			message += ": " + m[2]
		}
	case strings.HasPrefix(message, "invalid interpolation format"):
		message = "has a ${ that compose can't read; for the text $ write $$"
	}
	return f.doc.finding(at.key, where, "%s", message)
}

// blame finds what a message doesn't name: the key of a service without which compose has no complaint, or
// another one.
func (f *File) blame(model map[string]any, err error, lookup func(string) (string, bool)) (where string) {
	services, _ := model["services"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(services)) {
		service, _ := services[name].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(service)) {
			less, other := maps.Clone(service), maps.Clone(services)
			delete(less, key)
			other[name] = less
			tried := maps.Clone(model)
			tried["services"] = other
			_, after := compile(tried, f.properties, lookup)
			if after == nil {
				return "services." + name + "." + key
			}
			if where == "" && after.Error() != err.Error() {
				where = "services." + name + "." + key
			}
		}
	}
	return where
}
