package builder

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"beansprout/builder/fingerprint"
	"beansprout/pattern"
)

// Errors to be told apart with errors.Is. Their texts say when they are reported; "it" is the engine.
var (
	// ErrNoEngine is reported when no Docker Engine can be reached, or when it is gone.
	ErrNoEngine          = errors.New("no Docker Engine")
	ErrTooOld            = errors.New("has no BuildKit")
	ErrSocket            = errors.New("this user may not use its socket")
	ErrWantsTLS          = errors.New("it accepts only TLS")
	ErrNoTLS             = errors.New("it has no TLS")
	ErrCertificate       = errors.New("its certificate is not trusted")
	ErrClientCertificate = errors.New("it wants a certificate from its clients")
	// ErrAPIVersion is reported when the engine does not have the version of the API that
	// DOCKER_API_VERSION names.
	ErrAPIVersion    = errors.New("it does not have that version of the API")
	ErrPodman        = errors.New("is Podman's, which has no BuildKit")
	ErrOtherLoopback = errors.New("does not share this machine's loopback")
	ErrFileName      = fingerprint.ErrFileName
	// ErrOldFrontend is reported when the engine does not know something in the Dockerfile.
	ErrOldFrontend  = errors.New("the engine does not know that")
	ErrNoFrontend   = errors.New("the frontend of the Dockerfile cannot be fetched")
	ErrNoKey        = errors.New("the build has no such SSH key")
	ErrNoDockerfile = fingerprint.ErrNoDockerfile
	ErrNoContext    = fingerprint.ErrNoContext
	ErrUnreadable   = fingerprint.ErrUnreadable
	// ErrNothingToCopy is reported when a COPY or ADD finds no file.
	ErrNothingToCopy = errors.New("nothing to copy")
	// ErrNoBase is reported when the registry of a base image refuses it.
	ErrNoBase   = errors.New("access to the base image is denied")
	ErrPlatform = errors.New("the image is for another platform")
	ErrForeign  = errors.New("the engine can't run programs of that platform")
	ErrNoSpace  = errors.New("no space left")
	// ErrExpired is reported when a registry does not accept the credentials, or no longer.
	ErrExpired = errors.New("the registry does not know the credentials")
	// ErrDenied is reported when a registry accepts the credentials but denies the action.
	ErrDenied   = errors.New("the registry refused")
	ErrTagTaken = errors.New("the tag is on another image and the repository's tags are immutable")
	ErrPruned   = errors.New("another process removes the image while it is made")
	// ErrUnwell is reported when the registry can't be reached, or keeps failing.
	ErrUnwell = errors.New("the registry does not work")
)

// BuildError says why an image could not be made: something is missing, or a command failed.
type BuildError struct {
	Image    string // Source.Name; "" for what Prepare ran
	Step     string // what failed: the prepare command, or a step as BuildKit names it ("[2/3] RUN go vet"); may be empty
	Output   string // the last lines that the step printed, free of control characters
	ExitCode int    // of the command that failed; 0 if none did
	Err      error
}

// Reason returns in one line what failed.
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

// wrappers are BuildKit's prefixes that say nothing about the cause.
var wrappers = strings.NewReplacer(
	"Error response from daemon: ", "",
	"rpc error: code = Unknown desc = ", "",
	"failed to solve with frontend dockerfile.v0: ", "",
	"failed to solve: ", "",
	"failed to create LLB definition: ", "",
	"failed to compute cache key: ", "",
	"failed to load cache key: ", "",
	"not found: not found", "not found",
)

// mounts matches the directories where the engine has mounted an image or a context.
var mounts = pattern.New(`/\S*/(merged|buildkit-mount\d+)/`)

// plain returns the engine's message as an error, without prefixes and control characters.
func plain(message string) error {
	message = mounts.ReplaceAllString(wrappers.Replace(message), "/")
	return errors.New(clean(strings.TrimSpace(message)))
}

// knownError recognizes an error about which the user can do something by its text.
type knownError struct {
	pattern *pattern.Pattern
	kind    error
}

var (
	// hostErrors are about the engine's machine.
	hostErrors = []knownError{
		{pattern.New(`(?i)no space left on device`), ErrNoSpace},
		{pattern.New(`(?i)exec format error`), ErrForeign},
	}
	// connectionErrors are about the connection to the engine.
	connectionErrors = []knownError{
		{pattern.New(`(?i)permission denied`), ErrSocket},
		{pattern.New(`(?i)HTTP request to an HTTPS server|malformed HTTP response`), ErrWantsTLS},
		{pattern.New(`(?i)HTTP response to HTTPS client|first record does not look like a TLS handshake`), ErrNoTLS},
		{pattern.New(`(?i)remote error: tls: .*certificate`), ErrClientCertificate},
		{pattern.New(`(?i)x509: |failed to verify certificate`), ErrCertificate},
		{pattern.New(`(?i)client version .* is too (new|old)`), ErrAPIVersion},
	}
	// frontendErrors are about what the engine's BuildKit does not know.
	frontendErrors = []knownError{
		{pattern.New(`(?i)\bunknown (flag|instruction|type|option)\b|unsupported mount type|unexpected key '|Dockerfile parse error.*heredoc`), ErrOldFrontend},
	}
	// sshErrors are about RUN --mount=type=ssh.
	sshErrors = []knownError{{pattern.New(`(?i)no SSH key .* forwarded from the client`), ErrNoKey}}
	// pushErrors are about pushes. Their texts are from the ECR user guide, "Troubleshooting errors with Docker commands when
	// using Amazon ECR", and from the registry's protocol.
	pushErrors = slices.Concat(hostErrors, []knownError{
		{pattern.New(`(?i)authorization token has expired|unauthorized|no basic auth credentials|authentication required|HTTP 401\b`), ErrExpired},
		{pattern.New(`(?i)\bdenied\b|not authorized|403 Forbidden|HTTP 403\b`), ErrDenied},
		{pattern.New(`(?i)tag is immutable|repository is immutable|tag invalid.*already exists`), ErrTagTaken},
	})
	// pullErrors are about base images.
	pullErrors = slices.Concat(hostErrors, frontendErrors, sshErrors, []knownError{
		{pattern.New(`(?i)unauthorized|no basic auth credentials|authorization (token|failed)|\bdenied\b|40[13] `), ErrNoBase},
	})
)

// recognize returns err, as the first known error whose pattern matches the text.
func recognize(err error, text string, known []knownError) error {
	for _, k := range known {
		if k.pattern.MatchString(text) {
			return recognized{err, k.kind}
		}
	}
	return err
}

// recognized is an error that keeps its own text and is also of a known kind.
type recognized struct {
	error
	kind error
}

// Is reports whether target is the kind of the error.
func (r recognized) Is(target error) bool { return target == r.kind }

func (r recognized) Unwrap() error { return r.error }

// transientErrors matches errors of a registry or of the network that a second attempt may not have.
var transientErrors = pattern.New(`(?i)HTTP (status:? )?5\d\d|status code 5\d\d|internal ?server ?error|service unavailable|bad gateway|gateway time-?out|` +
	`toomanyrequests|429 Too Many Requests|connection (refused|reset)|broken pipe|i/o timeout|TLS handshake timeout|unexpected EOF|: EOF|tag does not exist|does not exist locally`)

// transient reports whether a second attempt may succeed.
func transient(err error) bool {
	kind := recognized{}
	return !errors.As(err, &kind) && !errors.Is(err, ErrNoEngine) && transientErrors.MatchString(err.Error())
}

// afterRetries marks a transient error of the registry that all attempts had as ErrUnwell.
func afterRetries(err error) error {
	if transient(err) && !pruned(err) {
		return fmt.Errorf("%w: %w", ErrUnwell, err)
	}
	return err
}

// prunedErrors matches what the engine answers when an image that was just built is gone. Another
// process that builds the same content has the same image, and may prune it: the engine fails to
// export, tag, inspect or push it, depending on the moment.
var prunedErrors = pattern.New(`(?i)failed to get digest sha256:|no such image: |image does not exist locally`)

// pruned reports whether the image must be built again because another process has removed it.
func pruned(err error) bool { return err != nil && prunedErrors.MatchString(err.Error()) }
