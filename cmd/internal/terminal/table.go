package terminal

import (
	"bufio"
	"io"
	"slices"
	"strings"
)

// MaxCellColumns limits each cell of a table but the last in its row.
const MaxCellColumns = 44

// gap is how many columns are between two cells.
const gap = 2

// narrowest lists the columns of tables that are shortened where a terminal is too narrow, the least important
// one first, and to how many columns each. Other columns stay as they are, and so does the last one.
var narrowest = []struct {
	name    string
	columns int
}{
	{"OWNER", 6}, {"BY", 6}, {"COMMIT", 7}, {"APPLICATION", 8}, {"ENVIRONMENT", 16}, {"FEATURE", 12}, {"ACTION", 6}, {"HEALTH", 6}, {"STATUS", 6},
}

// PrintTable prints rows of the same length with their columns aligned. It sanitizes and shortens
// the cells in place, and prints "-" for an empty cell. On a terminal that is too narrow the last column, which
// is a URL or a sentence, stands on a line of its own, and the least important ones are shortened.
func PrintTable(w io.Writer, rows [][]string) error {
	for _, row := range rows {
		for i, c := range row {
			row[i] = cell(c, i == len(row)-1)
		}
	}
	t := table{rows: rows, widths: widths(rows), window: Columns(w), palette: PaletteOf(w)}
	t.fit()
	out := bufio.NewWriter(w) // which remembers the first error
	for i, row := range rows {
		_, _ = out.WriteString(t.line(row, i == 0))
	}
	return out.Flush()
}

// widths returns how many columns the cells of each column of a table need.
func widths(rows [][]string) (widths []int) {
	for _, row := range rows {
		widths = append(widths, make([]int, max(0, len(row)-len(widths)))...)
		for i, c := range row {
			widths[i] = max(widths[i], columnsOf(c))
		}
	}
	return widths
}

func cell(s string, last bool) string {
	switch s = Sanitize(s); {
	case s == "":
		return "-"
	case last:
		return s
	}
	return Cut(s, MaxCellColumns)
}

// table is a table on its way to a terminal.
type table struct {
	rows    [][]string
	widths  []int
	window  int  // columns; 0 where nothing has to fit
	folded  bool // the last column stands below the others
	palette Palette
}

// named reports whether the first row has the names of the columns.
func (t *table) named() bool {
	return len(t.rows) > 0 && len(t.rows[0]) > 2 && !slices.ContainsFunc(t.rows[0], func(c string) bool { return c != strings.ToUpper(c) })
}

// fit makes the table as narrow as the window.
func (t *table) fit() {
	if t.window == 0 || !t.named() || t.width() <= t.window {
		return
	}
	t.folded = true
	for _, n := range narrowest {
		i := slices.Index(t.rows[0][:len(t.widths)-1], n.name)
		if over := t.width() - t.window; i >= 0 && over > 0 {
			t.widths[i] = min(t.widths[i], max(t.widths[i]-over, n.columns))
		}
	}
}

// width returns how many columns the table takes, without a last one that stands below.
func (t *table) width() int {
	shown := t.widths
	if t.folded {
		shown = shown[:len(shown)-1]
	}
	sum := gap * (len(shown) - 1)
	for _, w := range shown {
		sum += w
	}
	return sum
}

func (t *table) line(row []string, first bool) string {
	var b strings.Builder
	last := len(row) - 1
	for i, c := range row[:last] {
		c = Cut(c, t.widths[i])
		padding := strings.Repeat(" ", t.widths[i]-columnsOf(c)+gap)
		if i == last-1 && t.folded {
			padding = ""
		}
		b.WriteString(t.paint(c, first) + padding)
	}
	switch {
	case t.folded && first:
	case t.folded:
		b.WriteString("\n  " + row[last])
	default:
		b.WriteString(t.paint(row[last], first))
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}

func (t *table) paint(text string, first bool) string {
	if first && t.named() {
		return t.palette.Paint(Bold, text)
	}
	return t.palette.Paint(colors[text], text)
}
