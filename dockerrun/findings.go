package dockerrun

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"beansprout/spelling"
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

// Findings are all mistakes of a template, in the order of its text. It is the error type of
// Parse, Check and Expand; its text has one line for each.
type Findings []Finding

func (f Findings) Error() string {
	lines := make([]string, len(f))
	for i, finding := range f {
		lines[i] = finding.String()
	}
	return strings.Join(lines, "\n")
}

// source is the text of a template and its values by JSON path.
type source struct {
	name   string
	text   []byte
	places map[string]value
}

// place returns the offset of a path. When the path is missing, it returns that of its parent.
func (s source) place(path string) int {
	for path != "" {
		if v, ok := s.places[path]; ok {
			return v.at
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return s.places[""].at
}

// cite returns the template's text at a path. A message shows that and never the value of a
// placeholder, which may be secret.
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
	source   source
	findings Findings
}

func (r *report) add(path, format string, args ...any) {
	line, column := r.source.position(r.source.place(path))
	message := printable(fmt.Sprintf(format, args...))
	r.findings = append(r.findings, Finding{r.source.name, line, column, path, message})
}

// printable replaces unprintable characters, because a template is foreign input.
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

// suggestion returns the end of a message about an unknown word: the one that was probably meant,
// or all known ones if they are few.
func suggestion[V any](word string, known map[string]V) string {
	words := slices.Sorted(maps.Keys(known))
	if nearest := spelling.Nearest(word, words); nearest != "" {
		return "; did you mean " + nearest + "?"
	}
	if len(words) == 0 || len(words) > 10 {
		return ""
	}
	return "; known are " + strings.Join(words, ", ")
}
