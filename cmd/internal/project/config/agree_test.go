package config

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// beyond is what no schema can express: the program alone refuses it.
var beyond = []struct {
	rule     string // and why a schema can't
	message  string // a pattern of the program's
	examples []string
}{
	{"how long a duration is: its units would have to be added up", `is too (short|long); want at`,
		[]string{under("expire", "after: 0.5s"), under("expire", "after: 3649d25h"), under("environment", "check: {timeout: 61m}"), under("expire", "restore_for: 366d")}},
	{"whole days: hours would have to be divided", `want whole days`, []string{under("registry", "expire_images_after: 36h"), under("registry", "expire_images_after: 1.5d")}},
	{"one duration compared with another", `is not before the end of|is longer than the environment's`,
		[]string{under("expire", "warn_before: 5d"), under("expire", "least: 6d"), under("expire", "{after: 1d, warn_before: 24h}")}},
	{"the bytes of all variables: a sum", `the variables have \d+ bytes`, []string{under("environment", "variables: {A: "+strings.Repeat("x", 2048)+", B: "+strings.Repeat("x", 2048)+"}")}},
	{"names of one map in another", `is a variable, too`, []string{under("environment", `{variables: {A: b}, secrets: {A: "arn:aws:ssm:us-east-1:123456789012:parameter/a"}}`)}},
	{"a part of a text in another text", `the id .* is there twice`, []string{under("build", "web: {ssh: [a, a=b]}")}},
	{"a path that goes up more often than down: counting", `leaves its directory`, []string{under("dockerrun", "template: a/../../b"), under("dockerrun", "include: [a/../..]")}},
	{"the ends of a range in the same hundred: numbers in a text", `ends before it begins`, []string{under("environment", "check: {status: 299-200}"), under("environment", "check: {status: [200, 401-400]}")}},
	{"a number with a unit", `is too large; want at most`, []string{under("build", "web: {warn_size: 1025PB}")}},
	{"the length of a part of a text", `must not be more than 255 characters`, []string{under("build", "web: {cache_from: ["+strings.Repeat("x", 256)+"]}")}},
	{"parts of YAML that other parsers know", `are not understood here|keys are written as`,
		[]string{"application: &a shop\n", "application: &a shop\nslack: {channel: *a}\n", "application: !!str 1\n", "%YAML 1.2\n---\napplication: shop\n", "? application\n: shop\n"}},
	{"what follows the first document", `a second document begins here`, []string{"application: shop\n---\napplication: shop\n", "application: shop\n...\nregion: x\n"}},
	{"the encoding of the file", `is UTF-16`, []string{"\xff\xfe" + strings.Join(strings.Split("application: shop\n", ""), "\x00") + "\x00"}},
}

func TestWhatIsBeyondASchemaIsRefusedByTheProgram(t *testing.T) {
	j := newJudge(t)
	for _, b := range beyond {
		t.Run(b.rule, func(t *testing.T) {
			for _, text := range b.examples {
				problems := parseProblems(t, text)
				if len(problems) == 0 || !isBeyond(problems) || !regexp.MustCompile(b.message).MatchString(problems[0]) {
					t.Errorf("the program has %q against\n%s", problems, text)
				}
			}
			if !slices.ContainsFunc(b.examples, func(text string) bool { return j.refuses(t, text) == nil }) {
				t.Errorf("the schema refuses each: it isn't beyond it")
			}
		})
	}
}

// parseProblems returns what the program has against the text of a file.
func parseProblems(t *testing.T, text string) []string {
	t.Helper()
	_, err := parse("f", "/", []byte(text))
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("%T: %v", err, err)
	}
	var all []string
	for _, p := range e.Problems {
		all = append(all, p.Error())
	}
	return all
}

// isBeyond reports whether a schema cannot know any of the problems.
func isBeyond(problems []string) bool {
	for _, p := range problems {
		known := false
		for _, b := range beyond {
			known = known || regexp.MustCompile(b.message).MatchString(p)
		}
		if !known {
			return false
		}
	}
	return true
}

// alike compares the program's judgement of a file with the schema's. It returns whether the file is right.
func (j judge) alike(t *testing.T, text string) bool {
	t.Helper()
	problems, refused := parseProblems(t, text), j.refuses(t, text)
	switch {
	case len(problems) == 0 && refused != nil:
		t.Errorf("the schema refuses what the program accepts:\n%s\n%v", text, refused)
	case len(problems) > 0 && refused == nil && !isBeyond(problems):
		t.Errorf("the schema accepts what the program refuses:\n%s\n%s", text, strings.Join(problems, "\n"))
	}
	return len(problems) == 0
}

// file returns the lines of a file with one key of the table, and what it needs besides.
func fileWith(path, value string) string {
	path = strings.ReplaceAll(strings.ReplaceAll(path, "NAME", "web"), "[]", ".[]")
	lines := []string{}
	indent := ""
	for i, name := range strings.Split(path, ".") {
		switch last := i == strings.Count(path, "."); {
		case name == "[]":
			indent += "- "
			continue
		case last && value == "":
			lines = append(lines, indent+name+":")
		case last:
			lines = append(lines, indent+name+": "+value)
		default:
			lines = append(lines, indent+name+":")
		}
		indent = strings.ReplaceAll(indent, "-", " ") + "  "
	}
	text := strings.Join(lines, "\n") + "\n"
	switch {
	case path == "application":
		return text
	case path == "prepare":
		text += "artifact: a.zip\nenvironment: {platform: a}\n"
	case path == "artifact":
		text += "environment: {platform: a}\n"
	case strings.HasPrefix(path, "build.web.secrets.[].") && !strings.HasSuffix(path, "id"):
		text += "        id: a\n"
	case strings.HasSuffix(path, "[].id"):
		text += "        env: A\n"
	case path == "expire.branches.after":
		text += "    remote: /srv/git\n"
	}
	return "application: shop\n" + text
}

// TestEachValueOfEachKeyIsJudgedAlike tries each sample for each key. Unless it soaks, each key has a
// quarter of them.
func TestEachValueOfEachKeyIsJudgedAlike(t *testing.T) {
	j := newJudge(t)
	for n, k := range table(&Config{}, &Image{}, &Secret{}) {
		t.Run(k.path, func(t *testing.T) {
			for i, s := range samples {
				if os.Getenv("BEANSPROUT_SOAK") == "1" || (i+n)%4 == 0 {
					j.alike(t, fileWith(k.path, s))
				}
			}
		})
	}
}
