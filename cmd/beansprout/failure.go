package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"beansprout/cmd/beansprout/config"
)

// The exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// usageError is a mistake in the command line or in what it names.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usageErrorf(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// hintedError is an error whose reader is told what to do next.
type hintedError struct {
	error
	hint string
}

func (e hintedError) Unwrap() error { return e.error }

// hint returns err with the next step for whoever reads it; the error's own text stays.
func hint(err error, format string, args ...any) error {
	return hintedError{err, fmt.Sprintf(format, args...)}
}

// exitCode is what the program ends with after err.
func exitCode(err error) int {
	var usage usageError
	var mistakes *config.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage), errors.As(err, &mistakes):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}

// render returns what is printed about err: its text, of which all lines but the first are
// indented, and a line for each hint. Nothing in it can steer a terminal.
func render(err error) string {
	text := "error: " + err.Error()
	if exitCode(err) == exitInterrupted {
		text = strings.TrimSuffix("interrupted: "+err.Error(), ": "+context.Canceled.Error())
	}
	text = strings.TrimSpace(sanitizeLines(text))
	text = strings.ReplaceAll(text, "\n", "\n  ") + "\n"
	for _, h := range hints(err) {
		text += "hint: " + sanitize(h) + "\n"
	}
	return text
}

// hints returns the hints in the tree of err, the outermost first, each once.
func hints(err error) []string {
	var all []string
	if h, ok := err.(hintedError); ok {
		all = append(all, h.hint)
	}
	var inner []error
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		inner = []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		inner = e.Unwrap()
	}
	for _, e := range inner {
		for _, h := range hints(e) {
			if !slices.Contains(all, h) {
				all = append(all, h)
			}
		}
	}
	return all
}

// escapes are the sequences by which a terminal is steered: CSI, and OSC and its like when
// they end. One that doesn't end must not take the text behind it along.
var escapes = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\x1b[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\x07\x1b\u009c]*(?:\x07|\x1b\\\\|\u009c)|\x1b[ -/]*[0-~]")

// sanitize makes one line of s that a terminal prints and doesn't obey.
func sanitize(s string) string {
	s = escapes.ReplaceAllString(strings.ToValidUTF8(s, "\ufffd"), "")
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
}

// sanitizeLines is sanitize for text of several lines. A carriage return ends a line, so
// that nothing overwrites what stands before it.
func sanitizeLines(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = sanitize(strings.ReplaceAll(line, "\t", "    "))
	}
	return strings.Join(lines, "\n")
}
