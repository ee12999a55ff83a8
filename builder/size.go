package builder

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/docker/go-units"
)

// largest is how many entries of a context that is too large are named.
const largest = 5

// heavy is a file, or a directory with all that is in it.
type heavy struct {
	path    string
	size    int64
	inside  []*heavy // what is in a directory
	copied  bool     // the Dockerfile names it, or something around it
	reaches bool     // the Dockerfile names something in it
}

// sizeNotes says what makes a context larger than the source allows without a word, and
// which lines in its ignore file would help.
func (c *contents) sizeNotes(in ingredients) []string {
	var size int64
	for _, f := range c.files {
		size += f.size
	}
	if in.WarnSize <= 0 || size <= in.WarnSize {
		return nil
	}
	lines := []string{fmt.Sprintf("the context has %s, which is more than %s; the largest in it:", bytesOf(size), bytesOf(in.WarnSize))}
	entries := weigh(c.files, in.recipe.copies).worthNaming()
	slices.SortStableFunc(entries, func(a, b *heavy) int { return cmp.Compare(b.size, a.size) })
	for _, e := range entries[:min(largest, len(entries))] {
		line := fmt.Sprintf("%8s %s: ", bytesOf(e.size), e.path)
		if e.copied {
			line += "the Dockerfile copies it"
		} else {
			line += fmt.Sprintf("the line %q in %s would leave it out", ignoreLine(e.path), in.ignoreFile)
		}
		lines = append(lines, line)
	}
	return lines
}

func bytesOf(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }

// weigh adds the files up by directory.
func weigh(files []*file, copies []string) *heavy {
	all := &heavy{path: "."}
	known := map[string]*heavy{".": all}
	var at func(p string) *heavy
	at = func(p string) *heavy {
		if h, ok := known[p]; ok {
			return h
		}
		h := &heavy{path: p}
		for _, c := range copies {
			copied, reaches := covers(c, p)
			h.copied, h.reaches = h.copied || copied, h.reaches || reaches
		}
		known[p] = h
		parent := at(path.Dir(p))
		parent.inside = append(parent.inside, h)
		return h
	}
	for _, f := range files {
		for p := f.path; f.mode.IsRegular(); p = path.Dir(p) {
			at(p).size += f.size
			if p == "." {
				break
			}
		}
	}
	return all
}

// covers says whether what is copied is or holds the path, and whether it is something in it. All
// of the context is nothing in particular.
func covers(source, name string) (copied, reaches bool) {
	source = strings.Trim(path.Clean("/"+source), "/")
	if source == "" {
		return false, false
	}
	want, have := strings.Split(source, "/"), strings.Split(name, "/")
	for i := range min(len(want), len(have)) {
		if ok, err := path.Match(want[i], have[i]); err != nil || !ok {
			return false, false
		}
	}
	return len(want) <= len(have), len(want) > len(have)
}

// worthNaming returns the entries that say most: a directory, or what is in it if one entry
// makes up most of it or the Dockerfile needs a part.
func (h *heavy) worthNaming() (entries []*heavy) {
	if h.path != "." && (len(h.inside) == 0 || h.copied || !h.reaches && (ofOnePiece(h.path) || !h.lopsided())) {
		return []*heavy{h}
	}
	for _, i := range h.inside {
		entries = append(entries, i.worthNaming()...)
	}
	return entries
}

func (h *heavy) lopsided() bool {
	return slices.ContainsFunc(h.inside, func(i *heavy) bool { return 2*i.size > h.size })
}

// ofOnePiece says whether a directory is one that nobody ignores in part.
func ofOnePiece(p string) bool {
	name := path.Base(p)
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"node_modules", "vendor", "venv", "target", "build", "dist", "log", "tmp", "__pycache__"}, name)
}

// ignoreLine is the line that leaves out a path. Whatever means something in a pattern becomes
// a ?, which stands for any one character.
func ignoreLine(p string) string {
	last := len(p) - 1
	var line strings.Builder
	for i, c := range p {
		plain := !strings.ContainsRune(`*?[]\^`+string(unicode.ReplacementChar), c) && unicode.IsPrint(c)
		if i == 0 && strings.ContainsRune("!#", c) || (i == 0 || i == last) && unicode.IsSpace(c) {
			plain = false
		}
		if plain {
			line.WriteRune(c)
		} else {
			line.WriteByte('?')
		}
	}
	return line.String()
}
