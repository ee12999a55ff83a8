package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/terminal"

	"github.com/urfave/cli/v2"
)

// The package's own printer reads templates, which takes longer than all the rest of a help.
func init() { cli.HelpPrinter = printHelp }

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

// printHelp prints the help of the program, a verb, or a group of verbs: an example first, the exit codes last.
func printHelp(w io.Writer, _ string, of any) {
	h := helpText{window: terminal.Columns(w), palette: terminal.PaletteOf(w)}
	switch of := of.(type) {
	case *cli.App:
		h.app(of)
	case *cli.Command:
		h.verb(of)
	}
	out := bufio.NewWriter(w)
	_, _ = out.WriteString(h.text.String())
	_ = out.Flush()
}

// helpText is a help on its way to a terminal.
type helpText struct {
	text    strings.Builder
	window  int // columns; 0 where lines may have any length
	palette terminal.Palette
}

func (h *helpText) app(a *cli.App) {
	h.section("EXAMPLE", examples[a.Name]...)
	h.section("USAGE", a.UsageText, "", a.Usage)
	h.verbs(a.Commands)
	h.flags("GLOBAL OPTIONS", a.VisibleFlags())
	h.exitCodes(a.Name)
}

func (h *helpText) verb(c *cli.Command) {
	h.section("EXAMPLE", examples[c.HelpName]...)
	usage := c.HelpName
	if len(c.Subcommands) > 0 {
		usage += " VERB"
	}
	h.section("USAGE", strings.TrimSpace(usage+" [options] "+c.ArgsUsage), "", c.Usage)
	h.verbs(c.Subcommands)
	h.flags("OPTIONS", c.VisibleFlags())
	h.exitCodes(c.HelpName)
}

// section prints lines below a title. Those of an example are commands, and are never broken.
func (h *helpText) section(title string, lines ...string) {
	if h.text.Len() > 0 {
		h.text.WriteByte('\n')
	}
	h.text.WriteString(h.palette.Paint(terminal.Bold, title+":") + "\n")
	for _, line := range lines {
		if title != "EXAMPLE" {
			line = h.wrap(line, 3)
		}
		h.text.WriteString(strings.TrimRight("   "+line, " ") + "\n")
	}
}

func (h *helpText) verbs(all []*cli.Command) {
	var rows [][2]string
	for _, c := range all {
		if !c.Hidden {
			rows = append(rows, [2]string{strings.Join(c.Names(), ", "), c.Usage})
		}
	}
	h.rows("VERBS", rows)
}

func (h *helpText) flags(title string, all []cli.Flag) {
	var rows [][2]string
	for _, f := range all {
		names, usage, _ := strings.Cut(f.String(), "\t")
		names, _, _ = strings.Cut(names, " [ ") // once more, of one that may be repeated
		rows = append(rows, [2]string{strings.TrimSpace(names), strings.Replace(usage, " (default: false)", "", 1)})
	}
	h.rows(title, rows)
}

// exitCodes ends a help.
func (h *helpText) exitCodes(name string) {
	codes := slices.Clone(exitCodes)
	for i, meaning := range outcomes[name] {
		if meaning != "" {
			codes[i][1] = meaning
		}
	}
	h.rows("EXIT CODES", codes)
}

// rows prints names and what they mean, side by side.
func (h *helpText) rows(title string, rows [][2]string) {
	if len(rows) == 0 {
		return
	}
	widest := 0
	for _, row := range rows {
		widest = max(widest, len(row[0]))
	}
	if h.window > 0 {
		widest = min(widest, h.window/3)
	}
	var lines []string
	for _, row := range rows {
		if len(row[0]) > widest {
			lines, row[0] = append(lines, row[0]), ""
		}
		meaning := strings.Split(h.wrap(row[1], widest+5), "\n")
		lines = append(lines, fmt.Sprintf("%-*s  %s", widest, row[0], meaning[0]))
		for _, more := range meaning[1:] {
			lines = append(lines, strings.Repeat(" ", widest+2)+strings.TrimSpace(more))
		}
	}
	h.text.WriteString("\n" + h.palette.Paint(terminal.Bold, title+":") + "\n   " + strings.Join(lines, "\n   ") + "\n")
}

// wrap breaks a text between words where the window ends; its lines begin at that column.
func (h *helpText) wrap(text string, column int) string {
	if h.window == 0 {
		return text
	}
	return strings.Join(terminal.Wrap(text, max(h.window-column, 20)), "\n"+strings.Repeat(" ", column))
}
