package stories

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"beansprout/localcloud"
	"beansprout/test/lab"
	"beansprout/test/must"
)

var update = flag.Bool("update", false, "write the transcripts of README.md anew")

// A step is a command of a transcript.
type step struct {
	shown string   // the command as the transcript has it
	args  []string // of the program
	keep  string   // a pattern of the lines that the transcript has; "" keeps all
}

const demo = "bin/beansprout --local up examples/hello --feature demo"

// firstUp are the lines of an up that a first reader has to see.
const firstUp = `image (web|backend)$|prepare: \$|did not exist|exporting to image DONE|push: pushed|image web: sha256|launch \S+$|is starting|Successfully|: Ready$|check |^http`

// TestTheTranscriptsOfTheReadmeAreWhatTheProgramPrints runs what README.md shows, and compares it but for what differs
// from run to run. With -update it writes the transcripts anew.
func TestTheTranscriptsOfTheReadmeAreWhatTheProgramPrints(t *testing.T) {
	t.Parallel()
	lab.NeedEngine(t)
	path := filepath.Join("..", "..", "README.md")
	readme := must.Read(t, path)
	blocks := transcripts(readme)
	s := newScribe(t)
	up := []string{"up", "--feature", "demo"}
	want := []string{
		s.run(step{demo, up, firstUp}),
		s.run(step{demo, up, `push: already|unchanged|^http`}),
	}
	s.commit("4edaafb9ae93", "<p>another page</p>\n")
	s.Must(up...)
	want = append(want, "    $ cd examples/hello\n"+
		s.run(step{"beansprout --local list", []string{"list"}, ""})+
		s.run(step{"beansprout --local versions demo", []string{"versions", "demo"}, ""})+
		s.run(step{"beansprout --local rollback demo", []string{"rollback", "demo"}, `^http`})+
		s.run(step{"beansprout --local down demo", []string{"down", "demo"}, `^removed (environment|version)|^kept    version`}))
	yaml := filepath.Join(s.Dir, "beansprout.yaml")
	must.Succeed(t, os.WriteFile(yaml, []byte(strings.Replace(must.Read(t, yaml), "{after: 5d}", "{after: 1s, least: 0s, warn_before: 0s}", 1)), 0o644))
	s.Must("up", "--feature", "login")
	for !strings.Contains(s.Must("sweep").Stdout, "its days are over") {
	}
	want = append(want, s.run(step{"beansprout --local sweep --live", []string{"sweep", "--live"}, `^[A-Z]+  |its days are over|^hello-login-\S+$|^$|^removed environment|^kept    version`}))
	if len(blocks) != len(want) {
		t.Fatalf("README.md has %d transcripts, want %d", len(blocks), len(want))
	}
	for i, block := range blocks {
		if *update {
			readme = strings.Replace(readme, block, want[i], 1)
		} else if got, now := steady(block), steady(want[i]); got != now {
			t.Errorf("the program does not print this any more; go test ./test/stories -run Transcripts -update:\n%s\nnow it prints:\n%s\ncompared: %s\nwith: %s", block, want[i], got, now)
		}
	}
	if *update {
		must.Succeed(t, os.WriteFile(path, []byte(readme), 0o644))
	}
}

// What no test runs is not shown as a run.
func TestOnlyTheReadmeHasTranscripts(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	must.Succeed(t, err)
	for _, page := range pages {
		if found := transcripts(must.Read(t, page)); len(found) > 0 {
			t.Errorf("%s has a transcript that no test runs:\n%s", page, found[0])
		}
	}
}

// transcripts returns the indented blocks of a page that begin with a command after "$ ".
func transcripts(page string) (blocks []string) {
	block := ""
	for line := range strings.Lines(page) {
		switch indented := strings.HasPrefix(line, "    "); {
		case block == "" && strings.HasPrefix(line, "    $ "), block != "" && indented:
			block += line
		case block != "" && line == "\n":
			block += line // which may be within
		case block != "":
			blocks, block = append(blocks, strings.TrimRight(block, "\n")+"\n"), ""
		}
	}
	return blocks
}

// scribe runs the example as README.md does.
type scribe struct{ *lab.Lab }

func newScribe(t *testing.T) *scribe {
	s := &scribe{lab.New(t, localcloud.Config{})}
	s.Env["GOCACHE"], s.Env["CHANGE_AUTHOR"], s.Env["TZ"] = goEnv("GOCACHE"), "Kim", "UTC"
	must.Succeed(t, os.RemoveAll(s.Dir))
	must.Succeed(t, os.CopyFS(s.Dir, os.DirFS(filepath.Join("..", "..", "examples", "hello"))))
	s.commit("ad1698457f70", "")
	return s
}

// commit changes the page, and the commit that the CI names.
func (s *scribe) commit(hash, more string) {
	s.Env["GIT_COMMIT"] = hash + strings.Repeat("0", 40-len(hash))
	page := filepath.Join(s.Dir, "web", "page.html")
	must.Succeed(s, os.WriteFile(page, []byte(must.Read(s, page)+more), 0o644))
}

// run returns the transcript of a command.
func (s *scribe) run(st step) string {
	s.Helper()
	out, err := s.Command(st.args).CombinedOutput()
	if err != nil {
		s.Fatalf("%s: %v\n%s", st.shown, err, out)
	}
	keep := regexp.MustCompile(st.keep)
	lines := []string{"    $ " + st.shown}
	for line := range strings.Lines(string(out)) {
		text := strings.TrimRight(line, "\n")
		switch said := progress.ReplaceAllString(text, ""); {
		case keep.MatchString(said):
			lines = append(lines, strings.TrimRight("    "+text, " "))
		case lines[len(lines)-1] != "    ...":
			lines = append(lines, "    ...")
		}
	}
	text := strings.Join(lines, "\n") + "\n"
	text = strings.ReplaceAll(text, s.Host(), "127.0.0.1:2326")
	return strings.ReplaceAll(text, fmt.Sprintf(".localhost:%d", s.Running().URLPort), ".localhost:2327")
}

// progress is the time with which a line of progress begins.
var progress = regexp.MustCompile(`^\[ *[0-9.]+s\] `)

// varying are what differs from run to run, and what stands for it.
var varying = []struct {
	pattern *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\[ *[0-9.]+s\]`), "[time]"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)`), "DATE"},
	{regexp.MustCompile(`sha256:[0-9a-f]+`), "sha256:HASH"},
	{regexp.MustCompile(`(hello-\w+)-[a-z2-7]{10}`), "$1-HASH"},
	{regexp.MustCompile(`-[0-9a-f]{20}`), "-HASH"},
	{regexp.MustCompile(`\be-[0-9a-z]{10}\b`), "e-ID"},
	{regexp.MustCompile(`[0-9.]+s\b|\b[0-9]+m\b`), "TIME"},
	{regexp.MustCompile(`pushed [0-9]+ layers, [0-9.]+ .?B sent`), "pushed"},
	{regexp.MustCompile(`image (web|backend)`), "image NAME"}, // they are made side by side
	{regexp.MustCompile(`\.localhost:\d+`), ".localhost:PORT"},
	{regexp.MustCompile(` +`), " "},
}

// steady returns what stays of a transcript from run to run: its kinds of lines, each once. Lines of progress have
// no order among them, because images are made side by side.
func steady(transcript string) string {
	var said, rest []string
	for line := range strings.Lines(transcript) {
		for _, v := range varying {
			line = v.pattern.ReplaceAllString(line, v.instead)
		}
		switch line = strings.TrimSpace(line); {
		case line == "...":
		case strings.HasPrefix(line, "[time]"):
			said = append(said, line)
		default:
			rest = append(rest, line)
		}
	}
	slices.Sort(said)
	return fmt.Sprintf("%q, and %q", slices.Compact(said), rest)
}
