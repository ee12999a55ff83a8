package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// maxProblems is how many problems are told of one file.
const maxProblems = 20

// Error is what is wrong with a file, in the order of the file, each as
// "file:line:column: what, and what would be right".
type Error struct{ Problems []error }

func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems.
func (e *Error) Unwrap() []error { return e.Problems }

// place is where something stands in a file: line and column in characters, from 1.
type place struct{ line, column int }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.line, q.line), cmp.Compare(p.column, q.column))
}

type problem struct {
	place
	text string
}

// document is one file while it is read.
type document struct {
	file     string
	set      map[string]value // what the file sets, by path
	problems []problem
}

func (d *document) fail(at place, format string, args ...any) {
	d.problems = append(d.problems, problem{at, fmt.Sprintf(format, args...)})
}

// at returns the position as it stands in front of messages.
func (d *document) at(p place) string {
	return fmt.Sprintf("%s:%d:%d", d.file, max(p.line, 1), max(p.column, 1))
}

func (d *document) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b problem) int { return a.place.compare(b.place) })
	e := &Error{}
	for i, p := range d.problems {
		if i == maxProblems {
			e.Problems = append(e.Problems, fmt.Errorf("%s: %d more", d.file, len(d.problems)-i))
			break
		}
		e.Problems = append(e.Problems, fmt.Errorf("%s: %s", d.at(p.place), p.text))
	}
	return e
}

// cause takes the operation and the path off an error of package os, for a message that
// names the path already.
func cause(err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		return inner.Err
	}
	return err
}
