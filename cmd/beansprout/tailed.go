package main

import (
	"regexp"
	"slices"
	"strings"
)

// tailed is what the last tail of an environment's logs said. The zero value has seen none.
type tailed struct {
	files map[string][]string // the lines of each file, by what heads them
	shown string              // the head of the file that was shown last
}

// heads are the lines that head a file's tail: ours for an instance, the local cloud's, and
// AWS's, which stand between two lines of dashes.
var heads = regexp.MustCompile(`(?m)^(?:== \S+|==> .* <==|-{20,}\n.*\n-{20,})\n`)

// add takes the next tail in and returns what is new in it: the lines of each file behind
// those that the last tail ended with, or all of a file that was rotated.
func (t *tailed) add(text string) (news string) {
	files, instance := map[string][]string{}, ""
	var b strings.Builder
	for _, part := range filesOf(text) {
		name := instance + part.head
		if strings.HasPrefix(part.head, "== ") {
			instance, name = part.head, part.head
		}
		if added := behind(t.files[name], part.lines); len(added) > 0 {
			if t.shown != name {
				b.WriteString(name)
				t.shown = name
			}
			b.WriteString(strings.Join(added, ""))
		}
		files[name] = append(files[name], part.lines...)
	}
	t.files = files
	return b.String()
}

// file is one file of a tail.
type file struct {
	head  string
	lines []string // with their ends
}

func filesOf(text string) []file {
	var all []file
	head, from := "", 0
	for _, at := range heads.FindAllStringIndex(text, -1) {
		all = append(all, file{head, slices.Collect(strings.Lines(text[from:at[0]]))})
		head, from = text[at[0]:at[1]], at[1]
	}
	return append(all, file{head, slices.Collect(strings.Lines(text[from:]))})
}

// behind returns the lines of after that follow on the most lines with which before ends and
// after begins, all of after where they share none. The first line of a tail may have lost its
// beginning.
func behind(before, after []string) []string {
	if len(before) == 0 || len(after) == 0 {
		return after
	}
	rest := after[1:]
	borders := bordersOf(rest)
	shared := 0
	for _, line := range before {
		shared = matched(rest, borders, shared, line)
	}
	for ; ; shared = borders[shared-1] {
		if i := len(before) - shared - 1; i >= 0 && strings.HasSuffix(before[i], after[0]) {
			return rest[shared:]
		}
		if shared == 0 {
			return after
		}
	}
}

// bordersOf returns for each beginning of lines how many lines it begins as well as ends with,
// which is what lets behind look at each line once (Knuth, Morris and Pratt).
func bordersOf(lines []string) []int {
	borders := make([]int, len(lines))
	for i := 1; i < len(lines); i++ {
		borders[i] = matched(lines, borders, borders[i-1], lines[i])
	}
	return borders
}

// matched returns how many of the lines are matched when line follows on n that were.
func matched(lines []string, borders []int, n int, line string) int {
	for {
		if n < len(lines) && lines[n] == line {
			return n + 1
		}
		if n == 0 {
			return 0
		}
		n = borders[n-1]
	}
}
