package envs

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mozillazg/go-unidecode"
	"golang.org/x/text/unicode/norm"

	"beansprout/pattern"
	"beansprout/visible"
)

const (
	maxName    = 40 // EnvironmentName: 4-40 letters, digits and hyphens (API reference, CreateEnvironment)
	maxAppSlug = 12
	hashLen    = 10
	// maxFeature is the longest feature name in bytes. Git itself can't store a branch whose
	// single path elements are longer than a file name; this leaves room for deep ones.
	maxFeature = 1024
)

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Name returns the name of the environment of a feature, which is its CNAME prefix too:
// the slugs of application and feature for people to read, and a hash over account,
// application and feature that keeps any two features apart whose slugs are the same.
func Name(account, application, feature string) string {
	return name(account, application, feature, Transliterate)
}

// FormerName returns the name that versions gave which left other scripts out of the slugs.
// Features and applications in ASCII have kept theirs.
func FormerName(account, application, feature string) string {
	return name(account, application, feature, Slug)
}

// IsName reports whether an environment of that name was made for the feature.
func IsName(name, account, application, feature string) bool {
	return name == Name(account, application, feature) || name == FormerName(account, application, feature)
}

type slugger func(s string, limit int) string

func name(account, application, feature string, slug slugger) string {
	sum := sha256.Sum256([]byte(account + "\x00" + application + "\x00" + feature + "\x00"))
	name := letters.EncodeToString(sum[:])[:hashLen]
	app := prefix(application, slug)
	if f := slug(feature, maxName-hashLen-1-len(app)); f != "" {
		name = f + "-" + name
	}
	return app + name
}

func prefix(application string, slug slugger) string {
	if app := slug(application, maxAppSlug); app != "" {
		return app + "-"
	}
	return ""
}

// HasPrefix reports whether a name begins as those of all environments of an application do, and
// those of applications that are called alike.
func HasPrefix(name, application string) bool {
	return strings.HasPrefix(name, prefix(application, Transliterate)) || strings.HasPrefix(name, prefix(application, Slug))
}

// CheckFeature reports why s can't be the name of a feature, or nil.
func CheckFeature(s string) error {
	switch {
	case s == "":
		return errors.New("the feature has no name")
	case len(s) > maxFeature:
		return fmt.Errorf("the feature's name has %d bytes, the limit is %d", len(s), maxFeature)
	case !utf8.ValidString(s):
		return fmt.Errorf("the feature's name %q is not UTF-8", s)
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("the feature's name %q has a control character", s)
	case !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsSpace(r) && !visible.Invisible(r) }):
		return fmt.Errorf("the feature's name %q is blank", s)
	}
	return nil
}

// VersionLabel returns the label of the version of an environment whose bundle has the
// given SHA-256 in hex. Equal bundles have equal labels.
func VersionLabel(name, digest string) string { return name + "-" + digest[:20] }

var versionSuffix = pattern.New(`^-[0-9a-f]{20}$`)

// IsVersionOf reports whether VersionLabel makes such labels for the named environment.
func IsVersionOf(label, name string) bool {
	rest, ok := strings.CutPrefix(label, name)
	return ok && versionSuffix.MatchString(rest)
}

// Versions returns IsVersionOf for the named environment.
func Versions(name string) func(label string) bool {
	return func(label string) bool { return IsVersionOf(label, name) }
}

// LocalTag returns what the engine keeps the newest image of the named environment under.
// An image's hyphens become underscores, so that no tag of an environment can be read as the
// tag of another whose name goes on where this one's ends.
func LocalTag(name, image string) string { return name + "-" + strings.ReplaceAll(image, "-", "_") }

var versionShape = pattern.New(`^(.+)-[0-9a-f]{20}$`)

// VersionOf returns the name of the environment that a version was made for, if label is one
// that VersionLabel makes for a name that Name makes.
func VersionOf(label string) (name string, ok bool) {
	m := versionShape.FindStringSubmatch(label)
	if m == nil || !nameShape.MatchString(m[1]) {
		return "", false
	}
	return m[1], true
}

var nameShape = pattern.New(`^([a-z0-9-]+-)?[a-z2-7]{10}$`)

// Named reports whether an environment's name has the shape that Name gives and its CNAME is still
// the one of its creation. Only then can its tags prove that it is ours.
func Named(e Env) bool { return nameShape.MatchString(e.Name) && bornWithCNAME(e) }

// NameShaped reports whether an environment's name alone has that shape.
func NameShaped(name string) bool { return nameShape.MatchString(name) }

// Slug keeps what a host name may hold: lower-case letters and digits, with one hyphen
// for each run of anything else, at most limit bytes and no hyphen at either end.
func Slug(s string, limit int) string {
	b := slugBuilder{limit: limit}
	for i := range len(s) {
		if !b.add(s[i:i+1], false) {
			break
		}
	}
	return b.String()
}

var quotes = strings.NewReplacer("'", "", `"`, "", "`", "")

// Transliterate is Slug with the letters of other scripts spelt in Latin ones: 로그인 is rogeuin,
// however its syllables are encoded. It is cut at the end of a syllable.
func Transliterate(s string, limit int) string {
	b := slugBuilder{limit: limit}
	for _, r := range norm.NFC.String(s) {
		text, joined := string(r), false
		if r > unicode.MaxASCII {
			// Quotes stand for sounds that have no letter, and some letters are not spelt at all.
			text = quotes.Replace(unidecode.Unidecode(text))
			joined = unicode.In(r, unicode.Letter, unicode.Mark)
		}
		if !b.add(text, joined) {
			break
		}
	}
	return b.String()
}

// slugBuilder puts a slug together, whose hyphens wait for what they divide.
type slugBuilder struct {
	strings.Builder
	limit int
	gap   bool // something was left out since the last letter
}

// add appends a syllable as a whole, and reports whether there was room. What has no letters is a
// gap unless it is joined to what stands beside it.
func (b *slugBuilder) add(text string, joined bool) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return (r < 'a' || 'z' < r) && (r < '0' || '9' < r) })
	if len(words) == 0 {
		b.gap = b.gap || !joined || text != ""
		return true
	}
	syllable := strings.Join(words, "-")
	b.gap = b.gap || !strings.HasPrefix(strings.ToLower(text), words[0])
	if b.gap && b.Len() > 0 {
		syllable = "-" + syllable
	}
	if b.Len()+len(syllable) > b.limit {
		if b.Len() == 0 {
			b.WriteString(strings.TrimRight(syllable[:b.limit], "-"))
		}
		return false
	}
	b.WriteString(syllable)
	b.gap = !strings.HasSuffix(strings.ToLower(text), words[len(words)-1])
	return true
}
