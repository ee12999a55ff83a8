package fingerprint

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/docker/go-units"

	"beansprout/files"
)

// notes returns lines about a context: what it leaves out, what makes it large, and why its image is
// built each time.
func (c *contents) notes(in inputs) (lines []string) {
	for _, p := range slices.Sorted(maps.Keys(c.skipped)) {
		lines = append(lines, fmt.Sprintf("leaves the %s %q out: only files, directories and links go into an image", c.skipped[p], p))
	}
	for _, p := range slices.Sorted(maps.Keys(c.unreadable)) {
		lines = append(lines, fmt.Sprintf("is built each time, because %q can't be read (%v); the line %q in %s would leave it out", p, files.Reason(c.unreadable[p]), ignoreLine(p), in.ignoreFile))
	}
	if errors.Is(in.unknown, errUnknownContent) {
		lines = append(lines, fmt.Sprintf("is built each time: %s", strings.ReplaceAll(in.unknown.Error(), "\n", "; ")))
	}
	return append(lines, c.sizeNotes(in)...)
}

const (
	// maxNamed is the number of entries of a large context that are named.
	maxNamed = 5
	// minNamed is the size in bytes below which an entry is not named.
	minNamed = 10 * units.MB
)

// sizeEntry is a file, or a directory with its content.
type sizeEntry struct {
	path    string
	size    int64
	inside  []*sizeEntry // of a directory
	copied  bool         // the Dockerfile copies it, or a directory around it
	reaches bool         // the Dockerfile copies something in it
}

// sizeNotes names what makes a context larger than WarnSize. It gives no advice: another image may
// copy what this one does not.
func (c *contents) sizeNotes(in inputs) []string {
	var size int64
	for _, f := range c.files {
		size += f.size
	}
	if in.source.WarnSize <= 0 || size <= in.source.WarnSize {
		return nil
	}
	lines := []string{fmt.Sprintf("the context has %s, which is more than %s", humanSize(size), humanSize(in.source.WarnSize))}
	entries := addUpSizes(c.files, in.dockerfile.copies).largestEntries()
	slices.SortStableFunc(entries, func(a, b *sizeEntry) int { return cmp.Compare(b.size, a.size) })
	entries = slices.DeleteFunc(entries, func(e *sizeEntry) bool { return e.size < minNamed })
	if len(entries) > 0 {
		lines[0] += "; the largest in it:"
	}
	for _, e := range entries[:min(maxNamed, len(entries))] {
		line := fmt.Sprintf("%8s %s", humanSize(e.size), e.path)
		if e.copied {
			line += ": the Dockerfile copies it"
		}
		lines = append(lines, line)
	}
	return lines
}

func humanSize(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }

// addUpSizes returns the root of the context with the sizes of its directories.
func addUpSizes(files []*file, copies []string) *sizeEntry {
	all := &sizeEntry{path: "."}
	known := map[string]*sizeEntry{".": all}
	var at func(p string) *sizeEntry
	at = func(p string) *sizeEntry {
		if h, ok := known[p]; ok {
			return h
		}
		h := &sizeEntry{path: p}
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

// covers reports whether copying source copies name, and whether it copies something in name. To
// copy the whole context counts as neither.
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

// largestEntries returns the most useful entries to name: a directory, or what is in it if one entry
// is most of it or the Dockerfile copies a part of it.
func (h *sizeEntry) largestEntries() (entries []*sizeEntry) {
	if h.path != "." && (len(h.inside) == 0 || h.copied || !h.reaches && (ignoredAsAWhole(h.path) || !h.dominated())) {
		return []*sizeEntry{h}
	}
	for _, i := range h.inside {
		entries = append(entries, i.largestEntries()...)
	}
	return entries
}

func (h *sizeEntry) dominated() bool {
	return slices.ContainsFunc(h.inside, func(i *sizeEntry) bool { return 2*i.size > h.size })
}

// ignoredAsAWhole reports whether a directory is of a kind that is not ignored in part.
func ignoredAsAWhole(p string) bool {
	name := path.Base(p)
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"node_modules", "vendor", "venv", "target", "build", "dist", "log", "tmp", "__pycache__"}, name)
}

// ignoreLine returns the line of an ignore file that leaves out a path. Special characters become ?,
// which matches any character.
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
