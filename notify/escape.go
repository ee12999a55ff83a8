package notify

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// escape writes the three characters that Slack reads as the beginning of something else.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// code writes s as code in a line, where no other markup works and no name is a mention,
// in at most limit characters.
func code(s string, limit int) string {
	s = oneLine(strings.ReplaceAll(s, "`", "'"))
	if s == "" {
		s = "–"
	}
	return "`" + escape(fit(s, limit-2)) + "`"
}

// codeBlock writes many lines as code, "" when there are none. What has more than limit
// characters keeps its beginning, which says what happened, and its end, where logs have
// their cause.
func codeBlock(s string, limit int) string {
	s = strings.Trim(visible(strings.ReplaceAll(s, "`", "'")), "\n")
	if strings.TrimSpace(s) == "" {
		return ""
	}
	limit -= len("```\n\n```")
	if n := size(s); n > limit {
		head := fit(s, limit/4)
		s = head + "\n" + fitEnd(s, limit-size(head)-1)
	}
	return "```\n" + escape(s) + "\n```"
}

// oneLine returns what is visible of s, with one space for each run of white space.
func oneLine(s string) string { return strings.Join(strings.Fields(visible(s)), " ") }

// sequence is what terminals take for a command: colours, titles, movements.
var sequence = regexp.MustCompile(`\x1b(\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\x07\x1b\n]*(\x07|\x1b\\)?|[ -/]*[0-~])`)

// visible leaves out what can't be seen and can deceive: terminal sequences, control
// characters, and format characters such as those that turn the direction of writing
// round. Line ends and tabs stay, and so do the joiners that many scripts and emoji need.
func visible(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r', r == '\u2028', r == '\u2029':
			return '\n'
		case r == '\n', r == '\t', r == '\u200c', r == '\u200d':
			return r
		case unicode.In(r, unicode.Cc, unicode.Cf):
			return -1
		}
		return r
	}, sequence.ReplaceAllString(s, ""))
}

// weight is what a rune counts once it is escaped. Slack may count in UTF-16.
func weight(r rune) int {
	switch r {
	case '&':
		return len("&amp;")
	case '<', '>':
		return len("&lt;")
	}
	return utf16.RuneLen(r)
}

func size(s string) (n int) {
	for _, r := range s {
		n += weight(r)
	}
	return n
}

// fit returns s if its size is at most limit, and otherwise as much of its beginning as
// goes with an ellipsis.
func fit(s string, limit int) string {
	if size(s) <= limit {
		return s
	}
	left := limit - 1
	for i, r := range s {
		if left -= weight(r); left < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// fitEnd is fit from the other end.
func fitEnd(s string, limit int) string {
	if size(s) <= limit {
		return s
	}
	left := limit - 1
	for i := len(s); i > 0; {
		r, n := utf8.DecodeLastRuneInString(s[:i])
		if left -= weight(r); left < 0 {
			return "…" + s[i:]
		}
		i -= n
	}
	return s
}
