package compose

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"beansprout/dockerrun"
	"beansprout/pattern"
)

// An edit replaces a part of the text.
type edit struct {
	start, end int
	text       string
}

// editor changes single nodes of a document and leaves all other bytes as they are.
type editor struct {
	*document
	edits    []edit
	becomes  map[*yaml.Node]*yaml.Node // what nodes are to be after the edits
	early    []*yaml.Node              // build sections, which are read before anything is known of a deploy
	findings []dockerrun.Finding
}

// replace writes a text, without the node's anchor, in the place of a node, which becomes the scalar.
func (e *editor) replace(n *yaml.Node, text string, scalar yaml.Node) {
	start, end, ok := e.span(n)
	if !ok {
		e.findings = append(e.findings, e.finding(n, "", `can't be replaced in its place; write it on one line, in "double quotes"`))
		return
	}
	scalar.Kind, scalar.Anchor = yaml.ScalarNode, n.Anchor
	e.edits = append(e.edits, edit{start, end, text})
	e.becomes[n] = &scalar
}

// replaceText replaces a node by a text in double quotes, in which compose substitutes nothing.
func (e *editor) replaceText(n *yaml.Node, text string) {
	e.replace(n, quote(text), yaml.Node{Tag: "!!str", Value: text})
}

// replaceEntry replaces a key and its value by others. An anchor of the value stays.
func (e *editor) replaceEntry(key, value *yaml.Node, name, text string) {
	e.rename(key, name)
	e.replaceText(value, text)
	if n := len(e.edits); value.Anchor == "" && value.Style&yaml.TaggedStyle == 0 && len(e.findings) == 0 {
		e.edits = append(e.edits[:n-2], edit{e.edits[n-2].start, e.edits[n-1].end, name + ": " + quote(text)})
	}
}

// rename changes the name of a key.
func (e *editor) rename(key *yaml.Node, name string) {
	e.replace(key, name, yaml.Node{Tag: "!!str", Value: name})
}

// document returns the document after the edits. It refuses edits after which the file doesn't say what
// it said before but for them.
func (e *editor) result() (*document, error) {
	if err := sorted(e.findings); err != nil {
		return nil, err
	}
	slices.SortFunc(e.edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	var out bytes.Buffer
	at := 0
	for _, edit := range e.edits {
		if edit.start < at {
			return nil, e.refuse(e.at(edit.start), "can't be replaced in its place, which something else replaces")
		}
		out.Write(e.text[at:edit.start])
		out.WriteString(edit.text)
		at = edit.end
	}
	out.Write(e.text[at:])
	after, err := read(e.name, out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("replace the placeholders of %s: %w", e.name, err)
	}
	if n := e.difference(e.root, after.root); n != nil {
		return nil, e.refuse(n, `can't be replaced in its place without changing something else; write it on one line, in "double quotes"`)
	}
	return after, nil
}

// difference returns the first node that is not in the result as it was or as it is to be; nil if all are.
func (e *editor) difference(was, is *yaml.Node) *yaml.Node {
	want := was
	if to := e.becomes[was]; to != nil {
		want = to
	}
	if want.Kind != is.Kind || want.Value != is.Value || want.Anchor != is.Anchor || len(want.Content) != len(is.Content) ||
		want.Kind != yaml.AliasNode && want.ShortTag() != is.ShortTag() && was.Style&yaml.TaggedStyle == 0 {
		return was
	}
	for i, c := range want.Content {
		if n := e.difference(c, is.Content[i]); n != nil {
			return n
		}
	}
	return nil
}

// quote returns a text in YAML's double quotes.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\ufeff', !unicode.IsPrint(r) && r < 0x10000:
			fmt.Fprintf(&b, `\u%04X`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// placeholders are the values of what stands in ${...} in a file and is ours.
type placeholders struct {
	known   map[string]string
	env     func(string) (string, bool)
	isEarly bool
}

// placeholdersOf returns all placeholders.
func placeholdersOf(v dockerrun.Values) placeholders {
	known := map[string]string{
		"beansprout.feature": v.Feature, "beansprout.commit": v.Commit,
		"beansprout.environment": v.Environment, "beansprout.url": v.URL,
	}
	for name, image := range v.Images {
		known["image."+name] = image
	}
	for name, value := range v.Values {
		known["value."+name] = fmt.Sprint(value)
	}
	return placeholders{known, v.Env, false}
}

// early returns those that are known before an image is built.
func (p placeholders) early() placeholders {
	known := maps.Clone(p.known)
	maps.DeleteFunc(known, func(name, _ string) bool { return !strings.HasPrefix(name, "value.") })
	return placeholders{known, p.env, true}
}

var (
	// ownName matches what begins in ${ like one of ours. Names of compose's variables have no dot.
	ownName = pattern.New(`^[A-Za-z_][A-Za-z0-9_]*\.`)
	within  = pattern.New(`\$\{(image|value|env|beansprout)\.`)
)

// expand returns a text with the values of its placeholders. replaced is false where it has none. What is
// compose's, $$ and ${X:-y}, stays; a $ in a value is doubled, because compose would read it.
func (p placeholders) expand(s string) (text string, replaced bool, err error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "$")
		b.WriteString(before)
		switch {
		case !found:
			return b.String(), replaced, nil
		case strings.HasPrefix(after, "$"):
			b.WriteString("$$")
			s = after[1:]
			continue
		case !strings.HasPrefix(after, "{"):
			b.WriteByte('$')
			s = after
			continue
		}
		inner, rest := braces(after)
		if ownName.MatchString(inner[1:]) {
			value, err := p.value(strings.TrimSuffix(inner[1:], "}"))
			if err != nil {
				return "", false, err
			}
			b.WriteString(strings.ReplaceAll(value, "$", "$$"))
			s, replaced = rest, true
			continue
		}
		if within.MatchString(inner) {
			return "", false, errors.New("a placeholder can't be inside another ${...}")
		}
		b.WriteString("$" + inner)
		s = rest
	}
}

// braces splits a text that begins with a { behind the } that closes it.
func braces(s string) (inner, rest string) {
	depth := 0
	for i, r := range s {
		switch r {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return s[:i+1], s[i+1:]
			}
		}
	}
	return s, ""
}

func (p placeholders) value(name string) (string, error) {
	if variable, ok := strings.CutPrefix(name, "env."); ok {
		if p.env != nil {
			if value, ok := p.env(variable); ok {
				return value, nil
			}
		}
		return "", fmt.Errorf("${%s}: this environment variable is not set", name)
	}
	value, ok := p.known[name]
	if !ok && p.isEarly && within.MatchString("${"+name) {
		return "", fmt.Errorf("${%s} is not known when images are built; want ${value.NAME} or ${env.NAME}", name)
	}
	if !ok {
		return "", fmt.Errorf("unknown placeholder ${%s}%s", name, suggestion(name, slices.Collect(maps.Keys(p.known))))
	}
	return value, nil
}

// literal matches what YAML reads as the number or truth that it looks like.
var literal = pattern.New(`^(0|-?[1-9][0-9]{0,17}|true|false)$`)

// expandAll replaces the placeholders in the scalars of a node, but for the keys and what has been replaced.
func (e *editor) expandAll(n *yaml.Node, p placeholders) {
	if e.becomes[n] != nil {
		return
	}
	if slices.Contains(e.early, n) {
		p = p.early()
	}
	if n.Kind == yaml.ScalarNode {
		e.expandScalar(n, p)
	}
	for i, c := range n.Content {
		if n.Kind != yaml.MappingNode || i%2 == 1 {
			e.expandAll(c, p)
		} else if within.MatchString(c.Value) {
			e.findings = append(e.findings, e.finding(c, "", "a placeholder may be in a value, but not in a key"))
		}
	}
}

func (e *editor) expandScalar(n *yaml.Node, p placeholders) {
	text, replaced, err := p.expand(n.Value)
	plain := n.Style&^yaml.TaggedStyle == 0 && literal.MatchString(text)
	switch {
	case err != nil:
		e.findings = append(e.findings, e.finding(n, "", "%v", err))
	case !replaced:
	case plain && (strings.HasPrefix(n.Value, "${value.") || strings.HasPrefix(n.Value, "${env.")):
		tag := "!!int"
		if text == "true" || text == "false" {
			tag = "!!bool"
		}
		e.replace(n, text, yaml.Node{Tag: tag, Value: text})
	default:
		e.replaceText(n, text)
	}
}
