package checkout

import (
	"context"
	"errors"
	"os"
	"strings"
	"unicode"

	"beansprout/pattern"
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
	printed, err := command(ctx, dir, append(os.Environ(), "LC_ALL=C"), "config", "--get", "user.name")
	if err != nil && !hasNone(err) {
		return "", err
	}
	if name := person(printed); name != "" {
		return name, nil
	}
	return "", ErrNoUser
}

// What is kept of texts, in characters.
const (
	maxPerson  = 100
	maxSubject = 200
	maxEmail   = 254 // RFC 5321
)

// person makes one readable line of a name.
func person(s string) string { return line(s, maxPerson) }

// email returns an address as it is, or "" if it can be none.
func email(s string) string {
	if !emailPattern.MatchString(s) || len(s) > maxEmail {
		return ""
	}
	return s
}

var emailPattern = pattern.New(`^[^\s\pC<>@",;:|&\\]+@[A-Za-z0-9][A-Za-z0-9.-]*$`)

// line makes one readable line of at most maxRunes characters.
func line(s string, maxRunes int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxRunes {
		s = strings.TrimSpace(string(r[:maxRunes-1])) + "…"
	}
	return s
}
