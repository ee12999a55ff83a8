// Package compose makes what Beanstalk's Docker platform runs from a compose file and its values: the
// docker-compose.yml of a bundle, linted against what Beanstalk does to it.
//
// The file is parsed before anything is replaced. Only placeholders of ours and the build sections are, each
// in its place; every other byte stays. The result is parsed again and must say what the file said but for
// them, so that no branch name, commit or value can change the structure. compose-go checks a copy.
package compose

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"beansprout/dockerrun"
)

// DocumentName is the name of the compose file in a bundle.
const DocumentName = "docker-compose.yml"

// File is a parsed compose file.
type File struct {
	doc        *document
	properties Properties
}

// Properties are the variables of an environment, which Beanstalk writes into .env beside the file.
type Properties struct {
	Variables map[string]string
	Secrets   []string // names of variables whose values only the instances know
	Partial   bool     // the environment may have other variables, too
}

// Parse parses a compose file. Findings show name as its file. The error has type dockerrun.Findings.
func Parse(name string, text []byte, p Properties) (*File, error) {
	d, err := read(name, text)
	if err != nil {
		return nil, err
	}
	return &File{d, p}, nil
}

// standIns are values for those that are known only later.
func (f *File) standIns(images []string, values map[string]any, env func(string) (string, bool)) dockerrun.Values {
	standIns := map[string]string{}
	for _, name := range images {
		standIns[name] = standInHost + "/image@sha256:0000000000000000000000000000000000000000000000000000000000000000"
	}
	return dockerrun.Values{
		Images: standIns, Feature: "feature", Commit: "0000000000000000000000000000000000000000",
		Environment: "environment", URL: "http://environment.invalid", Values: values, Env: env,
	}
}

// Report is what Check has found and not refused.
type Report struct {
	Warnings []dockerrun.Finding
	Private  []dockerrun.Finding // warnings that hold unless the bundle has a Dockerrun.aws.json
	Paths    []Path
	Pulled   []Image // images that are not built here
}

// Check finds mistakes before anything is built: it expands and lints the file with stand-ins for the
// values that are known only later. images are those that have another name than the service they are
// built for. The error has type dockerrun.Findings.
func (f *File) Check(images []string, values map[string]any, env func(string) (string, bool), port int) (Report, error) {
	v := f.standIns(append(f.Images(), images...), values, env)
	v.Port = port
	l, err := f.lint(v)
	if err != nil {
		return Report{}, err
	}
	return Report{l.warnings, l.private, l.paths, l.pulled}, nil
}

// Expand returns the docker-compose.yml of the file with the values. Equal files and values give
// equal bytes. The error has all mistakes, as dockerrun.Findings.
func (f *File) Expand(v dockerrun.Values) ([]byte, error) {
	l, err := f.lint(v)
	if err != nil {
		return nil, err
	}
	return l.text, nil
}

// expand returns the file with the values in the place of placeholders and build sections.
func (f *File) expand(v dockerrun.Values) (*document, error) {
	e := &editor{document: f.doc, becomes: map[*yaml.Node]*yaml.Node{}}
	e.replaceBuilds(f, v.Images)
	e.expandAll(f.doc.root, placeholdersOf(v))
	return e.result()
}

// lint expands the file and finds what is wrong with the result.
func (f *File) lint(v dockerrun.Values) (*linter, error) {
	after, err := f.expand(v)
	if err != nil {
		return nil, err
	}
	l := &linter{file: f, text: after.text, port: v.Port, findings: f.unknown()}
	l.document()
	if err := sorted(l.findings); err != nil {
		return nil, err
	}
	if l.project, err = f.compile(after, f.properties.lookup); err != nil {
		return nil, err
	}
	l.services()
	if err := sorted(l.findings); err != nil {
		return nil, err
	}
	slices.SortStableFunc(l.warnings, func(a, b dockerrun.Finding) int { return a.Line - b.Line })
	slices.SortFunc(l.paths, func(a, b Path) int { return strings.Compare(a.Name+a.At, b.Name+b.At) })
	return l, nil
}
