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
	all       []*cli.Command // verbs of the program
	explains  bool           // the verb's arguments are verbs
	flags     []cli.Flag     // that are known here
	arguments int            // before the cursor
}

// Complete reads words, of which the cursor is in the last.
func Complete(app *cli.App, words []string) *Completion {
	c := &Completion{Given: map[string]string{}, verbs: app.Commands, all: app.Commands, flags: slices.Clone(app.Flags)}
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
		c.enter(c.verbs[i])
	}
}

// enter goes on behind a verb, or behind one that is the argument of a verb that explains verbs.
func (c *Completion) enter(v *cli.Command) {
	c.verbs = v.Subcommands
	if c.explains {
		return
	}
	c.verb, c.flags = v, append(c.flags, v.Flags...)
	if c.explains = v.ArgsUsage == "[VERB]"; c.explains {
		c.verbs = c.all
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

// Candidates returns the words that may stand at the cursor. It asks for features only where one may. values
// are those of flags that take no others. Where there are none, the shell completes the names of files.
func (c *Completion) Candidates(features func() []string, values map[string][]string) []Candidate {
	var all []Candidate
	name, _, hasValue := strings.Cut(c.current, "=")
	switch {
	case c.pending != nil:
		all = valueCandidates(c.pending, "", features, values)
	case !c.literal && strings.HasPrefix(c.current, "-") && hasValue:
		if f := c.flag(strings.TrimLeft(name, "-")); f != nil {
			all = valueCandidates(f, name+"=", features, values)
		}
	case !c.literal && strings.HasPrefix(c.current, "-"):
		all = c.flagCandidates()
	case len(c.verbs) > 0:
		for _, v := range c.verbs {
			if !v.Hidden {
				all = append(all, Candidate{v.Name, v.Usage})
			}
		}
	case c.verb != nil && c.arguments == 0:
		all = argumentCandidates(c.verb.ArgsUsage, features)
	}
	return slices.DeleteFunc(all, func(a Candidate) bool { return !strings.HasPrefix(a.Word, c.current) })
}

// argumentCandidates returns what the argument of a verb may be, which it writes as [FEATURE] or as one|other.
func argumentCandidates(usage string, features func() []string) []Candidate {
	switch {
	case usage == "[FEATURE]":
		return featureCandidates("", features)
	case strings.Contains(usage, "|"):
		return words("", strings.Split(usage, "|"))
	}
	return nil
}

// valueCandidates returns what the value of a flag may be, with what stands before it in the same word.
func valueCandidates(f cli.Flag, prefix string, features func() []string, values map[string][]string) []Candidate {
	name := f.Names()[0]
	if name == "feature" {
		return featureCandidates(prefix, features)
	}
	return words(prefix, values[name])
}

// featureCandidates leaves out what would be read as a flag.
func featureCandidates(prefix string, features func() []string) []Candidate {
	return words(prefix, slices.DeleteFunc(features(), func(name string) bool { return strings.HasPrefix(name, "-") && prefix == "" }))
}

func words(prefix string, all []string) (found []Candidate) {
	for _, word := range all {
		found = append(found, Candidate{Word: prefix + word})
	}
	return found
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
