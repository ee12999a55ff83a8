package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	gitTimeout = 10 * time.Second
	maxOutput  = 64 << 10 // bytes
)

// git runs git on one checkout, with a configuration of its own.
type git struct {
	root string
	home string // the directory that is git's home, with the configuration
}

// openGit writes the configuration, with further settings at its end. The caller closes.
func openGit(root, settings string) (git, error) {
	home, err := os.MkdirTemp("", "beansprout-git-*")
	if err != nil {
		return git{}, fmt.Errorf("make room for git's configuration: %w", err)
	}
	g := git{root: root, home: home}
	if err := os.WriteFile(g.config(), []byte(g.trust()+settings), 0o600); err != nil {
		g.close()
		return git{}, fmt.Errorf("write git's configuration: %w", err)
	}
	return g, nil
}

func (g git) close() { os.RemoveAll(g.home) }

func (g git) config() string { return filepath.Join(g.home, ".gitconfig") }

// trust has git read a checkout that belongs to another user: CI runs containers so. Git before
// 2.38 reads safe.directory from files alone, and before 2.35.3 it must name the directory.
// With that, git reads the configuration of the repository, which may name programs to run; the
// commands used here are kept from running any.
func (g git) trust() string {
	directories := []string{"*", g.root}
	if real, err := filepath.EvalSymlinks(g.root); err == nil {
		directories = append(directories, real)
	}
	text := "[safe]\n"
	for _, directory := range directories {
		text += "\tdirectory = " + quote(directory) + "\n"
	}
	return text
}

// quote writes a value of a configuration file.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// run runs git in the checkout and returns what it prints.
func (g git) run(ctx context.Context, args ...string) (string, error) {
	guard := []string{"--no-pager", "-c", "safe.directory=*", "-c", "core.fsmonitor=", "-c", "core.hooksPath=" + os.DevNull}
	return command(ctx, g.root, g.environment(), append(guard, args...)...)
}

// command runs git and returns what it prints. Its error has git's reason without git's hints, which
// are for a user who has called git directly.
func command(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, env, time.Second
	var stdout, stderr capped
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", ErrNoGit
	case ctx.Err() != nil:
		return "", fmt.Errorf("git %s: %w", verb(args), ctx.Err())
	case err != nil:
		return "", fmt.Errorf("git %s: %w: %s", verb(args), err, reason(stderr.String()))
	}
	return stdout.String(), nil
}

// hasNone reports whether git ended with the code 1, by which it says that there is no such thing.
func hasNone(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && exit.ExitCode() == 1
}

// reason returns the line that says what git dies of, or the first.
func reason(said string) string {
	lines := strings.Split(strings.ToValidUTF8(strings.TrimSpace(said), "�"), "\n")
	for _, line := range lines {
		if strings.HasPrefix(line, "fatal: ") {
			return line
		}
	}
	return lines[0]
}

// verb returns which of git's commands the arguments are of.
func verb(args []string) string {
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-c":
			i++
		case !strings.HasPrefix(args[i], "-"):
			return args[i]
		}
	}
	return ""
}

// environment returns the variables to run git with: no repository, configuration or
// program that a hook or a shell around us has set, no prompt, no lock, no network.
func (g git) environment() []string {
	return append(plainEnvironment(os.Environ()),
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL="+g.config(),
		"HOME="+g.home, "XDG_CONFIG_HOME="+g.home, // git before 2.32 finds the configuration by these
		"GIT_TERMINAL_PROMPT=0",
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_NO_LAZY_FETCH=1",
		"GIT_ALLOW_PROTOCOL=", // before git 2.44 it is this that keeps a partial clone from fetching
	)
}

// plainEnvironment returns the variables without git's, and has git's messages be the known ones.
func plainEnvironment(around []string) []string {
	var env []string
	for _, v := range around {
		if !strings.HasPrefix(v, "GIT_") && !strings.HasPrefix(v, "LC_") && !strings.HasPrefix(v, "LANGUAGE=") {
			env = append(env, v)
		}
	}
	return append(env, "LC_ALL=C")
}

// capped keeps the first maxOutput bytes that are written to it.
type capped struct{ bytes.Buffer }

// Write never fails.
func (c *capped) Write(p []byte) (int, error) {
	c.Buffer.Write(p[:min(len(p), max(maxOutput-c.Len(), 0))])
	return len(p), nil
}
