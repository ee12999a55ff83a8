package pullrequest

import (
	"fmt"
	"strings"
	"time"

	"beansprout/envs"
	"beansprout/visible"
)

// Hints are the commands that a comment tells its readers, each for a feature. One that is nil is left out.
type Hints struct {
	Extend, Remove, Restore func(feature string) string
}

const (
	// maxReason is how many characters of why something failed, with the logs, are shown: GitHub takes
	// 65,536 in a comment.
	maxReason = 20_000
	markBegin = "<!-- beansprout: "
	markEnd   = " -->\n\n"
)

// mark begins the comments about an environment. It is not shown. Region and name tell the environment apart
// from all others of an account, and a hash in the name from those of other accounts.
func mark(n envs.News) string { return markBegin + n.Environment + markEnd }

// moved says that the comment is elsewhere now.
func moved(word string, to place) string {
	return fmt.Sprintf("➡️ **Moved**: what is new is told in %s %d.\n", word, to.number)
}

// Text returns what a comment says about the news, in Markdown. Nothing that others have written can mention
// people, refer to something, run a command, link or format.
func Text(n envs.News, h Hints) string {
	parts := []string{lead(n), details(n)}
	if n.State == envs.NewsFailed || n.State == envs.NewsRemoved || n.State == envs.NewsExpiring {
		parts = append(parts, reason(n))
	}
	parts = append(parts, end(n, h))
	if note := visible.Line(n.Note, maxValue); note != "" {
		parts = append(parts, "Last: "+code(note))
	}
	text := mark(n)
	for _, p := range parts {
		if p != "" {
			text += p + "\n\n"
		}
	}
	return strings.TrimSuffix(text, "\n")
}

// lead is the first line: what a reader should know.
func lead(n envs.News) string {
	at := ""
	if n.URL != "" && n.State != envs.NewsRemoved {
		at = link(n.URL, "")
	}
	switch n.State {
	case envs.NewsBuilding:
		if at != "" {
			return "🔨 **Building** a new version. Until it is ready, the earlier one serves at " + at
		}
		return "🔨 **Building** the environment of this branch."
	case envs.NewsReady:
		return strings.TrimSuffix("✅ **Ready**: "+at, ": ")
	case envs.NewsFailed:
		if at != "" {
			return "❌ **Failed**: the last deploy. What ran before may still serve at " + at
		}
		return "❌ **Failed**: the last deploy."
	case envs.NewsExpiring:
		text := "⏳ **Expiring**: it will be removed soon."
		if !n.Expires.IsZero() {
			text = "⏳ **Expiring**: it will be removed after " + date(n.Expires) + "."
		}
		return strings.TrimSpace(text + " " + at)
	case envs.NewsRemoved:
		return "🍂 **Removed**"
	}
	return "**Unknown**"
}

// details says what is deployed, and by whom.
func details(n envs.News) string {
	text := "Feature " + code(n.Feature)
	if n.Application != "" {
		text += " of " + code(n.Application)
	}
	if n.Commit != "" {
		text += ", commit " + code(envs.ShortCommit(n.Commit, 12))
	}
	if visible.Line(n.Subject, maxValue) != "" {
		text += " " + code(n.Subject)
	}
	if visible.Line(n.Owner, maxValue) != "" {
		text += ", by " + code(n.Owner)
	}
	if n.BuildURL != "" {
		text += ". " + link(n.BuildURL, "Build")
	}
	return text + "."
}

// reason says why the state is as it is: the first line of it, and behind a heading that opens the rest.
func reason(n envs.News) string {
	first, rest, _ := strings.Cut(strings.TrimLeft(n.Reason, "\n"), "\n")
	if visible.Line(first, maxValue) == "" {
		return ""
	}
	text := "Why: " + code(first)
	if log := block(rest, maxReason); log != "" {
		text += "\n\n<details><summary>More</summary>\n\n" + log + "\n\n</details>"
	}
	return text
}

// end says until when the environment lives or can be restored, and how to change that.
func end(n envs.News, h Hints) string {
	var lines []string
	tell := func(what string, command func(string) string) {
		if command != nil {
			lines = append(lines, what+code(command(n.Feature)))
		}
	}
	switch {
	case n.State == envs.NewsRemoved && n.Restorable.IsZero():
		return ""
	case n.State == envs.NewsRemoved:
		lines = append(lines, "It can be restored until "+date(n.Restorable)+".")
		tell("To restore it: ", h.Restore)
		return strings.Join(lines, "\n")
	case n.Protected != "":
		lines = append(lines, "It stays: "+code(n.Protected)+".")
	case !n.Expires.IsZero() && n.State != envs.NewsExpiring:
		lines = append(lines, "It will be removed after "+date(n.Expires)+".")
	}
	if n.State == envs.NewsBuilding && n.URL == "" {
		return strings.Join(lines, "\n")
	}
	if n.Protected == "" {
		tell("To keep it longer: ", h.Extend)
	}
	tell("To remove it now: ", h.Remove)
	return strings.Join(lines, "\n")
}

// date returns a time in the zone that is the same for all readers.
func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
