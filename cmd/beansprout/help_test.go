package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/commandline"
)

// verbsOf returns every verb that help shows, by its full name.
func verbsOf(parent string, all []*cli.Command) map[string]*cli.Command {
	found := map[string]*cli.Command{}
	for _, c := range all {
		if c.Hidden {
			continue
		}
		name := parent + " " + c.Name
		found[name] = c
		for sub, c := range verbsOf(name, c.Subcommands) {
			found[sub] = c
		}
	}
	return found
}

func helpOf(t *testing.T, name string) string {
	t.Helper()
	var out, errs bytes.Buffer
	app := newApp(&out, &errs)
	words := append(strings.Fields(name), "--help")
	ordered := commandline.Reorder(app, words)
	app.Flags = append(app.Flags, cli.HelpFlag)
	if err := app.RunContext(t.Context(), ordered); err != nil || errs.Len() > 0 {
		t.Fatalf("%s --help: %v, %s", name, err, errs.String())
	}
	return out.String()
}

var longFlag = regexp.MustCompile(` (--[a-z-]+)`)

func TestTheHelpOfEachVerbBeginsWithAnExampleAndEndsWithTheExitCodes(t *testing.T) {
	t.Parallel()
	app := newApp(nil, nil)
	all := verbsOf(app.Name, app.Commands)
	if len(all) < 30 {
		t.Errorf("only %d verbs were found", len(all))
	}
	program := helpOf(t, app.Name)
	all[app.Name] = &cli.Command{Usage: app.Usage}
	delete(all, app.Name+" help") // whose help is the program's
	for name, c := range all {
		text := helpOf(t, name)
		example, rest, _ := strings.Cut(text, "\n\nUSAGE:\n   "+name)
		if !strings.HasPrefix(example, "EXAMPLE:\n   ") || rest == "" {
			t.Errorf("the help of %s has no example, or no usage:\n%s", name, text)
		}
		if c.Usage == "" || !strings.Contains(rest, "\n\n   "+c.Usage+"\n") {
			t.Errorf("the help of %s does not tell what it does:\n%s", name, text)
		}
		_, codes, _ := strings.Cut(rest, "\n\nEXIT CODES:\n")
		if lines := strings.Split(codes, "\n"); len(lines) != 5 || !strings.HasPrefix(lines[0], "   0    ") || lines[3] != "   130  interrupted" || lines[4] != "" {
			t.Errorf("the help of %s does not end with the exit codes:\n%s", name, text)
		}
		if !strings.Contains(strings.ReplaceAll(example, " --local", ""), name) && name != app.Name {
			t.Errorf("the example of %s is one of another verb: %s", name, example)
		}
		for _, m := range longFlag.FindAllStringSubmatch(example, -1) {
			if !strings.Contains(rest, "   "+m[1]) && !strings.Contains(program, "   "+m[1]) && name != app.Name {
				t.Errorf("an example of %s has %s, which it does not know", name, m[1])
			}
		}
	}
}

func TestHelpFitsTheTerminal(t *testing.T) {
	t.Parallel()
	app := newApp(nil, nil)
	for name, c := range verbsOf(app.Name, app.Commands) {
		for _, window := range []int{50, 80, 200} {
			h := helpText{window: window}
			c.HelpName = name
			h.verb(c)
			_, rest, _ := strings.Cut(h.text.String(), "USAGE:")
			for line := range strings.Lines(rest) {
				if n := len(strings.TrimSuffix(line, "\n")); n > window && strings.Contains(strings.TrimSpace(line), " ") {
					t.Errorf("%s at %d columns has a line of %d: %s", name, window, n, line)
				}
			}
		}
	}
}

func TestVersionTellsWhatTheProgramWasMadeFrom(t *testing.T) {
	t.Parallel()
	b := thisBuild()
	if b.Version == "" || !strings.HasPrefix(b.Go, "go1.") || !strings.Contains(b.Platform, "/") {
		t.Errorf("the build is %+v", b)
	}
}
