package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A reader reads a value that is more than a single one or a list of them, and reports what is
// wrong with it.
type reader struct {
	read  func(value)
	shape func() schema // of what is read
}

// read reads the value of a key that is no section.
func (k key) read(v value) {
	switch into := k.into.(type) {
	case reader:
		into.read(v)
	case *[]string, *[]SSH:
		for _, e := range v.list() {
			e.single(k.into, k.check)
		}
	case *[]StatusRange:
		values := []value{v}
		if _, ok := v.node.(*ast.SequenceNode); ok {
			values = v.list()
		}
		if *into = nil; len(values) == 0 {
			v.fail("want at least one HTTP status, as in 200-399")
		}
		for _, e := range values {
			e.single(into, k.check)
		}
	default:
		v.single(into, k.check)
	}
}

// single reads a single value into a field.
func (v value) single(into any, check check) {
	s, ok := v.scalar()
	if !ok {
		return
	}
	switch into.(type) {
	case *string, *[]string, *[]SSH:
		if !v.isText() {
			v.fail("want text, not %s; write %q", kindOf(v.node), s)
			return
		}
	case *bool, *int:
		if v.isText() {
			v.fail("want %s, not %s", check.wants, quote(s))
			return
		}
		s = v.number(s)
	default:
		s = v.number(s)
	}
	if err := check.set(into, s); err != nil {
		v.fail("%v", err)
	}
}

// number returns the spelling of a number that all have in common, and other texts as they are.
func (v value) number(s string) string {
	if kindOf(v.node) == kindNumber {
		return decimal(s)
	}
	return s
}

// set sets a field to what a text means, or adds that to a list, if the text passes the check.
func (c check) set(into any, s string) (err error) {
	if err := c.test(s); err != nil {
		return err
	}
	switch into := into.(type) {
	case *string:
		*into = s
	case *bool:
		*into = strings.EqualFold(s, "true")
	case *int:
		*into, err = strconv.Atoi(s)
	case *int64:
		*into, err = parseSize(s)
	case *Duration:
		*into, err = ParseDuration(s)
	case *[]string:
		*into = append(*into, s)
	case *[]SSH:
		*into = append(*into, parseAgent(s))
	case *[]StatusRange:
		var r StatusRange
		r, err = parseStatus(s)
		*into = append(*into, r)
	default:
		err = fmt.Errorf("no text can be read into a %T", into)
	}
	return err
}

// agents makes the check of a list of agents, in which each id stands once.
func agents() check {
	seen := map[string]bool{}
	rules := []schema{matching(`^[^=]*[^=`+spaces+`][^=]*(?:$|=)`, "want default, an id, or an id with a path, as in deploy=/run/agent.sock"),
		matching(`^[^=]*(?:$|=[^,]*[^,`+spaces+`][^,]*(?:,[^,]*[^,`+spaces+`][^,]*)*$)`, "a path is empty"), matching(`^[^\n\t]*$`, "want one line without tabs")}
	return check{rules: rules, test: func(s string) error {
		a := parseAgent(s)
		twice := seen[a.ID]
		seen[a.ID] = true
		if err := checkLine.test(a.ID); err != nil {
			return fmt.Errorf("the id %w; want default, an id, or an id with a path, as in deploy=/run/agent.sock", err)
		}
		for _, path := range a.Paths {
			if err := checkLine.test(path); err != nil {
				return fmt.Errorf("the path behind %s= %w", a.ID, err)
			}
		}
		if twice {
			return fmt.Errorf("the id %s is there twice", quote(a.ID))
		}
		return nil
	}}
}

// scalars reads a map of single values, each as the file spells it.
func scalars(into *map[string]string, name, content check) reader {
	return reader{func(v value) { *into = v.scalars(name, content) }, func() schema { return mapping(name, spelled(content)) }}
}

// maxVariables is how many bytes all variables may have as name=value (developer guide,
// "Environment properties").
const maxVariables = 4096

func variables(into *map[string]string) reader {
	r := scalars(into, checkVariable, checkValue)
	r.read = func(v value) {
		*into = v.scalars(checkVariable, checkValue)
		size := 0
		for name, content := range *into {
			size += len(name) + len("=") + len(content)
		}
		if size > maxVariables {
			v.fail("the variables have %d bytes as name=value; Beanstalk takes %d", size, maxVariables)
		}
	}
	return r
}

func options(into *map[string]map[string]string) reader {
	return reader{func(v value) {
		for _, e := range v.named(checkNamespace) {
			(*into)[e.name] = e.scalars(checkLine, checkValue)
		}
	}, func() schema { return mapping(checkNamespace, mapping(checkLine, spelled(checkValue))) }}
}

func placeholders(into *map[string]any) reader {
	return reader{func(v value) {
		for name, s := range v.scalars(checkValueName, anything) {
			(*into)[name] = s
		}
	}, func() schema { return mapping(checkValueName, spelled(anything)) }}
}

// args reads build arguments. One without a value has the environment's, as in compose files.
func args(i *Image) reader {
	return reader{func(v value) {
		for _, e := range v.named(checkArgument) {
			if e.empty() {
				i.EnvArgs = append(i.EnvArgs, e.name)
			} else {
				i.Args[e.name], _ = e.scalar()
			}
		}
	}, func() schema { return mapping(checkArgument, orNothing(spelled(anything))) }}
}

func secrets(i *Image) reader {
	const within = "build.NAME.secrets[]."
	return reader{func(v value) {
		for _, e := range v.list() {
			var s Secret
			problems := len(v.doc.problems)
			e.section(secretKeys(&s), within)
			if len(v.doc.problems) == problems && (s.ID == "" || (s.File == "") == (s.Env == "")) {
				e.fail(`want an id, and either a file or an env, as in {id: npmrc, file: .npmrc}`)
			}
			i.Secrets = append(i.Secrets, s)
		}
	}, func() schema {
		element := section(secretKeys(&Secret{}), within)
		element["type"] = "object"
		element["required"] = []string{"id"}
		element["oneOf"] = []schema{{"required": []string{"file"}}, {"required": []string{"env"}}}
		return schema{"type": []string{"array", "null"}, "items": element}
	}}
}

func images(into *[]Image) reader {
	const within = "build.NAME."
	return reader{func(v value) {
		for _, e := range v.named(checkImageName) {
			i := NewImage(e.name)
			e.section(imageKeys(&i), within)
			*into = append(*into, i)
		}
	}, func() schema { return mapping(checkImageName, section(imageKeys(&Image{}), within)) }}
}

// NewImage returns an image with the defaults.
func NewImage(name string) Image {
	i := Image{Name: name, Args: map[string]string{}}
	setDefaults(imageKeys(&i))
	return i
}

func healthCheck(env *Environment) reader {
	const within = "environment.check."
	return reader{func(v value) {
		if s, ok := v.node.(*ast.StringNode); ok && s.Value == "off" {
			env.Check.Off = true
			return
		}
		if _, ok := v.node.(ast.MapNode); !ok {
			v.fail(`want off, or keys as in {path: /healthz, status: 200-399, timeout: 2m}, not %s`, kindOf(v.node))
			return
		}
		v.section(environmentKeys(env), within)
	}, func() schema {
		keys := section(environmentKeys(env), within)
		keys["type"] = "object"
		return schema{"anyOf": []schema{{"const": "off"}, keys}}
	}}
}
