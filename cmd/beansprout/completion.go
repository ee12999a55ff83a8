package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/commandline"
	"beansprout/cmd/internal/features"
	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
	"beansprout/visible"
)

func completionCommand() *cli.Command {
	c := &cli.Command{
		Name:         "completion",
		Usage:        "print what makes a shell complete verbs, flags, and the features that list has shown last",
		OnUsageError: wrongUsage, HideHelpCommand: true,
		Action: func(c *cli.Context) error { return noSubverb(c, "completion") },
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		c.Subcommands = append(c.Subcommands, verb(cli.Command{
			Name: shell, Usage: "print the completion of " + shell,
			Action: func(c *cli.Context) error {
				_, err := io.WriteString(c.App.Writer, completionScripts[shell])
				return err
			},
		}))
	}
	c.Subcommands = append(c.Subcommands, &cli.Command{
		Name: "candidates", Hidden: true, HideHelpCommand: true, OnUsageError: wrongUsage, ArgsUsage: "SHELL WORD...", Action: candidates,
		Flags: []cli.Flag{configFlag(), applicationFlag()},
	})
	return c
}

// candidates prints the words that a shell may put where the cursor is, one a line. It never fails, and reads
// nothing but files of this machine.
func candidates(c *cli.Context) error {
	args := c.Args().Slice()
	if len(args) == 0 {
		return nil
	}
	shell, words := args[0], args[1:]
	if shell == "bash" { // which hands on what was typed
		for i, word := range words {
			words[i] = strings.ReplaceAll(word, `\`, "")
		}
	}
	line := commandline.Complete(c.App, words)
	for _, name := range []string{"local", "region", "config", "application"} {
		if value, ok := line.Given[name]; ok {
			_ = c.Set(name, value) // what is no value is none of the user's now
		}
	}
	known := func() []string {
		p, err := readProject(c, ".")
		if err != nil {
			return nil
		}
		return features.Known(c.Context, cacheDir(), placeOf(c, p))
	}
	for _, a := range line.Candidates(known, map[string][]string{"state": lower(envs.LivingStates), "health": lower(colours)}) {
		if text, ok := candidate(shell, a); ok {
			if _, err := fmt.Fprintln(c.App.Writer, text); err != nil {
				return nil
			}
		}
	}
	return nil
}

// candidate returns a candidate as that shell wants it. A name that no terminal shows as it is is none.
func candidate(shell string, a commandline.Candidate) (string, bool) {
	if strings.ContainsFunc(a.Word, func(r rune) bool { return unicode.IsControl(r) || visible.Invisible(r) || r == unicode.ReplacementChar }) {
		return "", false
	}
	switch {
	case shell == "bash":
		return quoted(a.Word), true
	case shell == "fish" && a.Usage != "":
		return a.Word + "\t" + terminal.Sanitize(a.Usage), true
	}
	return a.Word, true
}

// quoted returns a word as bash reads it as itself: bash inserts candidates as they are, the other shells quote.
func quoted(word string) string {
	var b strings.Builder
	for _, r := range word {
		if r < unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./+@%:,=", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// rememberFeatures keeps the names of a list of everything for completions.
func rememberFeatures(c *cli.Context, p *project.Project, found []envs.Environment) {
	names := make([]string, 0, len(found))
	for _, e := range found {
		names = append(names, e.Feature)
	}
	features.Keep(cacheDir(), placeOf(c, p), names)
}

func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return dir
}

// placeOf returns where the features of a command line live.
func placeOf(c *cli.Context, p *project.Project) features.Place {
	place := features.Place{Region: c.String("region"), Application: p.Config.Application}
	if place.Region == "" {
		place.Region = p.Config.Region
	}
	if c.Bool("local") {
		place.Local = localPlace()
		return place
	}
	for _, name := range []string{
		"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ELASTIC_BEANSTALK",
	} {
		place.Account = append(place.Account, os.Getenv(name))
	}
	return place
}

// localPlace names the local cloud of this environment.
func localPlace() string {
	dir, err := localDir("")
	if err != nil {
		return "local"
	}
	return dir
}
