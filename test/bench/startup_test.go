package bench

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"beansprout/test/lab"
	"beansprout/test/must"
)

// BenchmarkStartup compares version and the help of every verb with the aws command's version.
func BenchmarkStartup(b *testing.B) {
	const limit = 1.0 / 25
	program, aws := lab.Build(b), tool(b, "aws")
	t, helps := newTable("Starting", "Beansprout", "aws --version"), newTable("", "", "")
	verbs := shownVerbs(b, program)
	for b.Loop() {
		reference := timed(b, exec.Command(aws, "--version").Run)
		t.times("version", limit, timed(b, exec.Command(program, "version").Run), reference)
		for _, verb := range verbs {
			helps.times(verb, limit, timed(b, exec.Command(program, verb, "--help").Run), reference)
		}
	}
	slowest := verbs[0]
	for _, verb := range verbs {
		if median(helps.rows[verb].measured) > median(helps.rows[slowest].measured) {
			slowest = verb
		}
	}
	name := "help of the slowest of all verbs: " + slowest
	t.names, t.rows[name] = append(t.names, name), helps.rows[slowest]
	t.print()
}

// shownVerbs returns the verbs that help lists.
func shownVerbs(b *testing.B, program string) (verbs []string) {
	out, err := exec.Command(program, "--help").Output()
	must.Succeed(b, err)
	_, list, _ := bytes.Cut(out, []byte("\nVERBS:\n"))
	list, _, _ = bytes.Cut(list, []byte("\n\n"))
	for line := range strings.Lines(string(list)) {
		verb, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		verbs = append(verbs, strings.TrimSuffix(verb, ","))
	}
	if len(verbs) < 15 {
		b.Fatalf("help lists only %q", verbs)
	}
	return verbs
}
