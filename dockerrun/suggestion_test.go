package dockerrun

import (
	"fmt"
	"testing"
)

func TestASuggestionIsTheNearestWordOrAllFewWords(t *testing.T) {
	few := map[string]bool{"web": true, "wet": true, "backend": true}
	many := map[string]bool{}
	for i := range 11 {
		many[fmt.Sprint("container", i)] = true
	}
	tests := []struct {
		word  string
		known map[string]bool
		want  string
	}{
		{"wen", few, "; did you mean web?"}, // wet is as near
		{"WEB", few, "; did you mean web?"},
		{"backed", few, "; did you mean backend?"},
		{"bend", few, "; known are backend, web, wet"}, // 3 away of 4
		{"we", few, "; did you mean web?"},
		{"w", few, "; known are backend, web, wet"},
		{"", few, "; known are backend, web, wet"},
		{"x", many, ""},
		{"conteiner7", many, "; did you mean container7?"},
		{"x", nil, ""},
	}
	for _, test := range tests {
		if got := suggestion(test.word, test.known); got != test.want {
			t.Errorf("%q: got %q, want %q", test.word, got, test.want)
		}
	}
}
