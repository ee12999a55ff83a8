package beanstalk

import (
	"encoding/base64"
	"maps"
	"strings"
	"unicode"

	"beansprout/localcloud/wire"
	"beansprout/pattern"
)

// tag is a tag on the wire.
type tag struct {
	Key   string `aws:"required,min=1,max=128"`
	Value string `aws:"required,min=1,max=256"`
}

// maxTags is how many tags an environment may have besides the system's three.
const maxTags = 47

var hyphenated = pattern.New(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`)

// checkHyphenated refuses an invalid environment name or CNAME prefix. It does not check the length.
func checkHyphenated(member, value string) error {
	if hyphenated.MatchString(value) {
		return nil
	}
	return invalid("Value %s at '%s' failed to satisfy constraint: Member must contain only letters, digits, and the dash character "+
		"and may not start or end with a dash", value, member)
}

// checkPlain refuses names of applications, versions and templates that an ARN could not contain.
func checkPlain(member, value string) error {
	if !strings.ContainsRune(value, '/') && !strings.ContainsFunc(value, unicode.IsControl) {
		return nil
	}
	return invalid("Value %q at '%s' failed to satisfy constraint: Member must not contain '/' or control characters", value, member)
}

// addTags returns tags and more together. It refuses keys and values with other characters than
// AWS's, prefixes that are AWS's own, and more than maxTags.
func addTags(tags map[string]string, more []tag) (map[string]string, error) {
	out := maps.Clone(tags)
	if out == nil {
		out = map[string]string{}
	}
	seen := map[string]bool{}
	for _, t := range more {
		if err := t.check(); err != nil {
			return nil, err
		}
		if seen[t.Key] {
			return nil, invalid("Duplicate tag key '%s'.", t.Key)
		}
		seen[t.Key], out[t.Key] = true, t.Value
	}
	if len(out) > maxTags {
		return nil, wire.Errorf("TooManyTagsException", "The number of tags exceeds the limit of %d tags that can be added.", maxTags)
	}
	return out, nil
}

func (t tag) check() error {
	for _, s := range []string{t.Key, t.Value} {
		if strings.ContainsFunc(s, func(r rune) bool { return !inTag(r) }) {
			return invalid("Tag '%s' contains characters other than letters, numbers, white space and _ . : / = + - @", s)
		}
	}
	return checkReserved(t.Key)
}

func checkReserved(key string) error {
	key = strings.ToLower(key)
	for _, prefix := range []string{"aws:", "elasticbeanstalk:"} {
		if strings.HasPrefix(key, prefix) {
			return invalid("Tag keys that begin with '%s' are reserved for system use.", prefix)
		}
	}
	return nil
}

func inTag(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSpace(r) || strings.ContainsRune("_.:/=+-@", r)
}

func sameTags(a, b map[string]string) bool { return maps.Equal(a, b) }

func writeToken(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

func readToken(token string) (string, error) {
	key, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", invalid("The NextToken '%s' is not valid.", token)
	}
	return string(key), nil
}
