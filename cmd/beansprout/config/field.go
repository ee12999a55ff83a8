package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/goccy/go-yaml/ast"
)

// text takes in a string that passes the check.
func text(into *string, check check) field {
	return func(v value) {
		s, ok := v.text()
		if !ok {
			return
		}
		if err := check(s); err != nil {
			v.fail("%v", err)
			return
		}
		*into = s
	}
}

// scalars takes in free keys with single values, each as the file spells it.
func scalars(into *map[string]string, name, content check) field {
	return func(v value) {
		*into = map[string]string{}
		for _, e := range v.entries() {
			s, ok := e.scalar()
			e.doc.set[e.path] = e.value
			if ok && e.passes(name) {
				if err := content(s); err != nil {
					e.fail("%v", err)
				}
				(*into)[e.name] = s
			}
		}
	}
}

// passes checks the name of a free key.
func (e entry) passes(name check) bool {
	if err := name(e.name); err != nil {
		e.doc.fail(e.key, "%s: the name %v", e.path, err)
		return false
	}
	return true
}

// texts takes in a list of strings.
func texts(into *[]string, check check) field {
	return func(v value) {
		*into = nil
		for _, e := range v.list() {
			var s string
			text(&s, check)(e)
			*into = append(*into, s)
		}
	}
}

// duration takes in a duration within limits.
func duration(into *Duration, least, most Duration) field {
	return func(v value) {
		s, ok := v.scalar()
		if !ok {
			return
		}
		d, err := ParseDuration(s)
		switch {
		case err != nil:
			v.fail("%v", err)
		case d < least:
			v.fail("%s is too short; want at least %s", s, least)
		case d > most:
			v.fail("%s is too long; want at most %s", s, most)
		default:
			*into = d
		}
	}
}

// number takes in a whole number within limits.
func number(into *int, least, most int) field {
	return func(v value) {
		s, ok := v.scalar()
		if !ok {
			return
		}
		n, err := strconv.Atoi(s)
		_, plain := v.node.(*ast.IntegerNode)
		if err != nil || !plain || n < least || n > most {
			v.fail("want a whole number from %d to %d, not %s", least, most, quote(s))
			return
		}
		*into = n
	}
}

// truth takes in true or false.
func truth(into *bool) field {
	return func(v value) {
		if b, ok := v.node.(*ast.BoolNode); ok {
			*into = b.Value
		} else if s, ok := v.scalar(); ok {
			v.fail("want true or false, not %s", quote(s))
		}
	}
}

// mostBytes is more than anybody has in a folder.
const mostBytes = 1 << 50

// size takes in a number of bytes.
func size(into *int64) field {
	return func(v value) {
		s, ok := v.scalar()
		if !ok {
			return
		}
		n, err := parseSize(s)
		if err != nil {
			v.fail("%v", err)
			return
		}
		*into = n
	}
}

// parseSize reads a number of bytes: "200MB" is 200 million, "1.5GiB" counts in powers of 1,024.
func parseSize(s string) (int64, error) {
	parse := units.FromHumanSize
	if strings.Contains(s, "i") {
		parse = units.RAMInBytes
	}
	n, err := parse(s)
	if err != nil || n < 0 || n > mostBytes {
		return 0, fmt.Errorf("%s is no size; want one such as 200MB or 1.5GiB", quote(s))
	}
	return n, nil
}

// quote quotes what a file says for a message, in a length that one can read.
func quote(s string) string {
	const most = 100
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
