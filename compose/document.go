package compose

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"beansprout/dockerrun"
	"beansprout/spelling"
)

// document is the text of a compose file and its tree, whose parser is a sibling of compose's own.
type document struct {
	name  string
	text  []byte
	root  *yaml.Node // a mapping
	lines []int      // where each line begins, in bytes
}

// lineStarts returns where the lines of a text begin, as the parser counts them.
func lineStarts(text []byte) []int {
	starts := []int{0}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		i += size
		switch {
		case r == '\r' && i < len(text) && text[i] == '\n':
		case r == '\n', r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
			starts = append(starts, i)
		}
	}
	return starts
}

// offset returns where a node begins, in bytes; its anchor and tag count.
func (d *document) offset(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(d.lines) {
		return len(d.text)
	}
	at := d.lines[n.Line-1]
	for column := 1; column < n.Column && at < len(d.text); column++ {
		_, size := utf8.DecodeRune(d.text[at:])
		at += size
	}
	return at
}

// span returns where a node's own text begins, behind its anchor and tag, and where it ends. ok is
// false where the text is not what the parser has made of it.
func (d *document) span(n *yaml.Node) (start, end int, ok bool) {
	start = d.skipProperties(d.offset(n))
	switch {
	case n.Kind == yaml.AliasNode:
		return start, start + len("*") + len(n.Value), true
	case n.Kind == yaml.ScalarNode:
		end, ok = d.scalarEnd(n, start)
		return start, end, ok
	}
	end = start
	for _, child := range n.Content {
		if _, end, ok = d.span(child); !ok {
			return start, end, false
		}
	}
	if n.Style&yaml.FlowStyle == 0 {
		return start, end, len(n.Content) > 0
	}
	end, ok = d.closing(max(end, start+1))
	return start, end, ok
}

// skipProperties returns where the text behind the anchor and tag at a place begins.
func (d *document) skipProperties(at int) int {
	for at < len(d.text) && (d.text[at] == '&' || d.text[at] == '!') {
		for at < len(d.text) && !unicode.IsSpace(rune(d.text[at])) {
			at++
		}
		at = d.skipBlanks(at)
	}
	return at
}

func (d *document) skipBlanks(at int) int {
	for at < len(d.text) && strings.IndexByte(" \t\r\n", d.text[at]) >= 0 {
		at++
	}
	return at
}

// scalarEnd returns where a scalar ends whose text begins at start.
func (d *document) scalarEnd(n *yaml.Node, start int) (end int, ok bool) {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		for i := start + 1; i < len(d.text); i++ {
			switch d.text[i] {
			case '\\':
				i++
			case '"':
				return i + 1, true
			}
		}
		return start, false
	case n.Style&yaml.SingleQuotedStyle != 0:
		for i := start + 1; i < len(d.text); i++ {
			if d.text[i] != '\'' {
				continue
			}
			if i+1 == len(d.text) || d.text[i+1] != '\'' {
				return i + 1, true
			}
			i++
		}
		return start, false
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		header := bytes.IndexByte(d.text[start:], '\n')
		if header < 0 {
			return len(d.text), n.Value == ""
		}
		return d.wordsEnd(n.Value, start+header)
	}
	return d.wordsEnd(n.Value, start)
}

// wordsEnd returns where the words of a value end that stand in the text from a place on, with any
// blanks between them.
func (d *document) wordsEnd(value string, at int) (end int, ok bool) {
	for _, word := range strings.FieldsFunc(value, isBlank) {
		if at = d.skipBlanks(at); !bytes.HasPrefix(d.text[at:], []byte(word)) {
			return at, false
		}
		at += len(word)
	}
	return at, true
}

func isBlank(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }

// closing returns the end of the bracket that closes a flow collection behind its last element.
func (d *document) closing(at int) (end int, ok bool) {
	for ; at < len(d.text); at++ {
		switch d.text[at] {
		case ']', '}':
			return at + 1, true
		case '#':
			if line := bytes.IndexByte(d.text[at:], '\n'); line >= 0 {
				at += line
			}
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return at, false
		}
	}
	return at, false
}

// finding returns a mistake at a node. A column is a character.
func (d *document) finding(n *yaml.Node, path, format string, args ...any) dockerrun.Finding {
	line, column := 1, 1
	if n != nil && n.Line > 0 {
		line, column = n.Line, n.Column
	}
	return dockerrun.Finding{File: d.name, Line: line, Column: column, Path: path, Message: printable(fmt.Sprintf(format, args...))}
}

// printable replaces unprintable characters, because a compose file is foreign input.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, s)
}

// sorted returns findings in the order of the text as an error, each once; nil when there are none.
func sorted(all []dockerrun.Finding) error {
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b dockerrun.Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return dockerrun.Findings(slices.Compact(all))
}

// resolve follows aliases.
func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// entry is a key of a mapping, or an element of a sequence, and its value.
type entry struct {
	key   *yaml.Node // of an element, the element
	name  string     // of an element, its number
	value *yaml.Node
}

// entries returns what a mapping has, with what it merges and doesn't have itself, or the elements of a sequence.
func entries(n *yaml.Node) []entry {
	n = resolve(n)
	var all, merged []entry
	switch {
	case n == nil:
	case n.Kind == yaml.SequenceNode:
		for i, element := range n.Content {
			all = append(all, entry{element, strconv.Itoa(i), element})
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if key.ShortTag() != "!!merge" {
				all = append(all, entry{key, key.Value, value})
				continue
			}
			sources := []*yaml.Node{value}
			if s := resolve(value); s.Kind == yaml.SequenceNode {
				sources = s.Content
			}
			for _, s := range sources {
				merged = append(merged, entries(s)...)
			}
		}
	}
	for _, m := range merged {
		if !slices.ContainsFunc(all, func(e entry) bool { return e.name == m.name }) {
			all = append(all, m)
		}
	}
	return all
}

// child returns the entry of a mapping with a name, or the zero one.
func child(n *yaml.Node, name string) entry {
	for _, e := range entries(n) {
		if e.name == name {
			return e
		}
	}
	return entry{}
}

// find returns the entry at the path of names, or the last one on the way to it.
func (d *document) find(names ...string) entry {
	at := entry{d.root, "", d.root}
	for _, name := range names {
		next := child(at.value, name)
		if next.key == nil {
			break
		}
		at = next
	}
	return at
}

// locate returns the entry at a path as messages of compose have it, "services.web.ports.0", or the
// last one on the way to it, and what of the path is beyond it.
func (d *document) locate(path string) (at entry, beyond string) {
	at = entry{d.root, "", d.root}
	for path != "" {
		var next entry
		for _, e := range entries(at.value) {
			if rest, ok := strings.CutPrefix(path, e.name); ok && (rest == "" || strings.ContainsRune(".[", rune(rest[0]))) && len(e.name) >= len(next.name) {
				next = e
			}
		}
		if next.key == nil {
			return at, path
		}
		at, path = next, strings.TrimLeft(path[len(next.name):], ".[]")
	}
	return at, ""
}

// suggestion returns the end of a message about an unknown word: the one that was probably meant, or
// all known ones if they are few.
func suggestion(word string, known []string) string {
	slices.Sort(known)
	if nearest := spelling.Nearest(word, known); nearest != "" {
		return "; did you mean " + nearest + "?"
	}
	if len(known) == 0 || len(known) > 10 {
		return ""
	}
	return "; known are " + strings.Join(known, ", ")
}
