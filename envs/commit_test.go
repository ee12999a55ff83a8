package envs

import "testing"

func TestCommitsAreTheSameWorkWhereTheirTreesAre(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"abc", "abc", true}, {"abc", "abd", false}, {"", "", false}, {"abc+dirty", "abc+dirty", false}, {"abc", "abc+dirty", false},
	} {
		if got := SameWork(c.a, c.b); got != c.want {
			t.Errorf("SameWork(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

func TestAShortCommitSaysThatItsTreeHadChanges(t *testing.T) {
	for commit, want := range map[string]string{"0123456789": "01234", "0123456789+dirty": "01234+dirty", "012": "012", "+dirty": "+dirty", "": ""} {
		if got := ShortCommit(commit, 5); got != want {
			t.Errorf("ShortCommit(%q) = %q, want %q", commit, got, want)
		}
	}
}
