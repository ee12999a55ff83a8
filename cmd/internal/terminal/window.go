package terminal

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Columns returns how wide the terminal is that w writes to, and 0 if w is no terminal: nothing is cut there.
func Columns(w io.Writer) int {
	f := window(w)
	if f == nil {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil || columns < 1 {
		return 80
	}
	return columns
}

// window returns the terminal that w writes to, or nil.
func window(w io.Writer) *os.File {
	switch w := w.(type) {
	case *Touched:
		return window(w.Writer)
	case Answers:
		return window(w.Writer)
	case *os.File:
		if term.IsTerminal(int(w.Fd())) {
			return w
		}
	}
	return nil
}

// A Color is how a terminal draws a text.
type Color string

const (
	Bold   Color = "1"
	Red    Color = "31"
	Green  Color = "32"
	Yellow Color = "33"
	Grey   Color = "90"
)

// A Palette draws in colors, or doesn't.
type Palette struct{ colorful bool }

// PaletteOf returns the palette of what w writes to: it has colors on a terminal that knows them, unless NO_COLOR
// is set and not empty.
func PaletteOf(w io.Writer) Palette {
	return Palette{window(w) != nil && colorful(os.Getenv)}
}

func colorful(getenv func(string) string) bool {
	kind := getenv("TERM")
	return kind != "" && kind != "dumb" && getenv("NO_COLOR") == ""
}

// Paint returns text in that color, or as it is.
func (p Palette) Paint(c Color, text string) string {
	if !p.colorful || c == "" || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// colors are the words of a table that have one.
var colors = map[string]Color{
	"Green": Green, "Yellow": Yellow, "Red": Red, "Grey": Grey,
	"removed": Red, "failed": Red, "unknown": Yellow, "running": Green,
}
