// Package jsonschema validates compose files by the schema that compose-go ships. It stands in for the
// module whose path it has (the main go.mod replaces it), because that one compiles every draft of JSON
// Schema whenever a program that links it starts.
//
// It knows what compose-go calls and the keywords of that one schema. Compile refuses any other keyword, so
// that a schema which needs more cannot go unnoticed.
package jsonschema

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// UnmarshalJSON decodes one JSON value.
func UnmarshalJSON(r io.Reader) (v any, err error) {
	return v, json.NewDecoder(r).Decode(&v)
}

// Compiler compiles schemas.
type Compiler struct{ documents map[string]any }

// NewCompiler returns a compiler without documents.
func NewCompiler() *Compiler { return &Compiler{map[string]any{}} }

// AddResource adds a document, which UnmarshalJSON has decoded, under a name.
func (c *Compiler) AddResource(name string, document any) error {
	c.documents[name] = document
	return nil
}

// Format is a format of text.
type Format struct {
	Name     string
	Validate func(any) error
}

// RegisterFormat does nothing: in draft 2020-12 the keyword format only describes.
func (c *Compiler) RegisterFormat(*Format) {}

// Compile returns the schema that a document is.
func (c *Compiler) Compile(name string) (*Schema, error) {
	d, ok := c.documents[name].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("compile %s: there is no such schema", name)
	}
	s := &Schema{d, object(d["$defs"]), map[string]*regexp.Regexp{}}
	if err := s.learn(d); err != nil {
		return nil, fmt.Errorf("compile %s: %w", name, err)
	}
	return s, nil
}

// ErrorKind is what is wrong with a value.
type ErrorKind interface {
	LocalizedString(*message.Printer) string
}

// ValidationError is what a schema has against a value: one mistake, or several causes.
type ValidationError struct {
	InstanceLocation []string
	ErrorKind        ErrorKind
	Causes           []*ValidationError
}

func (e *ValidationError) Error() string {
	if len(e.Causes) > 0 {
		return e.Causes[0].Error()
	}
	return fmt.Sprintf("%q: %s", e.InstanceLocation, e.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
}
