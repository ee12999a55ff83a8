// Package dockerrun turns a template and its values into what Beanstalk runs: a linted
// Dockerrun.aws.json (version 2), and the bundle that carries it.
//
// The template is parsed before anything is expanded, and placeholders are expanded inside its
// strings alone, once: no branch name, commit or author can change the shape of the document.
// The package is pure but for the files that it reads into a bundle.
package dockerrun

import (
	"encoding/json"
	"fmt"
)

// Template is a parsed Dockerrun template.
type Template struct {
	source
	values []value // in the order in which they stand; the first is the document
}

// Values are what the placeholders of a template stand for.
type Values struct {
	Images      map[string]string           // ${image.NAME}: a reference by digest
	Feature     string                      // ${feature}
	Commit      string                      // ${commit}
	Environment string                      // ${environment}: the environment's name
	URL         string                      // ${url}
	Values      map[string]any              // ${value.NAME}: text, numbers, true and false
	Env         func(string) (string, bool) // ${env.NAME}, like os.LookupEnv; nil knows none
}

// Parse reads a template. The name is what findings call it. A text that is not one JSON value
// in UTF-8, nests too deeply or has a key twice in one object is refused with Findings.
func Parse(name string, text []byte) (*Template, error) {
	r := &report{source: source{name, text, map[string]value{}}}
	if at, problem := invalid(text); problem != "" {
		r.places[""] = value{at: at}
		r.add("", "%s", problem)
		return nil, r.err()
	}
	values := scan(r)
	if err := r.err(); err != nil {
		return nil, err
	}
	return &Template{r.source, values}, nil
}

// Check finds what can be known to be wrong before anything is built: it expands and lints the
// template with stand-ins for all that is known only later. The error is of type Findings.
func (t *Template) Check(images []string, values map[string]any, env func(string) (string, bool)) error {
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
	})
	return err
}

// Expand returns the Dockerrun.aws.json that a template makes of the values. Equal templates and
// values give equal bytes. All that is wrong with either is returned at once, as Findings.
func (t *Template) Expand(v Values) ([]byte, error) {
	r := &report{source: t.source}
	x := expansion{report: r, known: v.known(), env: v.Env}
	text := x.document(t.values)
	var doc document
	// A value that r has a finding about is skipped here as well, and the others are read.
	if err := json.Unmarshal(text, &doc); err != nil && len(r.findings) == 0 {
		return nil, fmt.Errorf("read expanded %s: %w", t.name, err)
	}
	lint(doc, r)
	if err := r.err(); err != nil {
		return nil, err
	}
	return text, nil
}
