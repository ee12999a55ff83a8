// Package pattern has regular expressions that are compiled when they are first used. Those of all packages
// together would take longer to compile than most verbs take otherwise.
package pattern

import (
	"regexp"
	"sync"
)

// A Pattern is a regular expression. Its methods are those of regexp.Regexp and may be called concurrently.
type Pattern struct{ compiled func() *regexp.Regexp }

// New returns the pattern with that text. One that is not a regular expression panics when it is first used;
// a test compiles all of them.
func New(text string) *Pattern {
	return &Pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
}

func (p *Pattern) String() string { return p.compiled().String() }

func (p *Pattern) MatchString(s string) bool { return p.compiled().MatchString(s) }

func (p *Pattern) Match(b []byte) bool { return p.compiled().Match(b) }

func (p *Pattern) FindString(s string) string { return p.compiled().FindString(s) }

func (p *Pattern) FindSubmatch(b []byte) [][]byte { return p.compiled().FindSubmatch(b) }

func (p *Pattern) FindAllSubmatch(b []byte, n int) [][][]byte {
	return p.compiled().FindAllSubmatch(b, n)
}

func (p *Pattern) FindStringSubmatch(s string) []string { return p.compiled().FindStringSubmatch(s) }

func (p *Pattern) FindAllString(s string, n int) []string { return p.compiled().FindAllString(s, n) }

func (p *Pattern) FindAllStringIndex(s string, n int) [][]int {
	return p.compiled().FindAllStringIndex(s, n)
}

func (p *Pattern) FindAllStringSubmatch(s string, n int) [][]string {
	return p.compiled().FindAllStringSubmatch(s, n)
}

func (p *Pattern) ReplaceAll(src, replacement []byte) []byte {
	return p.compiled().ReplaceAll(src, replacement)
}

func (p *Pattern) ReplaceAllFunc(src []byte, replace func([]byte) []byte) []byte {
	return p.compiled().ReplaceAllFunc(src, replace)
}

func (p *Pattern) ReplaceAllString(src, replacement string) string {
	return p.compiled().ReplaceAllString(src, replacement)
}

func (p *Pattern) ReplaceAllStringFunc(src string, replace func(string) string) string {
	return p.compiled().ReplaceAllStringFunc(src, replace)
}
