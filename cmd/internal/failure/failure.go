// Package failure is what an error means at the command line: the exit code, the hint about what to do
// next, and how it is printed for people and for programs.
package failure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"beansprout/cmd/internal/awsconfig"
	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/project/config"
	"beansprout/cmd/internal/terminal"
)

// The exit codes.
const (
	ExitFailed      = 1
	ExitUsage       = 2
	ExitInterrupted = 130
)

// usageError is a mistake in the command line or in what it names.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func Usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// hintedError is an error with a hint about what to do next.
type hintedError struct {
	error
	hint string
}

func (e hintedError) Unwrap() error { return e.error }

// WithHint returns err with a hint for the user about what to do next. The error's text stays the same.
func WithHint(err error, format string, args ...any) error {
	return hintedError{err, fmt.Sprintf(format, args...)}
}

// ExitCode returns the program's exit code for err.
func ExitCode(err error) int {
	var usage usageError
	var mistakes *config.Error
	var mistake *project.Error
	switch {
	case err == nil, OnlyUnread(err):
		return 0
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.Is(err, ErrTimeout):
		return ExitFailed
	case errors.As(err, &usage), errors.Is(err, awsconfig.ErrNoRegion), errors.As(err, &mistakes), errors.As(err, &mistake):
		return ExitUsage
	}
	return ExitFailed
}

// Render returns what is printed about err: its text, of which all lines but the first are
// indented, and a line for each hint. Nothing in it can steer a terminal.
func Render(err error) string {
	text := "error: " + err.Error()
	if ExitCode(err) == ExitInterrupted {
		text = strings.TrimSuffix("interrupted: "+err.Error(), ": "+context.Canceled.Error())
	}
	text = strings.TrimSpace(terminal.SanitizeLines(terminal.LocalTimes(text)))
	text = strings.ReplaceAll(text, "\n", "\n  ") + "\n"
	for _, h := range Hints(err) {
		text += "hint: " + terminal.Sanitize(h) + "\n"
	}
	return text
}

// Hints returns the hints in the tree of err, the outermost first, each once.
func Hints(err error) []string {
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
		for _, h := range Hints(e) {
			if !slices.Contains(all, h) {
				all = append(all, h)
			}
		}
	}
	return all
}

// ErrTimeout is reported when an operation takes longer than --timeout allows.
var ErrTimeout = errors.New("the time that --timeout gives is over")

// OnlyUnread reports whether err says only that the reader of the output has closed it, like head.
func OnlyUnread(err error) bool {
	switch e := err.(type) {
	case interface{ Unwrap() []error }:
		return !slices.ContainsFunc(e.Unwrap(), func(one error) bool { return !OnlyUnread(one) })
	case interface{ Unwrap() error }:
		return OnlyUnread(e.Unwrap())
	}
	return err == terminal.ErrReaderLeft
}
