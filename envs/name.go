package envs

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
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
	sum := sha256.Sum256([]byte(account + "\x00" + application + "\x00" + feature + "\x00"))
	name := letters.EncodeToString(sum[:])[:hashLen]
	app := Prefix(application)
	if f := Slug(feature, maxName-hashLen-1-len(app)); f != "" {
		name = f + "-" + name
	}
	return app + name
}

// Prefix returns what the names of all environments of an application begin with, and those
// of applications that are called alike.
func Prefix(application string) string {
	if app := Slug(application, maxAppSlug); app != "" {
		return app + "-"
	}
	return ""
}

// Slug keeps what a host name may hold: lower-case letters and digits, with one hyphen
// for each run of anything else, at most limit bytes and no hyphen at either end.
func Slug(s string, limit int) string {
	var b strings.Builder
	gap := false
	for i := 0; i < len(s) && b.Len() < limit; i++ {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c < '0' || '9' < c && c < 'a' || 'z' < c {
			gap = true
			continue
		}
		if gap && b.Len() > 0 {
			b.WriteByte('-')
		}
		gap = false
		b.WriteByte(c)
	}
	s = b.String()
	return strings.TrimRight(s[:min(len(s), limit)], "-")
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
	}
	return nil
}

// VersionLabel returns the label of the version of an environment whose bundle has the
// given SHA-256 in hex. Equal bundles have equal labels.
func VersionLabel(name, digest string) string { return name + "-" + digest[:20] }

var versionSuffix = regexp.MustCompile(`^-[0-9a-f]{20}$`)

// IsVersionOf says whether label is one that VersionLabel makes for the named environment.
func IsVersionOf(label, name string) bool {
	rest, ok := strings.CutPrefix(label, name)
	return ok && versionSuffix.MatchString(rest)
}

// LocalTag returns what the engine keeps the newest image of the named environment under.
// An image's hyphens become underscores, so that no tag of an environment can be read as the
// tag of another whose name goes on where this one's ends.
func LocalTag(name, image string) string { return name + "-" + strings.ReplaceAll(image, "-", "_") }

var versionShape = regexp.MustCompile(`^(.+)-[0-9a-f]{20}$`)

// VersionOf returns the name of the environment that a version was made for, if label is one
// that VersionLabel makes for a name that Name makes.
func VersionOf(label string) (name string, ok bool) {
	m := versionShape.FindStringSubmatch(label)
	if m == nil || !nameShape.MatchString(m[1]) {
		return "", false
	}
	return m[1], true
}

// LiveTag returns the registry tag that keeps an image from expiring while the named
// environment lives on it.
func LiveTag(name, image, digest string) string {
	return "live-" + LocalTag(name, image) + "-" + strings.TrimPrefix(digest, "sha256:")[:12]
}

var imageSuffix = regexp.MustCompile(`^-[A-Za-z0-9_.]+-[0-9a-f]{12}$`)

// IsLiveTagOf says whether tag is one that LiveTag makes for the named environment.
func IsLiveTagOf(tag, name string) bool {
	rest, ok := strings.CutPrefix(tag, "live-"+name)
	return ok && imageSuffix.MatchString(rest)
}

var nameShape = regexp.MustCompile(`^([a-z0-9-]+-)?[a-z2-7]{10}$`)

// Named says whether an environment's name has the shape of one that Name makes and its
// CNAME is the one it was born with: whether it is worth asking for its tags.
func Named(e Env) bool { return nameShape.MatchString(e.Name) && e.bornWithCNAME() }
