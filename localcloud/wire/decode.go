package wire

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parameters arrive as a tree of map[string]any, []any and leaves. The leaves are string, bool and
// json.Number in JSON, and always formText in a form.
type formText string

// decoder fills one In struct from a tree and collects the violations of its rules.
type decoder struct {
	violations []violation
	unread     []violation // members that the operation does not know; reported first
}

// errKind is reported for a leaf or branch of the wrong kind. The dialect words it as AWS does.
var errKind = errors.New("wrong type")

func decode(m *model, into reflect.Value, params any, d dialect) error {
	var dec decoder
	if err := dec.fill(m, into, params, ""); err != nil {
		return d.malformed(err)
	}
	if all := append(dec.unread, dec.violations...); len(all) > 0 {
		return d.invalid(all)
	}
	return nil
}

func (d *decoder) fill(m *model, v reflect.Value, node any, path string) error {
	switch m.kind {
	case pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.fill(m.elem, v.Elem(), node, path)
	case object:
		return d.object(m, v, node, path)
	case list:
		return d.list(m, v, node, path)
	}
	if err := leaf(m.kind, v, node); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (d *decoder) object(m *model, v reflect.Value, node any, path string) error {
	fields, ok := node.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: %w", cmp.Or(path, "parameters"), errKind)
	}
	for _, mem := range m.members {
		at := join(path, lowerFirst(mem.name))
		given, ok := fields[mem.name]
		if !ok || given == nil {
			if mem.rules.required {
				d.violations = append(d.violations, violation{at, "null", missingMember})
			}
			continue
		}
		field := v.FieldByIndex(mem.index)
		if err := d.fill(mem.model, field, given, at); err != nil {
			return err
		}
		d.check(mem.rules, field, at)
	}
	d.refuseRest(m, fields, path)
	return nil
}

// refuseRest refuses the members that the operation does not read: nothing that a client sends is
// ignored.
func (d *decoder) refuseRest(m *model, given map[string]any, path string) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		read := slices.ContainsFunc(m.members, func(mem member) bool { return mem.name == name })
		if read || given[name] == nil {
			continue
		}
		value := "null"
		if text, ok := given[name].(formText); ok {
			value = fmt.Sprintf("'%s'", text)
		}
		d.unread = append(d.unread, violation{join(path, lowerFirst(name)), value, unreadMember})
	}
}

func (d *decoder) list(m *model, v reflect.Value, node any, path string) error {
	if node == formText("") { // a form writes an empty list like this
		node = []any{}
	}
	entries, ok := node.([]any)
	if !ok {
		return fmt.Errorf("%s: %w", path, errKind)
	}
	v.Set(reflect.MakeSlice(v.Type(), len(entries), len(entries)))
	for i, e := range entries {
		if err := d.fill(m.elem, v.Index(i), e, fmt.Sprintf("%s.%d.member", path, i+1)); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) check(r rules, v reflect.Value, path string) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	for _, constraint := range r.broken(v) {
		d.violations = append(d.violations, violation{path, fmt.Sprintf("'%v'", v.Interface()), constraint})
	}
}

func leaf(k kind, v reflect.Value, node any) error {
	switch k {
	case text:
		return textLeaf(v, node)
	case truth:
		return truthLeaf(v, node)
	case instant:
		return instantLeaf(v, node)
	}
	return numberLeaf(k, v, node)
}

func textLeaf(v reflect.Value, node any) error {
	switch s := node.(type) {
	case string:
		v.SetString(s)
	case formText:
		v.SetString(string(s))
	default:
		return errKind
	}
	return nil
}

func truthLeaf(v reflect.Value, node any) error {
	switch b := node.(type) {
	case bool:
		v.SetBool(b)
	case formText:
		if b != "true" && b != "false" {
			return errKind
		}
		v.SetBool(b == "true")
	default:
		return errKind
	}
	return nil
}

func numberLeaf(k kind, v reflect.Value, node any) error {
	digits, err := numeral(node)
	if err != nil {
		return err
	}
	if k == decimal {
		f, err := strconv.ParseFloat(digits, 64)
		v.SetFloat(f)
		return err
	}
	n, err := strconv.ParseInt(digits, 10, v.Type().Bits())
	v.SetInt(n)
	return err
}

// instantLeaf reads ISO 8601 from a form and seconds since 1970 from JSON.
func instantLeaf(v reflect.Value, node any) error {
	if s, ok := node.(formText); ok {
		t, err := time.Parse(time.RFC3339Nano, string(s))
		v.Set(reflect.ValueOf(t))
		return err
	}
	digits, err := numeral(node)
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseFloat(digits, 64)
	if err == nil && math.Abs(seconds) > 1e11 {
		err = errKind
	}
	v.Set(reflect.ValueOf(time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()))
	return err
}

func numeral(node any) (string, error) {
	switch n := node.(type) {
	case json.Number:
		return n.String(), nil
	case formText:
		return string(n), nil
	}
	return "", errKind
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func lowerFirst(s string) string { return strings.ToLower(s[:min(len(s), 1)]) + s[min(len(s), 1):] }
