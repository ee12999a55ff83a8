package builder

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// saying is how an engine or a registry puts what its user can do something about.
type saying struct {
	words *regexp.Regexp
	means error
}

var (
	// machine is what the engine's machine can't do.
	machine = []saying{
		{regexp.MustCompile(`(?i)no space left on device`), ErrNoSpace},
		{regexp.MustCompile(`(?i)exec format error`), ErrForeign},
	}
	// pushes are from the ECR user guide, "Troubleshooting errors with Docker commands when
	// using Amazon ECR", and from the registry's protocol.
	pushes = slices.Concat(machine, []saying{
		{regexp.MustCompile(`(?i)authorization token has expired|unauthorized|no basic auth credentials|authentication required|HTTP 401\b`), ErrExpired},
		{regexp.MustCompile(`(?i)\bdenied\b|not authorized|403 Forbidden|HTTP 403\b`), ErrDenied},
		{regexp.MustCompile(`(?i)tag is immutable|repository is immutable|tag invalid.*already exists`), ErrTagTaken},
	})
	// pulls are of base images.
	pulls = slices.Concat(machine, []saying{
		{regexp.MustCompile(`(?i)unauthorized|no basic auth credentials|authorization (token|failed)|\bdenied\b|40[13] `), ErrNoBase},
	})
)

// recognize makes an error that errors.Is knows of one that has one of the sayings in its text.
func recognize(err error, text string, sayings []saying) error {
	for _, s := range sayings {
		if s.words.MatchString(text) {
			return recognized{err, s.means}
		}
	}
	return err
}

// recognized is an error in its own words.
type recognized struct {
	error
	kind error
}

// Is says whether target is what the error has been recognized as.
func (r recognized) Is(target error) bool { return target == r.kind }

func (r recognized) Unwrap() error { return r.error }

// hiccups are what a registry or the way to it says that may say something else in a moment.
var hiccups = regexp.MustCompile(`(?i)HTTP (status:? )?5\d\d|status code 5\d\d|internal ?server ?error|service unavailable|bad gateway|gateway time-?out|` +
	`toomanyrequests|429 Too Many Requests|connection (refused|reset)|broken pipe|i/o timeout|TLS handshake timeout|unexpected EOF|: EOF|tag does not exist|does not exist locally`)

// passing says whether an error may pass by itself.
func passing(err error) bool {
	kind := recognized{}
	return !errors.As(err, &kind) && !errors.Is(err, ErrNoEngine) && hiccups.MatchString(err.Error())
}

// exhausted marks an error that might have passed by itself and has not.
func exhausted(err error) error {
	if passing(err) {
		return fmt.Errorf("%w: %w", ErrUnwell, err)
	}
	return err
}
