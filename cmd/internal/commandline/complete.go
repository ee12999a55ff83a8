package commandline

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// A Candidate is a word that may stand where the cursor is.
type Candidate struct{ Word, Usage string }

// Completion is a command line that is not finished.
type Completion struct {
	Given     map[string]string // the flags before the cursor, by their first names; "true" for those without a value
	current   string
	literal   bool // after "--"
	pending   cli.Flag
	verb      *cli.Command
	verbs     []*cli.Command // that may follow
	flags     []cli.Flag     // that are known here
	arguments int            // before the cursor
}

// Complete reads words, of which the cursor is in the last.
func Complete(app *cli.App, words []string) *Completion {
	c := &Completion{Given: map[string]string{}, verbs: app.Commands, flags: slices.Clone(app.Flags)}
	if len(words) == 0 {
		words = []string{""}
	}
	last := len(words) - 1
	for _, word := range words[:last] {
		c.read(word)
	}
	c.current = words[last]
	return c
}

// read reads a word before the cursor.
func (c *Completion) read(word string) {
	switch {
	case c.pending != nil:
		c.Given[c.pending.Names()[0]], c.pending = word, nil
	case c.literal:
		c.arguments++
	case word == "--":
		c.literal, c.verbs = true, nil
	case len(word) > 1 && word[0] == '-':
		name, value, hasValue := strings.Cut(strings.TrimLeft(word, "-"), "=")
		switch f := c.flag(name); {
		case f == nil:
		case hasValue:
			c.Given[f.Names()[0]] = value
		case needsValue(f):
			c.pending = f
		default:
			c.Given[f.Names()[0]] = "true"
		}
	default:
		i := slices.IndexFunc(c.verbs, func(v *cli.Command) bool { return v.HasName(word) })
		if i < 0 {
			c.arguments, c.verbs = c.arguments+1, nil
			return
		}
		c.verb = c.verbs[i]
		c.verbs, c.flags = c.verb.Subcommands, append(c.flags, c.verb.Flags...)
	}
}

func (c *Completion) flag(name string) cli.Flag {
	for _, f := range slices.Backward(c.flags) {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// needsValue reports whether a flag is not complete without a value.
func needsValue(f cli.Flag) bool {
	documented, ok := f.(cli.DocGenerationFlag)
	return ok && documented.TakesValue()
}

// Candidates returns the words that may stand at the cursor. It asks for features only where one may. Where
// there are none, the shell completes the names of files.
func (c *Completion) Candidates(features func() []string) []Candidate {
	var all []Candidate
	feature := func(prefix string) {
		for _, name := range features() {
			if !strings.HasPrefix(name, "-") || prefix != "" {
				all = append(all, Candidate{Word: prefix + name})
			}
		}
	}
	name, _, hasValue := strings.Cut(c.current, "=")
	switch {
	case c.pending != nil:
		if c.pending.Names()[0] == "feature" {
			feature("")
		}
	case !c.literal && strings.HasPrefix(c.current, "-") && hasValue:
		if f := c.flag(strings.TrimLeft(name, "-")); f != nil && f.Names()[0] == "feature" {
			feature(name + "=")
		}
	case !c.literal && strings.HasPrefix(c.current, "-"):
		all = c.flagCandidates()
	case len(c.verbs) > 0:
		for _, v := range c.verbs {
			if !v.Hidden {
				all = append(all, Candidate{v.Name, v.Usage})
			}
		}
	case c.verb != nil && c.verb.ArgsUsage == "[FEATURE]" && c.arguments == 0:
		feature("")
	}
	return slices.DeleteFunc(all, func(a Candidate) bool { return !strings.HasPrefix(a.Word, c.current) })
}

func (c *Completion) flagCandidates() (all []Candidate) {
	for _, f := range append(slices.Clone(c.flags), cli.HelpFlag) {
		if visible, ok := f.(cli.VisibleFlag); ok && !visible.IsVisible() {
			continue
		}
		if _, given := c.Given[f.Names()[0]]; given {
			continue
		}
		_, usage, _ := strings.Cut(f.String(), "\t")
		all = append(all, Candidate{"--" + f.Names()[0], strings.Replace(usage, " (default: false)", "", 1)})
	}
	return all
}
