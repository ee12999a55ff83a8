package builder

import (
	"cmp"
	"os"
	"slices"
	"strings"
)

const (
	minSecret = 4    // bytes: what is shorter is no secret, and stands everywhere
	maxSecret = 1024 // bytes: what is longer is looked for in pieces
)

// mask hides secrets in what a step prints.
type mask struct {
	words   *strings.Replacer
	longest int // bytes
}

// newMask returns a mask of the lines of all secrets. Those that can't be read yet hide
// nothing: nobody else has read them.
func newMask(secrets []Secret) mask {
	var words []string
	for _, s := range secrets {
		for line := range strings.Lines(s.value()) {
			words = append(words, pieces(strings.TrimSpace(line))...)
			words = append(words, pieces(strings.TrimSpace(clean(line)))...)
		}
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	words = slices.Compact(words)
	m := mask{}
	if len(words) > 0 {
		m.longest = len(words[0])
	}
	var pairs []string
	for _, w := range words {
		pairs = append(pairs, w, "***")
	}
	m.words = strings.NewReplacer(pairs...)
	return m
}

// value returns the secret, or "" when it can't be had.
func (s Secret) value() string {
	if s.File == "" {
		return os.Getenv(s.Env)
	}
	data, _ := os.ReadFile(s.File)
	return string(data)
}

func pieces(word string) []string {
	var all []string
	for len(word) > maxSecret {
		all, word = append(all, word[:maxSecret]), word[maxSecret:]
	}
	if len(word) >= minSecret {
		all = append(all, word)
	}
	return all
}

func (m mask) hide(text string) string {
	if m.longest == 0 {
		return text
	}
	return m.words.Replace(text)
}
