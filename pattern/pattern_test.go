package pattern

import "testing"

func TestAPatternIsCompiledWhenItIsFirstUsed(t *testing.T) {
	bad := New("(")
	if p := New("^(a+)(b*)$"); !p.MatchString("aab") || p.MatchString("b") || p.FindStringSubmatch("aab")[1] != "aa" || p.String() != "^(a+)(b*)$" {
		t.Errorf("%s matches something else", p)
	}
	defer func() {
		if recover() == nil {
			t.Error("( is no regular expression, but it was used as one")
		}
	}()
	bad.MatchString("")
}
