package commandline

import (
	"os/exec"
	"testing"
)

// What a person pastes reaches the program as it is.
func TestAFeatureIsOneArgument(t *testing.T) {
	for feature, want := range map[string]string{
		"login": "login", "feature/login-2": "feature/login-2", "kim:main": "kim:main", "": "''", "a b": "'a b'", "-x": "--feature=-x", "-x y": "--feature='-x y'",
		"$(reboot)": "'$(reboot)'", "it's": `'it'\''s'`, "`x`; x": "'`x`; x'", "ümläut": "'ümläut'", "a\nb": "'a\nb'", "!x": "'!x'", "~": "'~'", "#1": "'#1'", "a=b": "'a=b'",
	} {
		got := Argument(feature)
		if got != want {
			t.Errorf("%q: %s, want %s", feature, got, want)
		}
		out, err := exec.Command("sh", "-c", "printf %s "+got).Output()
		if err != nil || string(out) != feature && string(out) != "--feature="+feature {
			t.Errorf("%q reaches a program as %q: %v", feature, out, err)
		}
	}
}
