package pullrequest

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"beansprout/visible"
)

// What others have written (branches, subjects, names, reasons, logs) is code in a comment: neither GitHub nor
// GitLab reads markup, mentions, references or commands in it.

// maxValue is how many characters of one value are shown.
const maxValue = 600

// code returns a text as code on one line, between more backticks than it has in a row. An empty text
// is a dash.
func code(s string) string {
	s = visible.Text(visible.Line(s, maxValue))
	if s == "" {
		return "–"
	}
	ticks := strings.Repeat("`", longestRun(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " " // Markdown takes one space off at each end
	}
	return ticks + s + ticks
}

// block returns lines as a block of code, "" where there are none. Of a text with more than limit characters
// it keeps the beginning, which says what happened, and the end, where logs have the cause. Each line
// is indented, so that none begins like a command of GitLab's.
func block(s string, limit int) string {
	s = strings.Trim(visible.Lines(s), "\n")
	if strings.TrimSpace(s) == "" {
		return ""
	}
	if runes := []rune(s); len(runes) > limit {
		head := limit / 4
		s = string(runes[:head]) + visible.Ellipsis + "\n" + visible.Ellipsis + string(runes[len(runes)-limit+head:])
	}
	fence := strings.Repeat("`", max(longestRun(s)+1, 3))
	return fence + "text\n  " + strings.ReplaceAll(s, "\n", "\n  ") + "\n" + fence
}

// longestRun returns how many backticks s has in a row.
func longestRun(s string) int {
	longest, run := 0, 0
	for _, r := range s {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// link returns a web address as a link with this label, itself if that is "", and anything else as code.
func link(address, label string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || !utf8.ValidString(address) || len(address) > 2048 ||
		strings.Trim(u.Host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") != "" {
		return code(address)
	}
	s := linkable(u.String())
	if label == "" {
		return "<" + s + ">"
	}
	return "[" + label + "](<" + s + ">)"
}

// linkable escapes an address so that nothing in it is markup or a mention.
func linkable(address string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(address) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("<>|`\"'\\@{}^", c) >= 0 {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
