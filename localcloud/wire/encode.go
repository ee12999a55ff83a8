package wire

import (
	"reflect"
	"time"
)

// Answers are trees of fields, []any and leaves (string, bool, int64, float64, time.Time). Each
// protocol writes them in its own form.
type fields []field

type field struct {
	name  string
	value any
}

// encode returns the tree of v. It is nil for what is absent: a nil pointer, an empty string that
// no pointer refers to, a zero time, struct{}. A nil list is empty, and absent only if its field is
// tagged `json:",omitempty"`.
func (m *model) encode(v reflect.Value) any {
	switch m.kind {
	case pointer:
		if v.IsNil() {
			return nil
		}
		return m.elem.always(v.Elem())
	case text:
		if v.Len() == 0 {
			return nil
		}
	case instant:
		if v.IsZero() {
			return nil
		}
	case object:
		if len(m.members) == 0 {
			return nil
		}
	}
	return m.always(v)
}

func (m *model) always(v reflect.Value) any {
	switch m.kind {
	case text:
		return v.String()
	case truth:
		return v.Bool()
	case whole:
		return v.Int()
	case decimal:
		return v.Float()
	case instant:
		return v.Interface().(time.Time)
	case list:
		return m.entries(v)
	case object:
		return m.fields(v)
	}
	return m.encode(v)
}

func (m *model) entries(v reflect.Value) []any {
	out := make([]any, 0, v.Len())
	for i := range v.Len() {
		out = append(out, m.elem.always(v.Index(i)))
	}
	return out
}

func (m *model) fields(v reflect.Value) fields {
	out := make(fields, 0, len(m.members))
	for _, mem := range m.members {
		f := v.FieldByIndex(mem.index)
		if mem.omit && mem.model.kind == list && f.IsNil() {
			continue
		}
		if value := mem.model.encode(f); value != nil {
			out = append(out, field{mem.name, value})
		}
	}
	return out
}
