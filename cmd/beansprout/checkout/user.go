package checkout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// ErrNoUser is reported when git knows no name to write into commits.
var ErrNoUser = errors.New("git knows no user.name")

// User returns the name that git would write into a commit made in dir, in the form in which
// Checkout has those of authors: the user's own configuration counts. The error wraps ErrNoGit
// or ErrNoUser where that is the cause.
func User(ctx context.Context, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	// To read one value runs no program, whatever the configuration names.
	cmd := exec.CommandContext(ctx, "git", "config", "--get", "user.name")
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, append(os.Environ(), "LC_ALL=C"), time.Second
	var stdout, stderr capped
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	exit := (*exec.ExitError)(nil)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", ErrNoGit
	case ctx.Err() != nil:
		return "", fmt.Errorf("git config: %w", ctx.Err())
	case errors.As(err, &exit) && exit.ExitCode() != 1:
		return "", fmt.Errorf("git config: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	case err != nil && exit == nil:
		return "", fmt.Errorf("git config: %w", err)
	}
	if name := person(stdout.String()); name != "" {
		return name, nil
	}
	return "", ErrNoUser
}
