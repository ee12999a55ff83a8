package engine

import (
	"strings"
	"unicode"
)

// oneLine makes untrusted text fit into one line of an event: without control characters or repeated
// blanks, and at most limit characters long.
func oneLine(text string, limit int) string {
	clean := []rune(strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), unsightly), " "))
	if len(clean) > limit {
		return string(clean[:limit]) + "..."
	}
	return string(clean)
}

func unsightly(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

// lastBytes keeps the end of what is written to it: at least limit bytes, and at most twice as many.
type lastBytes struct {
	limit int
	kept  []byte
}

func (b *lastBytes) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p...)
	if len(b.kept) > 2*b.limit {
		b.kept = append(b.kept[:0], b.kept[len(b.kept)-b.limit:]...)
	}
	return len(p), nil
}
