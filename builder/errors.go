package builder

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Errors to be told apart with errors.Is.
var (
	// ErrNoEngine is reported when no Docker Engine can be reached, or it went away.
	ErrNoEngine = errors.New("no Docker Engine")
	// ErrTooOld is reported when the engine has no BuildKit.
	ErrTooOld = errors.New("has no BuildKit")
	// ErrNoDockerfile is reported when a source has no Dockerfile where it says it has.
	ErrNoDockerfile = errors.New("no Dockerfile")
	// ErrNoContext is reported when the directory of a source does not exist.
	ErrNoContext = errors.New("no such directory")
	// ErrUnreadable is reported when a file that goes into an image can't be opened.
	ErrUnreadable = errors.New("unreadable file")
	// ErrNothingToCopy is reported when what a COPY or ADD names is not there.
	ErrNothingToCopy = errors.New("nothing to copy")
	// ErrNoBase is reported when the registry of a base image refuses it.
	ErrNoBase = errors.New("the base image may not be had")
	// ErrPlatform is reported when an image is not for the platform that it should be for.
	ErrPlatform = errors.New("the image is for another platform")
	// ErrForeign is reported when the engine can't run the programs of an image's platform.
	ErrForeign = errors.New("the engine can't run programs of that platform")
	// ErrNoSpace is reported when the engine's disk, or the registry's, is full.
	ErrNoSpace = errors.New("no space left")
	// ErrExpired is reported when a registry does not know the credentials, or not any more.
	ErrExpired = errors.New("the registry does not know the credentials")
	// ErrDenied is reported when a registry knows the credentials, and they are not enough.
	ErrDenied = errors.New("the registry refused")
	// ErrTagTaken is reported when another image has the tag and tags can't be moved.
	ErrTagTaken = errors.New("the tag is on another image and the repository's tags are immutable")
	// ErrUnwell is reported when the registry can't be reached, or goes on failing.
	ErrUnwell = errors.New("the registry does not work")
)

// BuildError says why an image could not be made: what it is made from is missing, or
// a command failed.
type BuildError struct {
	Image    string // Source.Name; "" for what Prepare ran
	Step     string // what failed: the prepare command, or a step as BuildKit names it ("[2/3] RUN go vet"); may be empty
	Output   string // the last lines that the step printed, free of control characters
	ExitCode int    // of the command that failed; 0 when none did
	Err      error
}

// Reason says in one line what failed.
func (e *BuildError) Reason() string {
	reason := ""
	if e.Image != "" {
		reason = fmt.Sprintf("build image %q: ", e.Image)
	}
	if e.Step != "" {
		reason += e.Step + ": "
	}
	if e.ExitCode != 0 {
		return reason + fmt.Sprintf("exit code %d", e.ExitCode)
	}
	return reason + e.Err.Error()
}

// Error returns the reason and, on lines of their own, what the step printed last.
func (e *BuildError) Error() string {
	if e.Output == "" {
		return e.Reason()
	}
	return e.Reason() + "\n    " + strings.ReplaceAll(e.Output, "\n", "\n    ")
}

func (e *BuildError) Unwrap() error { return e.Err }

// layers are what BuildKit wraps around a cause without adding to it.
var layers = strings.NewReplacer(
	"Error response from daemon: ", "",
	"rpc error: code = Unknown desc = ", "",
	"failed to solve with frontend dockerfile.v0: ", "",
	"failed to solve: ", "",
	"failed to create LLB definition: ", "",
	"failed to compute cache key: ", "",
	"failed to load cache key: ", "",
	"not found: not found", "not found",
)

// mounts are the directories in which the engine has an image or a context at hand.
var mounts = regexp.MustCompile(`/\S*/(merged|buildkit-mount\d+)/`)

// plain returns the engine's message as an error that has none of its types.
func plain(message string) error {
	message = mounts.ReplaceAllString(layers.Replace(message), "/")
	return errors.New(clean(strings.TrimSpace(message)))
}
