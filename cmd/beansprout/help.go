package main

import (
	"beansprout/cmd/internal/failure"

	"github.com/urfave/cli/v2"
)

func helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Aliases: []string{"h"}, Usage: "show the verbs, or the help of one verb", ArgsUsage: "[VERB]", HideHelpCommand: true, OnUsageError: wrongUsage,
		Action: func(c *cli.Context) error { return help(c, c.Args().Slice()) },
	}
}

// help shows the help of a verb, or of the program.
func help(c *cli.Context, path []string) error {
	if len(path) == 0 {
		return cli.ShowAppHelp(c)
	}
	parent, verbs := c.App.Name, c.App.Commands
	args := []string{c.App.Name}
	for _, word := range path {
		found := false
		for _, v := range verbs {
			if v.HasName(word) {
				parent, verbs, found = parent+" "+v.Name, v.Subcommands, true
				break
			}
		}
		switch {
		case !found && len(verbs) == 0:
			return failure.WithHint(failure.Usagef("%s has no verbs", parent), "%s --help shows what there is", parent)
		case !found:
			return noSuchVerb(parent, word, verbs)
		}
		args = append(args, word)
	}
	return c.App.RunContext(c.Context, append(args, "--help"))
}

// noSubverb refuses a command line that has no verb of a group of verbs or an unknown one, or shows help.
func noSubverb(c *cli.Context, group string) error {
	switch first := c.Args().First(); {
	case first == "help", first == "h":
		return help(c, append([]string{group}, c.Args().Tail()...))
	case first != "":
		return noSuchVerb("beansprout "+group, first, c.Command.Subcommands)
	}
	c.App.Writer = c.App.ErrWriter
	_ = cli.ShowSubcommandHelp(c)
	return failure.Usagef("no verb of %s is named", group)
}
