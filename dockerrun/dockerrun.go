// Package dockerrun makes what Beanstalk runs from a template and its values: a linted
// Dockerrun.aws.json (version 2), and the bundle with it.
//
// The template is parsed before anything is expanded, and placeholders are expanded only inside
// its strings and only once, so that no branch name, commit or author can change the structure of
// the document. The only input besides the arguments are the files of a bundle.
package dockerrun

import (
	"cmp"
	"encoding/json"
	"fmt"
)

// Template is a parsed Dockerrun template.
type Template struct {
	source source
	values []value // in the order of the text; the first is the document
}

// Values are the values of a template's placeholders.
type Values struct {
	Images      map[string]string           // ${image.NAME}: a reference by digest
	Feature     string                      // ${feature}
	Commit      string                      // ${commit}
	Environment string                      // ${environment}: the environment's name
	URL         string                      // ${url}
	Values      map[string]any              // ${value.NAME}: text, numbers, true and false
	Env         func(string) (string, bool) // ${env.NAME}, like os.LookupEnv; nil has no variables

	Port int // of the instance, to which requests are sent; 0 is 80, AnyPort is unknown
}

// AnyPort is an unknown Values.Port: one container must be on any port of the instance.
const AnyPort = -1

// Parse parses a template. Findings show name as its file. Parse refuses with Findings a text that
// is not one JSON value in UTF-8, that nests too deeply or that has a key twice in one object.
func Parse(name string, text []byte) (*Template, error) {
	r := &report{source: source{name, text, map[string]value{}}}
	if at, problem := invalid(text); problem != "" {
		r.source.places[""] = value{at: at}
		r.add("", "%s", problem)
		return nil, r.err()
	}
	values := scan(r)
	if err := r.err(); err != nil {
		return nil, err
	}
	return &Template{r.source, values}, nil
}

// Check finds mistakes before anything is built: it expands and lints the template with stand-ins
// for the values that are known only later. The error is of type Findings.
func (t *Template) Check(images []string, values map[string]any, env func(string) (string, bool), port int) error {
	standIns := make(map[string]string, len(images))
	for _, name := range images {
		standIns[name] = "registry.invalid/image:stand-in"
	}
	_, err := t.Expand(Values{
		Images:      standIns,
		Feature:     "feature",
		Commit:      "0000000000000000000000000000000000000000",
		Environment: "environment",
		URL:         "http://environment.invalid",
		Values:      values,
		Env:         env,
		Port:        port,
	})
	return err
}

// Expand returns the Dockerrun.aws.json of a template with the values. Equal templates and values
// give equal bytes. The error has all mistakes, as Findings.
func (t *Template) Expand(v Values) ([]byte, error) {
	r := &report{source: t.source}
	x := expansion{report: r, known: v.known(), env: v.Env}
	text := x.document(t.values)
	var doc document
	// Unmarshal skips the values that already have a finding, and reads the others.
	if err := json.Unmarshal(text, &doc); err != nil && len(r.findings) == 0 {
		return nil, fmt.Errorf("read expanded %s: %w", t.source.name, err)
	}
	lint(doc, cmp.Or(v.Port, 80), r)
	if err := r.err(); err != nil {
		return nil, err
	}
	return text, nil
}
