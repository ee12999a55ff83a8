package terminal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"
	"unicode/utf16"

	"beansprout/visible"
)

// PrintJSON prints v as indented JSON that cannot control a terminal.
func PrintJSON(w io.Writer, v any) error { return encode(w, v, "  ") }

// PrintJSONLine prints v as one line of a stream of JSON values.
func PrintJSONLine(w io.Writer, v any) error { return encode(w, v, "") }

// PrintJSONList prints what PrintJSON prints of a slice, one element after the other: the text of
// thousands is never in memory as a whole.
func PrintJSONList[T any](w io.Writer, all iter.Seq[T]) error {
	out := bufio.NewWriter(w)
	before, end := "[\n  ", "[]\n"
	for v := range all {
		var b bytes.Buffer
		if err := encodeTo(&b, v, "  ", "  "); err != nil {
			return err
		}
		if _, err := out.WriteString(before + strings.TrimSuffix(harmless(b.String()), "\n")); err != nil {
			return err
		}
		before, end = ",\n  ", "\n]\n"
	}
	_, _ = out.WriteString(end) // Flush returns its error
	return out.Flush()
}

func encodeTo(w io.Writer, v any, prefix, indent string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent(prefix, indent)
	return enc.Encode(v)
}

func encode(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	if err := encodeTo(&b, v, "", indent); err != nil {
		return err
	}
	_, err := io.WriteString(w, harmless(b.String()))
	return err
}

// harmless writes the control characters and the invisible characters of a JSON text as escapes.
// The encoder escapes only those below the space. All of them are in strings.
func harmless(text string) string {
	unsafe := func(r rune) bool { return r >= 0x7f && unicode.IsControl(r) || visible.Invisible(r) }
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
