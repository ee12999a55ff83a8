package spelling

import (
	"slices"
	"testing"
)

func TestNearestToleratesOneLetterAndOneForEveryThree(t *testing.T) {
	for word, want := range map[string]string{
		"lisst": "list", "LIST": "list", "statsu": "status", "ab": "", "lits": "list", "rollbakc": "rollback", "nothing": "", "": "",
	} {
		if got := Nearest(word, []string{"rollback", "status", "list"}); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := Nearest("list", nil); got != "" {
		t.Errorf("Nearest of no names = %q", got)
	}
}

func TestEquallyNearNamesStayInTheirOrder(t *testing.T) {
	if got := Sorted("ab", []string{"abcd", "ax", "ac", "ab"}); !slices.Equal(got, []string{"ab", "ax", "ac", "abcd"}) {
		t.Errorf("Sorted = %q", got)
	}
}
