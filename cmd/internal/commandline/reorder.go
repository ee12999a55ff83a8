// Package commandline reads command lines as people write them: flags anywhere, durations with days.
package commandline

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Reorder returns the arguments in the order in which the cli package understands them:
// it stops looking for flags at the first argument, and knows a flag only behind its verb. So
// flags go in front of the arguments, and global ones in front of the verb. What follows "--"
// is no flag. Reorder refuses nothing: the package reports mistakes.
func Reorder(app *cli.App, args []string) []string {
	if len(args) == 0 {
		return args
	}
	line := commandLine{levels: []level{{flags: app.Flags}}, verbs: app.Commands}
	if !line.read(args[1:]) {
		return args
	}
	return append([]string{args[0]}, line.join()...)
}

// commandLine is a command line taken apart.
type commandLine struct {
	levels    []level        // the program, its verb, the verb's verb
	verbs     []*cli.Command // that may follow
	arguments []string
	help      bool // is asked for
}

// level is a verb with the flags that belong to it. The program has no verb.
type level struct {
	verb  string
	flags []cli.Flag
	given []string
	cut   bool // the last flag given misses its value
}

// read parses the arguments. It returns false if they name an unknown verb.
func (l *commandLine) read(args []string) bool {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return !slices.ContainsFunc(args, func(a string) bool { return !l.argument(a) })
		case len(arg) > 1 && arg[0] == '-':
			args = l.flag(arg, args)
		case !l.argument(arg):
			return false
		}
	}
	return true
}

// flag adds a flag, with its value if that is the next argument, and returns the remaining
// arguments.
func (l *commandLine) flag(arg string, args []string) []string {
	owner, takesValue := l.owner(arg)
	if takesValue && len(args) > 0 {
		arg, args, takesValue = arg+"="+args[0], args[1:], false
	}
	owner.given, owner.cut = append(owner.given, arg), takesValue
	return args
}

// argument adds what is no flag: a verb if one is possible here, otherwise an argument.
func (l *commandLine) argument(arg string) bool {
	i := slices.IndexFunc(l.verbs, func(c *cli.Command) bool { return c.HasName(arg) })
	if i < 0 {
		l.arguments, l.verbs = append(l.arguments, arg), nil
		return len(l.levels) > 1
	}
	verb := l.verbs[i]
	l.levels = append(l.levels, level{verb: arg, flags: verb.Flags})
	l.verbs = verb.Subcommands
	return true
}

// owner returns the innermost level that knows the flag, and reports whether the next argument is
// the flag's value. An unknown flag belongs to the innermost verb.
func (l *commandLine) owner(arg string) (owner *level, takesValue bool) {
	name, _, hasValue := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
	for i := len(l.levels) - 1; i >= 0; i-- {
		for _, f := range l.levels[i].flags {
			if slices.Contains(f.Names(), name) {
				return &l.levels[i], !hasValue && needsValue(f)
			}
		}
	}
	l.help = l.help || slices.Contains(cli.HelpFlag.Names(), name)
	return &l.levels[len(l.levels)-1], false
}

// join returns the command line in order. A flag without its value comes last, because it would
// take the next argument. With --help it leaves out the arguments, because the package would take
// them for topics.
func (l *commandLine) join() []string {
	var args []string
	for _, level := range l.levels {
		if level.verb != "" {
			args = append(args, level.verb)
		}
		args = append(args, level.given...)
		if level.cut {
			return args
		}
	}
	if l.help {
		return args
	}
	if slices.ContainsFunc(l.arguments, func(a string) bool { return strings.HasPrefix(a, "-") }) {
		args = append(args, "--")
	}
	return append(args, l.arguments...)
}

// AsksFor reports whether a flag without a value is among the arguments, also where the command
// line is wrong.
func AsksFor(flag string, args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.ContainsFunc(args, func(arg string) bool {
		name, value, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		return strings.HasPrefix(arg, "-") && name == flag && (!given || value == "true")
	})
}
