package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// reorder returns the arguments in the order in which the cli package understands them:
// it stops looking for flags at the first argument, and knows a flag only behind the verb
// that it belongs to. So flags go in front of the arguments, and global ones in front of
// the verb. What follows "--" is no flag. What is wrong is left for the package to refuse.
func reorder(app *cli.App, args []string) []string {
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

// read takes the arguments in; false when they name a verb that there is not.
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

// flag takes in a flag, with its value if that is the next argument, and returns the
// arguments behind it.
func (l *commandLine) flag(arg string, args []string) []string {
	owner, takesValue := l.owner(arg)
	if takesValue && len(args) > 0 {
		arg, args, takesValue = arg+"="+args[0], args[1:], false
	}
	owner.given, owner.cut = append(owner.given, arg), takesValue
	return args
}

// argument takes in what is no flag: a verb where one may stand, an argument otherwise.
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

// owner returns the level that a flag belongs to, the innermost first, and whether the next
// argument is its value. A flag that nobody knows is the innermost verb's.
func (l *commandLine) owner(arg string) (owner *level, takesValue bool) {
	name, _, hasValue := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
	for i := len(l.levels) - 1; i >= 0; i-- {
		for _, f := range l.levels[i].flags {
			if slices.Contains(f.Names(), name) {
				documented, ok := f.(cli.DocGenerationFlag)
				return &l.levels[i], !hasValue && ok && documented.TakesValue()
			}
		}
	}
	l.help = l.help || slices.Contains(cli.HelpFlag.Names(), name)
	return &l.levels[len(l.levels)-1], false
}

// join puts the command line together. A flag without its value ends it, lest the flag
// take what follows; and who asks for help has no use for arguments, which the package
// would take for topics.
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
