package dockerrun

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// part is a piece of a string: text that is meant as it stands, or the name in a placeholder.
type part struct {
	text        string
	placeholder bool
}

var errUnterminated = errors.New("a ${ has no }; for the text ${ write $${")

// split takes a string apart at its placeholders. In it, $${ is the text ${.
func split(s string) ([]part, error) {
	var parts []part
	for s != "" {
		before, after, found := strings.Cut(s, "${")
		if !found {
			return append(parts, part{text: s}), nil
		}
		if strings.HasSuffix(before, "$") {
			parts, s = append(parts, part{text: before + "{"}), after
			continue
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return nil, errUnterminated
		}
		if before != "" {
			parts = append(parts, part{text: before})
		}
		parts, s = append(parts, part{name, true}), rest
	}
	return parts, nil
}

// known returns what all placeholders stand for, by name, except ${env.NAME}.
func (v Values) known() map[string]any {
	known := map[string]any{"feature": v.Feature, "commit": v.Commit, "environment": v.Environment, "url": v.URL}
	for name, image := range v.Images {
		known["image."+name] = image
	}
	for name, value := range v.Values {
		known["value."+name] = value
	}
	return known
}

// part returns the text that a part stands for. It is not expanded again.
func (x *expansion) part(p part) (string, error) {
	if !p.placeholder {
		return p.text, nil
	}
	if variable, ok := strings.CutPrefix(p.text, "env."); ok {
		return x.variable(variable)
	}
	value, ok := x.known[p.text]
	if !ok {
		return "", fmt.Errorf("unknown placeholder ${%s}%s", p.text, suggestion(p.text, x.known))
	}
	s, ok := scalar(value)
	if !ok {
		return "", fmt.Errorf("${%s} is neither text nor a number nor true or false", p.text)
	}
	return s, nil
}

func (x *expansion) variable(name string) (string, error) {
	if x.env != nil {
		if value, ok := x.env(name); ok {
			return value, nil
		}
	}
	return "", fmt.Errorf("${env.%s}: this environment variable is not set", name)
}

// scalar returns as text what beansprout.yaml may give as a value; lists and maps it may not.
func scalar(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool, int, int64, uint64:
		return fmt.Sprint(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	default:
		return "", false
	}
}
