package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"beansprout/cmd/internal/features"
	"beansprout/localcloud"
	"beansprout/test/must"
)

// TestMain runs the program instead of the tests where a shell of a test calls it.
func TestMain(m *testing.M) {
	if os.Getenv("BEANSPROUT_TEST_AS_PROGRAM") != "" {
		os.Exit(run(os.Args))
	}
	os.Exit(m.Run())
}

// hostileFeatures are names that a shell must neither run nor expand.
var hostileFeatures = []string{
	"$(touch ran)", "`touch ran`", "a;touch ran", "a&touch ran&", "a|touch ran", "a>ran", "$HOME", "~root", "*", "?", "[a]", "{a,b}",
	"a'b", `a"b`, `a\b`, "a b", "#a", "!a", "own:br", "x=y", "a@b", "로그인", "feature/a",
}

// shell has the program and a shell side by side.
type shell struct {
	t   *testing.T
	dir string // where it runs
	env []string
}

func newShell(t *testing.T, names []string) *shell {
	t.Helper()
	s := &shell{t: t, dir: t.TempDir()}
	bin := t.TempDir()
	self, err := os.Executable()
	must.Succeed(t, err)
	program := fmt.Sprintf("#!/bin/sh\nBEANSPROUT_TEST_AS_PROGRAM=1 exec '%s' \"$@\"\n", self)
	must.Succeed(t, os.WriteFile(filepath.Join(bin, "beansprout"), []byte(program), 0o700))
	cache := t.TempDir()
	features.Keep(cache, features.Place{Local: filepath.Join(bin, "cloud"), Application: "shop"}, names)
	must.Succeed(t, os.WriteFile(filepath.Join(s.dir, "beansprout.yaml"), []byte("application: shop\nbuild: {web: {context: .}}\n"), 0o600))
	s.env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "BEANSPROUT_LOCAL=true", "BEANSPROUT_LOCAL_DIR="+filepath.Join(bin, "cloud"),
		"XDG_CACHE_HOME="+cache, "HOME="+bin, "LC_ALL=C.UTF-8", "GORACE=atexit_sleep_ms=0")
	return s
}

func (s *shell) run(args ...string) []string {
	s.t.Helper()
	path, err := exec.LookPath(args[0])
	if err != nil {
		s.t.Skipf("there is no %s", args[0])
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%q: %v\n%s", args, err, out)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "ran")); err == nil {
		s.t.Errorf("%q ran a feature's name", args)
	}
	if text := strings.TrimSuffix(string(out), "\n"); text != "" {
		return strings.Split(text, "\n")
	}
	return nil
}

// In bash a candidate becomes a part of the line as it is: what it prints is read back by bash itself.
func TestBashCompletesAndRunsNothing(t *testing.T) {
	t.Parallel()
	s := newShell(t, hostileFeatures)
	complete := func(line string, words ...string) []string {
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = "'" + w + "'"
		}
		return s.run("bash", "--norc", "-c", `eval "$(beansprout completion bash)"
			COMP_LINE=$1; COMP_POINT=${#1}; COMP_WORDS=(`+strings.Join(quoted, " ")+`); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
			_beansprout; for c in "${COMPREPLY[@]}"; do eval "set -- $c"; [ $# -eq 1 ] || echo "$# words"; printf '%s\n' "$1"; done`, "bash", line)
	}
	if got := complete("beansprout status ", "beansprout", "status", ""); !slices.Equal(got, hostileFeatures) {
		t.Errorf("the features are %q", got)
	}
	for _, tt := range []struct {
		line, want string
		words      []string
	}{
		{"beansprout st", "status", []string{"beansprout", "st"}},
		{"x/beansprout --local st", "status", []string{"x/beansprout", "--local", "st"}},
		{"beansprout local st", "start stop status", []string{"beansprout", "local", "st"}},
		{"beansprout up --dr", "--dry-run", []string{"beansprout", "up", "--dr"}},
		{"beansprout status own:", "br", []string{"beansprout", "status", "own", ":"}},
		{"beansprout status own:b", "br", []string{"beansprout", "status", "own", ":", "b"}},
		{"beansprout up --feature=feat", "feature/a", []string{"beansprout", "up", "--feature", "=", "feat"}},
		{"beansprout up -f feat", "feature/a", []string{"beansprout", "up", "-f", "feat"}},
		{"beansprout status feature/a ", "", []string{"beansprout", "status", "feature/a", ""}},
		{"beansprout up ", "", []string{"beansprout", "up", ""}},
		{`beansprout status a\;`, "a;touch ran", []string{"beansprout", "status", `a\;`}},
		{"beansprout completion ", "bash zsh fish", []string{"beansprout", "completion", ""}},
		{"beansprout slack ", "test manifest", []string{"beansprout", "slack", ""}},
		{"beansprout iam-policy ", "deployer janitor instance operations", []string{"beansprout", "iam-policy", ""}},
		{"beansprout iam-policy --any d", "deployer", []string{"beansprout", "iam-policy", "--any", "d"}},
		{"beansprout iam-policy deployer ", "", []string{"beansprout", "iam-policy", "deployer", ""}},
		{"beansprout help ia", "iam-policy", []string{"beansprout", "help", "ia"}},
		{"beansprout help local st", "start stop status", []string{"beansprout", "help", "local", "st"}},
		{"beansprout help status ", "", []string{"beansprout", "help", "status", ""}},
		{"beansprout list --health ", "green yellow red grey", []string{"beansprout", "list", "--health", ""}},
		{"beansprout list --state=re", "ready", []string{"beansprout", "list", "--state", "=", "re"}},
	} {
		if got := strings.Join(complete(tt.line, tt.words...), " "); got != tt.want {
			t.Errorf("%q is completed by %q, want %q", tt.line, got, tt.want)
		}
	}
}

func TestZshCompletesAndRunsNothing(t *testing.T) {
	t.Parallel()
	s := newShell(t, hostileFeatures)
	got := s.run("zsh", "-fc", `compdef() { :; }; compadd() { shift; print -rl -- "$@"; }; _files() { print files; }
		source <(beansprout completion zsh)
		words=(beansprout status ''); CURRENT=3; PREFIX=''; _beansprout
		words=(beansprout up --dr); CURRENT=3; PREFIX=--dr; _beansprout
		words=(beansprout iam-policy ''); CURRENT=3; PREFIX=''; _beansprout
		words=(beansprout list --health gr); CURRENT=4; PREFIX=gr; _beansprout
		words=(beansprout help local stat); CURRENT=4; PREFIX=stat; _beansprout
		words=(beansprout up ''); CURRENT=3; PREFIX=''; _beansprout`)
	if want := append(slices.Clone(hostileFeatures), "--dry-run", "deployer", "janitor", "instance", "operations", "green", "grey", "status", "files"); !slices.Equal(got, want) {
		t.Errorf("zsh completes by %q", got)
	}
}

func TestFishCompletesAndRunsNothing(t *testing.T) {
	t.Parallel()
	s := newShell(t, hostileFeatures)
	got := s.run("fish", "--no-config", "-c", `beansprout completion fish | source; complete -C "beansprout status "; complete -C "beansprout up --dr"
		complete -C "beansprout iam-policy "; complete -C "beansprout list --health gr"; complete -C "beansprout help local stat"`)
	want := append(slices.Clone(hostileFeatures), "--dry-run\tprint what would be done, and change nothing",
		"deployer", "janitor", "instance", "operations", "green", "grey", "status\tprint whether it runs, and where")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("fish completes by %q, want %q", got, want)
	}
}

func TestFeaturesOfTheLastListAreCompleted(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	p.sprout("login")
	words := func(args ...string) string {
		line := slices.Concat([]string{"completion", "candidates", "--", "bash"}, args[:len(args)-1], []string{"--config", p.config, args[len(args)-1]})
		return beansprout(p.Context(), p.T, p.dir, line...).stdout
	}
	if got := words("status", ""); got != "" {
		t.Errorf("before the first list: %q", got)
	}
	p.ok("list")
	if got := words("status", ""); got != "login\n" {
		t.Errorf("after a list: %q", got)
	}
	for _, args := range [][]string{{"--region", "eu-west-1", "status", ""}, {"--local=false", "status", ""}} {
		if got := words(args...); got != "" {
			t.Errorf("%q has features of elsewhere: %q", args, got)
		}
	}
	p.sprout("search")
	var views []view
	must.Succeed(t, json.Unmarshal([]byte(p.ok("list", "--owner", "none", "--json")), &views))
	if got := words("status", ""); len(views) > 0 || got != "login\n" {
		t.Errorf("after a list of some: %q", got)
	}
}
