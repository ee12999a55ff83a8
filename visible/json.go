package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
)

// JSON writes the control characters and the invisible characters of a JSON text as escapes. The encoder
// of package json escapes only those below the space. All of them are in strings.
func JSON(text string) string {
	unsafe := func(r rune) bool { return r >= 0x7f && unicode.IsControl(r) || Invisible(r) }
	if !strings.ContainsFunc(text, unsafe) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if !unsafe(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}
