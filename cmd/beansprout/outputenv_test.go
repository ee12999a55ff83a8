package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/failure"
	"beansprout/localcloud"
	"beansprout/test/must"
)

// TestUpTellsTheCIHowItEnded runs up to each of its ends but superseded, which a story has.
func TestUpTellsTheCIHowItEnded(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	p.deploys(corretto, "one")
	dir := filepath.Dir(p.config)
	file := filepath.Join(t.TempDir(), "beansprout.env")
	ended := func(code int, out said, want string) {
		t.Helper()
		text := must.Read(t, file)
		if out.code != code || !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("exit code %d: %s\n%s", out.code, out.stderr, text)
		}
	}
	up := []string{"up", "--feature", "x", "--output-env", file, dir}
	ended(0, p.run(up...), `^BEANSPROUT_OUTCOME=created\nBEANSPROUT_URL=http://shop-x-\S+\nBEANSPROUT_COMMIT=\nBEANSPROUT_ENVIRONMENT=shop-x-\S+\nBEANSPROUT_EXPIRES=20\S+Z\n$`)
	ended(0, p.run(up...), `OUTCOME=unchanged\nBEANSPROUT_URL=http`)
	p.deploys(corretto, "two")
	ended(0, p.run(up...), `OUTCOME=deployed\nBEANSPROUT_URL=http`)

	const failed = `^BEANSPROUT_OUTCOME=failed\nBEANSPROUT_URL=\n`
	p.deploys(corretto+"  options: {aws:elasticbeanstalk:command: {Timeout: 0}}\n", "three")
	ended(failure.ExitUsage, p.run(up...), failed)
	ended(failure.ExitUsage, p.run(append(up, "--feature=")...), failed)
	ended(failure.ExitUsage, p.run(append(up, "--config", filepath.Join(dir, "missing.yaml"))...), failed)
	interrupted, stop := context.WithCancel(t.Context())
	stop()
	ended(failure.ExitInterrupted, beansprout(interrupted, t, p.dir, append(up, "--config", p.config)...), failed)

	output := filepath.Join(t.TempDir(), "output")
	must.Write(t, output, "a=b\n")
	t.Setenv("GITHUB_OUTPUT", output)
	p.deploys(corretto, "two")
	out := p.run("up", "--feature", "x", "--output-env", output, dir)
	if text := must.Read(t, output); out.code != 0 || !strings.HasPrefix(text, "a=b\nBEANSPROUT_OUTCOME=") {
		t.Errorf("exit code %d: %s\n%s", out.code, out.stderr, text)
	}
}

func TestOutputEnvIsRefusedBeforeAnythingIsDone(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	p.deploys(corretto, "one")
	dir := filepath.Dir(p.config)
	for file, problem := range map[string]string{
		"": "names no file", dir: "is a directory", p.config: "no deploy has written", filepath.Join(dir, "a", "b"): "no such file",
	} {
		p.refused(failure.ExitUsage, []string{"--output-env", problem}, "up", "--feature", "x", "--output-env="+file, dir)
	}
	p.refused(failure.ExitUsage, []string{"--dry-run", "--output-env"}, "up", "--feature", "x", "--dry-run", "--output-env", filepath.Join(dir, "new"), dir)
	if _, err := os.Stat(filepath.Join(dir, "new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a dry run has a file: %v", err)
	}
	if calls := p.cloud.Calls(); slices.ContainsFunc(calls, func(c localcloud.Entry) bool { return c.Action == "CreateEnvironment" }) {
		t.Errorf("deployed: %v", calls)
	}
}

// TestNoFlagReadsWhatUpHasWritten has a CI hand the variables on to the next beansprout.
func TestNoFlagReadsWhatUpHasWritten(t *testing.T) {
	ours := []string{"BEANSPROUT_OUTCOME", "BEANSPROUT_URL", "BEANSPROUT_COMMIT", "BEANSPROUT_ENVIRONMENT", "BEANSPROUT_EXPIRES"}
	app := newApp(nil, nil)
	flags := slices.Clone(app.Flags)
	for commands := app.Commands; len(commands) > 0; commands = commands[1:] {
		flags = append(flags, commands[0].Flags...)
		commands = append(commands, commands[0].Subcommands...)
	}
	read := 0
	for _, f := range flags {
		if documented, ok := f.(cli.DocGenerationFlag); ok {
			for _, name := range documented.GetEnvVars() {
				if read++; slices.Contains(ours, name) {
					t.Errorf("--%s reads %s", f.Names()[0], name)
				}
			}
		}
	}
	if read < 5 {
		t.Errorf("only %d flags read a variable", read)
	}
}
