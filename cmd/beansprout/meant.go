package main

import (
	"slices"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/failure"
	"beansprout/pattern"
	"beansprout/spelling"
)

// verbNames returns the names of the verbs that help shows.
func verbNames(verbs []*cli.Command) (names []string) {
	for _, v := range verbs {
		if !v.Hidden {
			names = append(names, v.Name)
		}
	}
	return names
}

// noSuchVerb refuses an unknown verb of parent, which is the program or one of its verbs.
func noSuchVerb(parent, verb string, verbs []*cli.Command) error {
	err := failure.Usagef("%s has no verb %q", parent, verb)
	if near := spelling.Nearest(verb, verbNames(verbs)); near != "" {
		return failure.WithHint(err, "did you mean %s %s?", parent, near)
	}
	return failure.WithHint(err, "%s --help lists the verbs", parent)
}

// unknownFlag matches the cli package's message about an unknown flag.
var unknownFlag = pattern.New(`flag provided but not defined: -+([^=\s]+)`)

// meantFlag returns the flag whose name is nearest to the unknown one in err, or "".
func meantFlag(c *cli.Context, err error) string {
	m := unknownFlag.FindStringSubmatch(err.Error())
	if m == nil {
		return ""
	}
	var names []string
	flags := slices.Clone(c.App.Flags)
	if c.Command != nil {
		flags = append(flags, c.Command.Flags...)
	}
	for _, f := range flags {
		names = append(names, f.Names()[0])
	}
	return spelling.Nearest(m[1], names)
}
