package notify

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

var (
	host     = regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$`)
	password = regexp.MustCompile(`//[^/?#]*@`)
)

// link writes a web address as a link, under its label if it has one. What isn't a web
// address is shown as what it is. A name and password in it are left out: CI variables
// have been seen to hold them.
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

// linkable writes an address so that Slack finds its end: in printable ASCII, without the
// characters that end an address or begin something else.
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
