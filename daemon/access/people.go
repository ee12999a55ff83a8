package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"beansprout/visible"
)

// A Person may log in with a token of their own.
type Person struct{ Name, Token string }

const (
	minToken = 16  // characters
	maxToken = 500 // characters
	maxName  = 80  // characters of a person's name
)

// ParsePeople reads people, NAME:TOKEN each, separated by commas or line ends. A line that begins with # is a
// comment. The errors name no token.
func ParsePeople(text string) ([]Person, error) {
	var people []Person
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for entry := range strings.SplitSeq(line, ",") {
			if entry = strings.TrimSpace(entry); entry == "" {
				continue
			}
			name, token, ok := strings.Cut(entry, ":")
			if !ok {
				return nil, fmt.Errorf("entry %d is not NAME:TOKEN", len(people)+1)
			}
			people = append(people, Person{strings.TrimSpace(name), strings.TrimSpace(token)})
		}
	}
	return people, nil
}

// knownPerson is a person with what their token is compared by.
type knownPerson struct {
	name string
	hash [sha256.Size]byte
}

// know checks people.
func know(people []Person) ([]knownPerson, error) {
	var known []knownPerson
	for i, p := range people {
		if err := checkName(p.Name); err != nil {
			return nil, fmt.Errorf("the name of person %d %w", i+1, err)
		}
		if err := checkToken(p.Token); err != nil {
			return nil, fmt.Errorf("the token of %s %w", p.Name, err)
		}
		k := knownPerson{p.Name, sha256.Sum256([]byte(p.Token))}
		for _, other := range known {
			if other.name == k.name {
				return nil, fmt.Errorf("%s is listed twice", p.Name)
			}
			if other.hash == k.hash {
				return nil, fmt.Errorf("%s and %s have the same token", other.name, p.Name)
			}
		}
		known = append(known, k)
	}
	return known, nil
}

// checkName refuses what would not be read as a name in a history or a message. Its errors go on after "the name".
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("is empty")
	case visible.Line(name, maxName) != name || visible.Text(name) != name:
		return fmt.Errorf("has more than %d characters, or some that are not printable", maxName)
	}
	return nil
}

// checkToken refuses a token that could be guessed or mistyped. Its errors go on after "the token".
func checkToken(token string) error {
	if len(token) < minToken || len(token) > maxToken {
		return fmt.Errorf("has %d characters; it needs %d to %d", len(token), minToken, maxToken)
	}
	if strings.Trim(token, tokenLetters) != "" {
		return errors.New("has characters other than printable ones of ASCII")
	}
	return nil
}

const tokenLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!\"#$%&'()*+-./:;<=>?@[\\]^_`{|}~"

// whose returns the name of the person whose token it is. It takes as long for every token.
func (g *Gate) whose(token string) (name string, ok bool) {
	hash := sha256.Sum256([]byte(token))
	for _, p := range g.people {
		if subtle.ConstantTimeCompare(p.hash[:], hash[:]) == 1 {
			name, ok = p.name, true
		}
	}
	return name, ok
}

// hasBearer reports whether a request has the token of the metrics.
func (g *Gate) hasBearer(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	hash := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(hash[:], g.metrics[:]) == 1
}
