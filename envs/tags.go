package envs

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The tags of an environment, written once at its creation: a tag write later is a full
// update of the environment and collides with deploys (developer guide, "Tagging resources").
const (
	TagFeature   = "beansprout:feature"
	TagCreated   = "beansprout:created"
	TagLifecycle = "beansprout:lifecycle"
	TagOwner     = "beansprout:owner"
	TagTTL       = "beansprout:ttl"    // the Days of the launch, as in "5d"
	TagSource    = "beansprout:source" // what the feature is
)

// Values of TagSource: what the feature is named after.
const (
	SourceBranch = "branch" // of the repository itself
	SourceFork   = "fork"   // a branch of a fork
	SourceName   = "name"   // a name that a person chose
)

// Values of TagLifecycle.
const (
	Ephemeral = "ephemeral"
	Keep      = "keep" // set by hand: this environment is never removed
)

// maxTagValue is the longest tag value in characters: the API says 256, the guide and
// the EB CLI say 255; the smaller one is legal under both.
const maxTagValue = 255

// Tags are the tags of one environment.
type Tags map[string]string

// NewTags returns the tags for a new environment of ours. It leaves out an empty owner,
// because AWS refuses empty values.
func NewTags(feature, owner string, created time.Time) Tags {
	t := Tags{
		TagCreated:   created.UTC().Format(time.RFC3339),
		TagLifecycle: Ephemeral,
	}
	t.put(TagFeature, feature)
	if owner != "" {
		t.put(TagOwner, owner)
	}
	return t
}

// put encodes a value, and spreads one that is too long for one tag over key, key:2, key:3
// and so on. There every space is escaped: AWS may trim one at an end.
func (t Tags) put(key, value string) {
	if value = encode(value); len(value) > maxTagValue {
		value = strings.ReplaceAll(value, " ", "=20")
	}
	for n, k := 1, key; value != ""; n++ {
		if n > 1 {
			k = key + ":" + strconv.Itoa(n)
		}
		cut := min(len(value), maxTagValue)
		for cut < len(value) && !utf8.RuneStart(value[cut]) {
			cut--
		}
		t[k], value = value[:cut], value[cut:]
	}
}

// get is the reverse of put; a missing key is the empty string.
func (t Tags) get(key string) string {
	value := t[key]
	for n := 2; value != ""; n++ {
		more, ok := t[key+":"+strconv.Itoa(n)]
		if !ok {
			break
		}
		value += more
	}
	return value
}

// Feature returns the feature that the tags name.
func (t Tags) Feature() (string, error) {
	if t.get(TagFeature) == "" {
		return "", errors.New("it has no tag " + TagFeature)
	}
	feature, err := decode(t.get(TagFeature))
	if err != nil {
		return "", fmt.Errorf("its tag %s: %w", TagFeature, err)
	}
	return feature, nil
}

// Owner returns the owner that the tags name, or "".
func (t Tags) Owner() string {
	owner, err := decode(t.get(TagOwner))
	if err != nil {
		return ""
	}
	return owner
}

// Source returns what the feature is named after, as its tag says: SourceBranch, SourceFork or SourceName,
// or "" if that is not known.
func (t Tags) Source() string {
	switch source := t[TagSource]; source {
	case SourceBranch, SourceFork, SourceName:
		return source
	}
	return ""
}

// ttl returns the Days of the launch as text, or "".
func (t Tags) ttl() string {
	ttl, err := decode(t.get(TagTTL))
	if err != nil {
		return ""
	}
	return ttl
}

// Protected reports whether the environment's tag protects it. Only people set the tag.
func (t Tags) Protected() bool { return strings.EqualFold(strings.TrimSpace(t[TagLifecycle]), Keep) }

// encode writes s in AWS's tag alphabet: letters and digits of any script, inner spaces
// and _.:/+-@ stand for themselves, every byte of anything else is "=" and two hex digits.
// '=' is in AWS's alphabet too, which is what makes it fit as the escape.
func encode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		plain := (r != utf8.RuneError || n > 1) && (unicode.IsLetter(r) || unicode.IsNumber(r) || strings.ContainsRune("_.:/+-@", r))
		// AWS may trim spaces at the ends, and refuses values that begin with its own prefix.
		plain = plain || r == ' ' && i > 0 && i+1 < len(s)
		plain = plain && (i > 0 || !reserved(s))
		if plain {
			b.WriteString(s[i : i+n])
		} else {
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&b, "=%02X", c)
			}
		}
		i += n
	}
	return b.String()
}

func reserved(s string) bool {
	s = strings.ToLower(s)
	return strings.HasPrefix(s, "aws:") || strings.HasPrefix(s, "elasticbeanstalk:")
}

// decode is the reverse of encode.
func decode(s string) (string, error) {
	var b strings.Builder
	for {
		plain, rest, escaped := strings.Cut(s, "=")
		b.WriteString(plain)
		if !escaped {
			return b.String(), nil
		}
		if len(rest) < 2 {
			return "", fmt.Errorf("%q ends within an escape", s)
		}
		c, err := strconv.ParseUint(rest[:2], 16, 8)
		if err != nil {
			return "", fmt.Errorf("%q is not an escape", "="+rest[:2])
		}
		b.WriteByte(byte(c))
		s = rest[2:]
	}
}

// Verify reports whether the environment is ours: it has our tags, its name is the one
// computed from them, and its CNAME is the one it was born with. A clone fails the second
// test (the console copies tags), a swapped environment, which may carry production by
// now, the third. On success it returns the environment with what its tags say filled
// in; otherwise the error wraps ErrNotOurs and says why.
func Verify(account string, e Env, tags Tags) (Env, error) {
	refuse := func(reason string) (Env, error) {
		return e, fmt.Errorf("%w: %s", ErrNotOurs, reason)
	}
	feature, err := tags.Feature()
	if err != nil {
		return refuse(err.Error())
	}
	for _, key := range []string{TagCreated, TagLifecycle} {
		if tags[key] == "" {
			return refuse("it has no tag " + key)
		}
	}
	if !IsName(e.Name, account, e.Application, feature) {
		return refuse(fmt.Sprintf("its tags are those of %s, the environment of feature %q: it looks like a clone", Name(account, e.Application, feature), feature))
	}
	e.Feature = feature
	e.Owner = cmp.Or(e.Owner, tags.Owner())
	if bornWithCNAME(e) {
		return e, nil
	}
	return e, fmt.Errorf("%w: %w: %s", ErrNotOurs, ErrMoved, elsewhere(e))
}

// Moved returns a reason if the environment no longer has the address of its creation. Such an
// environment is never changed. It returns "" otherwise, and during a launch or a termination.
func Moved(e Env) string {
	if bornWithCNAME(e) || e.State == Launching || e.State.Gone() {
		return ""
	}
	return ErrMoved.Error() + ": " + elsewhere(e)
}

// elsewhere describes the address of an environment that has lost its own.
func elsewhere(e Env) string {
	if e.CNAME == "" {
		return "it has none: it looks swapped, or like a worker"
	}
	return fmt.Sprintf("its CNAME %q is not the one it was born with: it looks swapped", e.CNAME)
}

// bornWithCNAME reports whether the environment still has the CNAME of its creation.
func bornWithCNAME(e Env) bool {
	host, _, _ := strings.Cut(e.CNAME, ".")
	return strings.EqualFold(host, e.Name)
}
