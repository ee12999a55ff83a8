// Package visible prepares texts that others wrote for people to read: on one line, and with the characters
// that are not drawn but mislead a reader written as escapes.
package visible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Invisible reports whether r is a character that is not drawn but changes how the text around it
// is read: it has no width, joins or hides its neighbours, or reverses the direction of writing.
// Control characters are not among them.
func Invisible(r rune) bool {
	return r >= 0xad && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) &&
		unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Text returns s with invisible characters written as escapes, such as \u200b, so that two names
// that differ look different. Characters that a script or an emoji needs where they stand stay.
func Text(s string) string {
	if !strings.ContainsFunc(s, Invisible) {
		return s
	}
	var b strings.Builder
	before := ' '
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		from := i
		i += size
		after, _ := utf8.DecodeRuneInString(s[i:] + " ")
		switch {
		case !Invisible(r), belongs(before, r, after):
			b.WriteString(s[from:i])
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		before = r
	}
	return b.String()
}

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
	textStyle          = '\ufe0e'
	emojiStyle         = '\ufe0f'
	keycap             = '\u20e3'
)

// joining lists the scripts whose letters change their shapes around a joiner.
var joining = []*unicode.RangeTable{
	unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati,
	unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar,
}

// belongs reports whether the invisible character r has its proper use between its neighbours.
func belongs(before, r, after rune) bool {
	switch r {
	case zeroWidthJoiner:
		if isEmoji(before) && isEmoji(after) {
			return true
		}
		fallthrough
	case zeroWidthNonJoiner:
		return unicode.In(before, joining...) && unicode.In(after, joining...)
	case textStyle, emojiStyle:
		return isEmoji(before) || after == keycap
	}
	return false
}

// isEmoji reports whether r can be a part of an emoji, roughly: a symbol, a skin colour, or the
// character that turns a symbol into an emoji.
func isEmoji(r rune) bool {
	return r > unicode.MaxLatin1 && unicode.In(r, unicode.So, unicode.Sk, unicode.Sm) || r == emojiStyle
}
