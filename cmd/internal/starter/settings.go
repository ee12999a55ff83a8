package starter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"beansprout/cmd/internal/project/config"
	"beansprout/pattern"
)

// settings are what beansprout.yaml will say.
type settings struct {
	application, region string
	images              []image
	artifact, prepare   string
	platform            string // "" for the default
	copyFrom            string // an environment whose settings may be copied
	copyBranch          string // that is deployed to it
	instance            string // its type
	profile, role       string
	options             map[string]map[string]string
	variables           map[string]string
	check               string // a path, "" for the default
	template            string // "" for none
	include             []string
	memory              int // of each container, in MiB; 0 where the template says it
	after               string
}

// image is one under build.
type image struct{ name, prepare, context, dockerfile string }

func (s *settings) option(namespace, name, value string) {
	if s.options == nil {
		s.options = map[string]map[string]string{}
	}
	if s.options[namespace] == nil {
		s.options[namespace] = map[string]string{}
	}
	s.options[namespace][name] = value
}

// text returns beansprout.yaml.
func (s *settings) text() string {
	b := &strings.Builder{}
	b.WriteString(config.SchemaLine + "\n")
	b.WriteString("# What beansprout up makes of each feature branch. An editor that knows the schema shows every key.\n")
	fmt.Fprintf(b, "application: %s\n", scalar(s.application))
	line(b, "", "region", s.region)
	if len(s.images) > 0 {
		b.WriteString("build:\n")
		for _, i := range s.images {
			i.write(b)
		}
	}
	line(b, "", "artifact", s.artifact)
	line(b, "", "prepare", s.prepare)
	s.writeEnvironment(b)
	s.writeBundle(b)
	fmt.Fprintf(b, "expire: {after: %s} # then beansprout janitor removes it\n", s.after)
	return b.String()
}

func (i image) write(b *strings.Builder) {
	if i.prepare == "" && i.context == "." && i.dockerfile == "Dockerfile" {
		fmt.Fprintf(b, "  %s: {} # the Dockerfile beside this file\n", scalar(i.name))
		return
	}
	fmt.Fprintf(b, "  %s:\n", scalar(i.name))
	line(b, "    ", "prepare", i.prepare)
	line(b, "    ", "context", i.context)
	line(b, "    ", "dockerfile", i.dockerfile)
}

func (s *settings) writeEnvironment(b *strings.Builder) {
	b.WriteString("environment:\n")
	line(b, "  ", "platform", s.platform)
	if s.copyFrom != "" {
		comment := "in the place of platform: starts with the settings of the environment of the branch " + s.copyBranch
		fmt.Fprintf(b, "  # copy_from: %s # %s\n", scalar(s.copyFrom), oneLine(comment))
	}
	line(b, "  ", "instance_type", s.instance)
	line(b, "  ", "instance_profile", s.profile)
	line(b, "  ", "service_role", s.role)
	if len(s.options) > 0 {
		b.WriteString("  options:\n")
		for _, namespace := range slices.Sorted(maps.Keys(s.options)) {
			fmt.Fprintf(b, "    %s: %s\n", quoted(namespace), flow(s.options[namespace]))
		}
	}
	if len(s.variables) > 0 {
		fmt.Fprintf(b, "  variables: %s\n", flow(s.variables))
	}
	if s.check != "" {
		fmt.Fprintf(b, "  check: {path: %s}\n", quoted(s.check))
	} else {
		b.WriteString("  # check: {path: /healthz} # the request that decides whether the application is up\n")
	}
}

func (s *settings) writeBundle(b *strings.Builder) {
	if s.template == "" && len(s.include) == 0 {
		return
	}
	b.WriteString("dockerrun:\n")
	line(b, "  ", "template", s.template)
	if len(s.include) > 0 {
		var names []string
		for _, name := range s.include {
			names = append(names, quoted(name))
		}
		fmt.Fprintf(b, "  include: [%s]\n", strings.Join(names, ", "))
	}
	if s.memory > 0 {
		fmt.Fprintf(b, "  values: {memory: %d} # MiB for each container\n", s.memory)
	}
}

// line writes a key with a value, if there is one.
func line(b *strings.Builder, indent, key, value string) {
	if value != "" {
		fmt.Fprintf(b, "%s%s: %s\n", indent, key, scalar(value))
	}
}

// flow returns a mapping in one line.
func flow(m map[string]string) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, quoted(key)+": "+quoted(m[key]))
	}
	return "{" + strings.Join(all, ", ") + "}"
}

var (
	plainText  = pattern.New(`^\.?[A-Za-z/][A-Za-z0-9 ._/@=&-]*[A-Za-z0-9._/-]$`)
	simpleWord = pattern.New(`^\.$|^\.?[A-Za-z/_][A-Za-z0-9./_-]*$`)
	notText    = pattern.New(`^(?i:true|false|yes|no|on|off|null|y|n|[.](inf|nan))$`)
)

// scalar returns a text as YAML reads it outside brackets: as it is, if that is safe, or in quotes.
func scalar(s string) string {
	if plainText.MatchString(s) && !notText.MatchString(s) {
		return s
	}
	return quoted(s)
}

// quoted returns a text as YAML reads it anywhere: in quotes, unless it is a simple word.
func quoted(s string) string {
	if simpleWord.MatchString(s) && !notText.MatchString(s) {
		return s
	}
	return strings.TrimSuffix(jsonText(s, ""), "\n")
}

// jsonText returns a value as JSON that people read, with a line break at its end.
func jsonText(v any, indent string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	_ = e.Encode(v) // texts and numbers in a buffer can't fail
	return b.String()
}

func isGraphic(r rune) bool { return unicode.IsGraphic(r) }

// oneLine returns a text for a comment.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
