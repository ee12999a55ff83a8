package dockerrun

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Finding is one mistake in a template.
type Finding struct {
	File         string
	Line, Column int    // from 1; a column is a character
	Path         string // such as containerDefinitions[1].links[0]; empty for the document itself
	Message      string
}

func (f Finding) String() string {
	if f.Path == "" {
		return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s", f.File, f.Line, f.Column, f.Path, f.Message)
}

// Findings are all mistakes of a template, in the order in which they stand there. It is the
// error type of Parse, Check and Expand; its text has one line for each.
type Findings []Finding

func (f Findings) Error() string {
	lines := make([]string, len(f))
	for i, finding := range f {
		lines[i] = finding.String()
	}
	return strings.Join(lines, "\n")
}

// source is the text of a template, and what stands in it at each JSON path.
type source struct {
	name   string
	text   []byte
	places map[string]value
}

// place returns the offset of a path, or of what it would stand in when it is missing.
func (s source) place(path string) int {
	for path != "" {
		if v, ok := s.places[path]; ok {
			return v.at
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return s.places[""].at
}

// cite returns what the template says at a path. A message shows that, never what a placeholder
// expanded to: it may be secret.
func (s source) cite(path string) string {
	v, ok := s.places[path]
	if !ok {
		return "it is missing"
	}
	literal := s.text[v.start:v.end]
	if k := kindOf(literal); k == objects || k == lists {
		return string(k)
	}
	return string(literal)
}

func (s source) position(at int) (line, column int) {
	before := s.text[:at]
	line = 1 + bytes.Count(before, []byte("\n"))
	column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return line, column
}

// report collects the findings about one source.
type report struct {
	source
	findings Findings
}

func (r *report) add(path, format string, args ...any) {
	line, column := r.position(r.place(path))
	message := printable(fmt.Sprintf(format, args...))
	r.findings = append(r.findings, Finding{r.name, line, column, path, message})
}

// printable returns what a terminal may see of a text: a template is foreign input.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, s)
}

func (r *report) err() error {
	if len(r.findings) == 0 {
		return nil
	}
	slices.SortStableFunc(r.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return r.findings
}
