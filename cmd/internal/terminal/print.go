package terminal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"iter"
	"strings"

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
		if _, err := out.WriteString(before + strings.TrimSuffix(visible.JSON(b.String()), "\n")); err != nil {
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
	_, err := io.WriteString(w, visible.JSON(b.String()))
	return err
}
