package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// maxSize in bytes keeps a hostile file from costing more than a moment: the parser is
// slower than linear in places.
const maxSize = 64 << 10

// read returns what the file holds.
func read(path string) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err == nil && len(text) > maxSize {
		err = fmt.Errorf("is larger than %d KiB, which no %s needs to be", maxSize>>10, Name)
	}
	return text, err
}

// read turns text into its root value; false when it is no YAML of the kind that is
// wanted here, which is then among the problems.
func (d *document) read(text []byte) (value, bool) {
	root := value{doc: d, key: place{1, 1}}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	if at, err := checkText(text); err != nil {
		d.fail(at, "%v", err)
		return root, false
	}
	tokens := lexer.Tokenize(string(text))
	if at, err := checkTokens(tokens); err != nil {
		d.fail(at, "%v", err)
		return root, false
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		at, message := syntax(err)
		d.fail(at, "%s", message)
		return root, false
	}
	for _, doc := range file.Docs {
		if root.node != nil && doc.Body != nil {
			d.fail(placeOf(doc.Body), "a second document begins here; the file holds one")
			return root, false
		}
		root.node = cmp.Or(root.node, doc.Body)
	}
	return root, true
}

// checkText refuses what YAML itself does, before it gets into any message.
func checkText(text []byte) (place, error) {
	if bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) {
		return place{1, 1}, errors.New("the file is UTF-16; save it as UTF-8")
	}
	at := place{1, 1}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			return at, fmt.Errorf("the byte 0x%02X is not UTF-8; save the file as UTF-8", text[i])
		case forbidden(r):
			return at, fmt.Errorf("the file has the control character %U", r)
		case r == '\n':
			at = place{at.line + 1, 0}
		}
		at.column++
		i += n
	}
	return at, nil
}

// syntax returns the place and the message of the parser's error.
func syntax(err error) (place, string) {
	e := yaml.Error(nil)
	if !errors.As(err, &e) {
		return place{}, err.Error()
	}
	if e.GetToken() == nil {
		return place{}, plain(e.GetMessage())
	}
	return position(e.GetToken()), plain(e.GetMessage())
}

var twice = regexp.MustCompile(`^mapping key (".*") already defined at \[(\d+):\d+\]$`)

// plain says the parser's most frequent messages in words that tell what to do.
func plain(message string) string {
	if m := twice.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("the key %s is there twice, first in line %s", m[1], m[2])
	}
	switch {
	case strings.Contains(message, "'\t'") || strings.Contains(message, "tab character"):
		return "a tab can't indent in YAML; use spaces"
	case strings.Contains(message, "could not find map value"):
		return "a key here has no value; put text that begins with # in quotes"
	case strings.Contains(message, "mapping value is not allowed"):
		return `a key can't stand here; indent it as its neighbours are, or put text that holds ": " in quotes`
	}
	return message
}
