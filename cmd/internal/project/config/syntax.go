package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"beansprout/pattern"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of what the parser is given: it is recursive, and slower than linear in places.
const (
	maxSize  = 64 << 10 // bytes of a file
	maxDepth = 16       // brackets within brackets, and keys and dashes on one line outside them
)

// unsupported are parts of YAML that no configuration needs, and with which a small file can mean
// a huge one, or something else than it seems to.
var unsupported = map[token.Type]string{
	token.AnchorType:     "anchors (&) are not understood here; write the value wherever it is needed",
	token.AliasType:      "aliases (*) are not understood here; write the value out, or put it in quotes if it is text",
	token.MergeKeyType:   "merge keys (<<) are not understood here; write the keys out",
	token.TagType:        "tags (!) are not understood here; put the value in quotes if it is text",
	token.DirectiveType:  "directives (%) are not understood here; leave the line out",
	token.MappingKeyType: `keys are written as "key: value" here, without "?"`,
}

// tree returns the tree of a text, nil when it holds nothing; or where it is not the YAML that is
// supported, and why.
func tree(text []byte) (ast.Node, place, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if at, err := checkText(text); err != nil {
		return nil, at, err
	}
	lexed := lexer.Tokenize(string(text))
	if at, err := checkSyntax(lexed); err != nil {
		return nil, at, err
	}
	file, err := parser.Parse(lexed, 0)
	if err != nil {
		at, err := explainSyntax(err)
		return nil, at, err
	}
	var root ast.Node
	for _, doc := range file.Docs {
		if root != nil && doc.Body != nil {
			return nil, placeOf(doc.Body), errors.New("a second document begins here; the file holds one")
		}
		if root == nil {
			root = doc.Body
		}
	}
	return root, place{}, nil
}

// checkText refuses what no YAML may have, before it gets into any message.
func checkText(text []byte) (place, error) {
	if bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) {
		return place{1, 1}, errors.New("the file is UTF-16; save it as UTF-8")
	}
	at := place{1, 1}
	for i, r := range string(text) {
		switch {
		case r == utf8.RuneError && !bytes.HasPrefix(text[i:], []byte("\ufffd")):
			return at, fmt.Errorf("the byte 0x%02X is not UTF-8; save the file as UTF-8", text[i])
		case forbidden(r):
			return at, fmt.Errorf("the file has the control character %U", r)
		case r == '\n':
			at = place{at.line + 1, 0}
		}
		at.column++
	}
	return at, nil
}

// forbidden reports whether neither a file nor a value may have the character. An escape such as
// "\x1b" could put one into a value.
func forbidden(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

// checkSyntax refuses what is not supported, and what is nested too deeply for the parser.
func checkSyntax(lexed token.Tokens) (place, error) {
	begun := false // the document, by its first token
	line, marks, brackets := 0, 0, 0
	for _, t := range lexed {
		if message, ok := unsupported[t.Type]; ok {
			return position(t), errors.New(message)
		}
		if t.Position.Line != line {
			line, marks = t.Position.Line, 0
		}
		switch t.Type {
		case token.DocumentHeaderType:
			if begun {
				return position(t), errors.New("a second document begins here (---); the file holds one")
			}
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets = max(brackets-1, 0)
		case token.SequenceEntryType, token.MappingValueType:
			if brackets == 0 {
				marks++
			}
		}
		if brackets > maxDepth || marks > maxDepth {
			return position(t), errors.New("this is nested too deeply")
		}
		begun = begun || t.Type != token.CommentType
	}
	return place{}, nil
}

var twice = pattern.New(`^mapping key (".*") already defined at \[(\d+):\d+\]$`)

// explainSyntax returns the place of the parser's error, and the most frequent of its messages in
// words that say what to do.
func explainSyntax(err error) (at place, explained error) {
	message := err.Error()
	if e := yaml.Error(nil); errors.As(err, &e) {
		message = e.GetMessage()
		if e.GetToken() != nil {
			at = position(e.GetToken())
		}
	}
	m := twice.FindStringSubmatch(message)
	switch {
	case m != nil:
		message = fmt.Sprintf("the key %s is there twice, first in line %s", m[1], m[2])
	case strings.Contains(message, "'\t'") || strings.Contains(message, "tab character"):
		message = "a tab can't indent in YAML; use spaces"
	case strings.Contains(message, "could not find map value"):
		message = "a key here has no value; put text that begins with # in quotes"
	case strings.Contains(message, "mapping value is not allowed"):
		message = `a key can't stand here; indent it as its neighbours are, or put text that holds ": " in quotes`
	}
	return at, errors.New(message)
}
