package notify

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"beansprout/pattern"
	"beansprout/visible"
)

// escape escapes the three characters that begin Slack's markup.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// code returns s as inline code of at most limit characters. Slack reads no other markup and no
// mentions in code.
func code(s string, limit int) string {
	s = oneLine(strings.ReplaceAll(s, "`", "'"))
	if s == "" {
		s = "–"
	}
	return "`" + escape(fit(s, limit-2)) + "`"
}

// codeBlock returns lines as a block of code, "" when there are none. Of a text with more than
// limit characters it keeps the beginning, which says what happened, and the end, where logs have
// the cause.
func codeBlock(s string, limit int) string {
	s = strings.Trim(visible.Lines(strings.ReplaceAll(s, "`", "'")), "\n")
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

// oneLine returns the visible text of s as one line.
func oneLine(s string) string { return visible.Text(visible.Line(s, len(s))) }

// weight returns the number of characters of a rune after escaping. Slack may count in UTF-16.
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

// fit returns s if its size is at most limit, and otherwise its beginning and an ellipsis.
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

// fitEnd returns s if its size is at most limit, and otherwise an ellipsis and its end.
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

var (
	host     = pattern.New(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)
	password = pattern.New(`//[^/?#]*@`)
)

// link returns a web address as a link, with its label if it has one, and anything else as code.
// It leaves out a name and password, which CI variables may contain.
func link(address, label string) string {
	address = password.ReplaceAllString(oneLine(address), "//")
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !host.MatchString(u.Host) {
		return code(address, maxValue)
	}
	s := linkable(u.String())
	if len(s) > maxText/2 {
		return code(address, maxValue)
	}
	if label != "" {
		s += "|" + label
	}
	return "<" + s + ">"
}

// linkable escapes an address so that Slack finds its end: it is printable ASCII, without the
// characters that end an address or begin markup.
func linkable(address string) string {
	var b strings.Builder
	for _, c := range []byte(address) {
		switch {
		case c == '&':
			b.WriteString("&amp;")
		case c <= ' ' || c >= 0x7f || strings.IndexByte("<>|`\"", c) >= 0:
			fmt.Fprintf(&b, "%%%02X", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
