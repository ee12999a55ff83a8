package doctor

import (
	"bufio"
	"io"
	"strings"

	"beansprout/cmd/internal/terminal"
)

// Print prints the findings for people: a line for each, and below it what to do, indented. Text that does
// not fit into the columns goes on in the next line; 0 columns have room for all.
func Print(w io.Writer, findings []Finding, columns int) error {
	widest, label := 0, 0
	for _, f := range findings {
		widest, label = max(widest, len(f.Check)), max(label, len(f.State.label()))
	}
	out := bufio.NewWriter(w) // which remembers the first error
	for _, f := range findings {
		head := pad(f.State.label(), label) + "  " + pad(f.Check, widest) + "  "
		for i, line := range wrap(terminal.Sanitize(f.Text), columns, len(head)) {
			if i > 0 {
				head = strings.Repeat(" ", len(head))
			}
			_, _ = out.WriteString(head + line + "\n")
		}
		if f.Fix == "" || f.State == OK {
			continue
		}
		for line := range strings.SplitSeq(terminal.SanitizeLines(f.Fix), "\n") {
			_, _ = out.WriteString("    " + line + "\n")
		}
	}
	return out.Flush()
}

// label is the state as a person sees it at first sight.
func (s State) label() string {
	if s == Failed {
		return "FAILED"
	}
	return string(s)
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-len(s))) }

// leastColumns is the narrowest column of text.
const leastColumns = 24

// wrap breaks text into lines that fit into the columns behind an indent.
func wrap(text string, columns, indent int) []string {
	if columns == 0 {
		return []string{text}
	}
	return terminal.Wrap(text, max(columns-indent, leastColumns))
}
