package wire

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// model describes a Go type for decoding and encoding. It is made once per operation.
type model struct {
	kind    kind
	members []member // of an object
	elem    *model   // of a list or pointer
}

type kind int

const (
	text kind = iota
	truth
	whole
	decimal
	instant
	object
	list
	pointer
)

// member is one field of an object.
type member struct {
	name  string
	index []int
	omit  bool // leave a nil list out
	rules rules
	model *model
}

var timeType = reflect.TypeFor[time.Time]()

func modelOf(t reflect.Type) *model {
	if t == timeType {
		return &model{kind: instant}
	}
	switch t.Kind() {
	case reflect.String:
		return &model{kind: text}
	case reflect.Bool:
		return &model{kind: truth}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return &model{kind: whole}
	case reflect.Float64:
		return &model{kind: decimal}
	case reflect.Pointer:
		return &model{kind: pointer, elem: modelOf(t.Elem())}
	case reflect.Slice:
		return &model{kind: list, elem: modelOf(t.Elem())}
	case reflect.Struct:
		return &model{kind: object, members: membersOf(t)}
	}
	panic(fmt.Sprintf("wire: a parameter cannot be a %s", t))
}

// membersOf returns the fields of a struct in order, with those of an embedded struct in its place.
func membersOf(t reflect.Type) []member {
	var ms []member
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous && f.Type.Kind() == reflect.Pointer {
			panic(fmt.Sprintf("wire: %s embeds a pointer", t))
		}
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		m := member{name: name, index: f.Index, omit: options == "omitempty", model: modelOf(f.Type)}
		m.rules = rulesOf(t, f)
		ms = append(ms, m)
	}
	return ms
}
