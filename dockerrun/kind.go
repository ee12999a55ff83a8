package dockerrun

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
)

// kind is what a JSON value is, in the words of a message.
type kind string

const (
	objects   kind = "an object"
	lists     kind = "a list"
	texts     kind = "text"
	numbers   kind = "a whole number"
	fractions kind = "a number"
	booleans  kind = "true or false"
	nulls     kind = "null"
)

// kindOf returns the kind of a value as it is written.
func kindOf(literal []byte) kind {
	switch literal[0] {
	case '{':
		return objects
	case '[':
		return lists
	case '"':
		return texts
	case 't', 'f':
		return booleans
	case 'n':
		return nulls
	}
	if _, err := strconv.ParseInt(string(literal), 10, 64); err != nil {
		return fractions
	}
	return numbers
}

// kindWanted returns the kind that a type of the schema stands for.
func kindWanted(t reflect.Type) kind {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return objects
	case reflect.Slice:
		return lists
	case reflect.Int:
		return numbers
	case reflect.Bool:
		return booleans
	default:
		return texts
	}
}

// quote returns s as a JSON string. What is not UTF-8 in it becomes U+FFFD.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can be encoded, and a Buffer takes all
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
