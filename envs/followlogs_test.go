package envs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestOnlyWhatIsNewInATailIsShown(t *testing.T) {
	const awsHead = "----------------------------------------\n/var/log/web.stdout.log\n----------------------------------------\n"
	for _, tt := range []struct {
		name  string
		tails []string
		want  []string
	}{
		{"nothing came", []string{"a\nb\n", "a\nb\n"}, []string{"a\nb\n", ""}},
		{"lines came", []string{"a\nb\n", "a\nb\nc\nd\n"}, []string{"a\nb\n", "c\nd\n"}},
		{"the window moved", []string{"a\nb\nc\n", "b\nc\nd\n"}, []string{"a\nb\nc\n", "d\n"}},
		{"the first line lost its beginning", []string{"a\nlong\nc\n", "ng\nc\nd\n"}, []string{"a\nlong\nc\n", "d\n"}},
		{"one line is left, without its beginning", []string{"a\nlong\n", "ng\nd\n"}, []string{"a\nlong\n", "d\n"}},
		{"rotated", []string{"a\nb\n", "c\nd\n"}, []string{"a\nb\n", "c\nd\n"}},
		{"rotated, with a line that was there", []string{"a\nb\n", "c\nb\nd\n"}, []string{"a\nb\n", "c\nb\nd\n"}},
		{"the same line again and again", []string{"a\na\n", "a\na\na\n"}, []string{"a\na\n", "a\n"}},
		{"a pattern that almost repeats", []string{"a\nb\na\nb\na\nc\n", "a\nb\na\nc\nx\n"}, []string{"a\nb\na\nb\na\nc\n", "x\n"}},
		{"emptied and filled", []string{"a\n", "", "b\n"}, []string{"a\n", "", "b\n"}},
		{
			"two files", []string{"==> web <==\na\n==> proxy <==\nx\n", "==> web <==\na\nb\n==> proxy <==\nx\n", "==> web <==\na\nb\nc\n==> proxy <==\nx\ny\n"},
			[]string{"==> web <==\na\n==> proxy <==\nx\n", "==> web <==\nb\n", "c\n==> proxy <==\ny\n"},
		},
		{"as AWS heads them", []string{awsHead + "a\n", awsHead + "a\nb\n"}, []string{awsHead + "a\n", "b\n"}},
		{
			"the same file of two instances", []string{"== i-1\n==> web <==\na\n== i-2\n==> web <==\nx\n", "== i-1\n==> web <==\na\n== i-2\n==> web <==\nx\ny\n"},
			[]string{"== i-1\n==> web <==\na\n== i-2\n==> web <==\nx\n", "y\n"},
		},
		{
			"another instance", []string{"== i-1\n==> web <==\na\n", "== i-1\n==> web <==\na\n== i-2\n==> web <==\na\n"},
			[]string{"== i-1\n==> web <==\na\n", "== i-2\n==> web <==\na\n"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log tailed
			for i, tail := range tt.tails {
				if got := log.add(tail); got != tt.want[i] {
					t.Errorf("tail %d shows %q, want %q", i+1, got, tt.want[i])
				}
			}
		})
	}
}

// TestALogIsFollowedWithoutALossOrARepetition follows a log of numbered lines through a window.
func TestALogIsFollowedWithoutALossOrARepetition(t *testing.T) {
	var all []string
	for i := range 5000 {
		all = append(all, fmt.Sprintf("%d of a period of %d\n", i, i%7))
	}
	var log tailed
	var got strings.Builder
	for end := 1; end <= len(all); end += 1 + end%83 {
		got.WriteString(log.add(strings.Join(all[max(0, end-100):end], "")))
	}
	shown := slices.Collect(strings.Lines(got.String()))
	if !slices.Equal(shown, all[:len(shown)]) || len(shown) < len(all)-100 {
		t.Errorf("%d lines are shown of %d", len(shown), len(all))
	}
}

func FuzzTail(f *testing.F) {
	f.Add("a\nb\n", "b\nc\n")
	f.Add("==> x <==\n", "--------------------\n\n--------------------\n")
	f.Fuzz(func(t *testing.T, one, two string) {
		var log tailed
		log.add(one)
		log.add(two)
		if news := log.add(two); news != "" {
			t.Errorf("%q twice shows %q", two, news)
		}
	})
}
