package config

import (
	"errors"

	"github.com/goccy/go-yaml/token"
)

// maxDepth is how many brackets may stand within brackets, and how many keys and dashes
// on one line outside them: the parser is recursive.
const maxDepth = 16

// unwanted are parts of YAML that no configuration needs and that make a small file mean a
// huge one, or another one than it seems.
var unwanted = map[token.Type]string{
	token.AnchorType:     "anchors (&) are not understood here; write the value wherever it is needed",
	token.AliasType:      "aliases (*) are not understood here; write the value out, or put it in quotes if it is text",
	token.MergeKeyType:   "merge keys (<<) are not understood here; write the keys out",
	token.TagType:        "tags (!) are not understood here; put the value in quotes if it is text",
	token.DirectiveType:  "directives (%) are not understood here; leave the line out",
	token.MappingKeyType: `keys are written as "key: value" here, without "?"`,
}

// checkTokens refuses what is unwanted, and says where.
func checkTokens(tokens token.Tokens) (place, error) {
	begun := false // the document, by its first token
	var n nesting
	for _, t := range tokens {
		if message, ok := unwanted[t.Type]; ok {
			return position(t), errors.New(message)
		}
		if t.Type == token.DocumentHeaderType && begun {
			return position(t), errors.New("a second document begins here (---); the file holds one")
		}
		if n.add(t); n.brackets > maxDepth || n.marks > maxDepth {
			return position(t), errors.New("this is nested too deeply")
		}
		begun = begun || t.Type != token.CommentType
	}
	return place{}, nil
}

// nesting counts how deep a token lies.
type nesting struct{ line, marks, brackets int }

func (n *nesting) add(t *token.Token) {
	if line := t.Position.Line; line != n.line {
		n.line, n.marks = line, 0
	}
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		n.brackets++
	case token.SequenceEndType, token.MappingEndType:
		n.brackets = max(n.brackets-1, 0)
	case token.SequenceEntryType, token.MappingValueType:
		if n.brackets == 0 {
			n.marks++
		}
	}
}
