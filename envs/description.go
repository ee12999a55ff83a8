package envs

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"beansprout/pattern"
	"beansprout/visible"
)

const (
	// maxDescription is the longest description in characters that Beanstalk takes.
	maxDescription = 200
	// maxCommit is the longest commit in characters that a description holds: a SHA-256 and more.
	maxCommit = 80

	uncommitted = "uncommitted"
)

// Description is what a deploy writes into the description of an environment, and, without TTL and
// Settings, into that of a version. Empty fields are left out.
type Description struct {
	Feature  string
	Commit   string
	TTL      string // the Days of the deploy, as in "5d"
	Settings string // SettingsDigest of the settings that are ours
	Owner    string
}

// String returns "<feature> @ <commit> for <TTL> ~<digest> by <owner>". The console shows it,
// and Recognize reads it back, so that a list needs no tags. If it is too long, it cuts first the
// owner and then the feature.
func (d Description) String() string {
	facts := " @ " + cmp.Or(visible.Cut(strings.Join(strings.Fields(printable(d.Commit)), "_"), maxCommit), uncommitted)
	if d.TTL != "" {
		facts += " for " + d.TTL
	}
	if d.Settings != "" {
		facts += " ~" + d.Settings
	}
	feature := printable(d.Feature)
	room := maxDescription - utf8.RuneCountInString(facts)
	if utf8.RuneCountInString(feature) > room {
		return visible.Cut(feature, room) + facts
	}
	owner := ""
	if d.Owner != "" {
		owner = visible.Cut(" by "+printable(d.Owner), room-utf8.RuneCountInString(feature))
	}
	return feature + facts + owner
}

// printable returns s as one line that AWS accepts.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
}

// Recognize returns the environment with the fields from its description. It returns false unless
// the description's feature gives the environment's name, and its CNAME is that of its creation.
func Recognize(account string, e Env) (Env, bool) {
	if !bornWithCNAME(e) {
		return e, false
	}
	return Described(account, e)
}

// Described is like Recognize but does not check the CNAME.
func Described(account string, e Env) (Env, bool) {
	const at = " @ "
	for i := 0; ; i += len(at) {
		n := strings.Index(e.Description[i:], at)
		if n < 0 {
			return e, false
		}
		i += n
		if feature := e.Description[:i]; IsName(e.Name, account, e.Application, feature) {
			e.Feature = feature
			return deployed(e, e.Description[i+len(at):]), true
		}
	}
}

// ParseDeployed returns an environment whose feature is known with the other fields from its
// description, even if the description has only the beginning of the feature.
func ParseDeployed(e Env, feature string) Env {
	e.Feature = feature
	if facts, ok := strings.CutPrefix(e.Description, feature+" @ "); ok {
		return deployed(e, facts)
	}
	if i := strings.LastIndex(e.Description, visible.Ellipsis+" @ "); i >= 0 && strings.HasPrefix(feature, e.Description[:i]) {
		return deployed(e, e.Description[i+len(visible.Ellipsis+" @ "):])
	}
	return e
}

// deployedShape is what stands between the feature and the owner. Older versions wrote the
// commit alone.
var deployedShape = pattern.New(`^(\S+)(?: for (` + daysShape + `))?(?: ~([0-9a-f]{20}))?$`)

// deployed fills in what stands behind the feature. The owner may be anything, and ends it.
func deployed(e Env, s string) Env {
	facts, owner, _ := strings.Cut(s, " by ")
	e.Commit, e.Owner = facts, owner
	if m := deployedShape.FindStringSubmatch(facts); m != nil {
		e.Commit, e.TTL, e.Settings = m[1], m[2], m[3]
	}
	if e.Commit == uncommitted {
		e.Commit = ""
	}
	return e
}

// dirty ends what stands for a commit, where the working tree had changes besides it.
const dirty = "+dirty"

// Dirty returns the name of a tree with uncommitted changes to the commit.
func Dirty(commit string) string { return commit + dirty }

// SameWork reports whether two commits are certainly the same source: both are known, equal and
// without uncommitted changes, which may differ.
func SameWork(a, b string) bool { return a != "" && a == b && !strings.HasSuffix(a, dirty) }

// ShortCommit returns a commit as people write it, with so many digits.
func ShortCommit(commit string, digits int) string {
	hash, changed := strings.CutSuffix(commit, dirty)
	if hash = hash[:min(len(hash), digits)]; changed {
		return Dirty(hash)
	}
	return hash
}
