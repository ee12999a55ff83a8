package envs

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDescription is the longest description in characters that Beanstalk takes.
const maxDescription = 200

// Describe returns the description that a deploy writes: "<feature> @ <commit> by <owner>".
// The console shows it, and Recognize reads it back, so that a list needs no tags.
func Describe(feature, commit, owner string) string {
	if commit == "" {
		commit = "uncommitted"
	}
	d := feature + " @ " + commit
	if owner != "" {
		d += " by " + owner
	}
	d = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, d)
	if utf8.RuneCountInString(d) > maxDescription {
		d = string([]rune(d)[:maxDescription-1]) + "…"
	}
	return d
}

// Recognize fills in what the environment's description says about feature, commit and
// owner. It believes the description only where the name computed from the feature is the
// environment's own and its CNAME is the one it was born with; otherwise it returns false.
func Recognize(account string, e Env) (Env, bool) {
	if !e.bornWithCNAME() {
		return e, false
	}
	const at = " @ "
	for i := 0; ; i += len(at) {
		n := strings.Index(e.Description[i:], at)
		if n < 0 {
			return e, false
		}
		i += n
		if feature := e.Description[:i]; Name(account, e.Application, feature) == e.Name {
			e.Feature = feature
			e.Commit, e.Owner = deployed(e.Description[i+len(at):])
			return e, true
		}
	}
}

// ParseDeployed fills in the commit and owner that the description of an environment names
// whose feature is known.
func ParseDeployed(e Env, feature string) Env {
	e.Feature = feature
	if rest, ok := strings.CutPrefix(e.Description, feature+" @ "); ok {
		e.Commit, e.Owner = deployed(rest)
	}
	return e
}

func deployed(s string) (commit, owner string) {
	commit, owner, _ = strings.Cut(s, " by ")
	if commit == "uncommitted" {
		commit = ""
	}
	return commit, owner
}
