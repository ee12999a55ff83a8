package dockerrun

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxDirectoryBytes = 32 << 20 // of a zip's list of entries: a quarter of a million of them
	maxUnpackedBytes  = 4 << 30  // of all entries: half of an instance's disk
	maxTargetBytes    = 4096     // of a link's target (Linux's PATH_MAX)
	maxLinks          = 40       // links on the way to a file, as in Linux
)

// OpenArchive opens a zip that may be hostile. It refuses a zip with more than some hundred
// thousand entries before it allocates memory for them.
func OpenArchive(content io.ReaderAt, size int64) (*zip.Reader, error) {
	bounded := &directory{content, maxDirectoryBytes}
	archive, err := zip.NewReader(bounded, size)
	bounded.left = math.MaxInt64
	if errors.Is(err, zip.ErrInsecurePath) { // CheckArchive reports the path
		err = nil
	}
	return archive, err
}

// directory is a reader that fails after some bytes.
type directory struct {
	content io.ReaderAt
	left    int64
}

func (d *directory) ReadAt(p []byte, at int64) (int, error) {
	if d.left -= int64(len(p)); d.left < 0 {
		return 0, errors.New("it lists too many entries")
	}
	return d.content.ReadAt(p, at)
}

// CheckArchive reports the first entry that would be unpacked outside the folder of the archive, or
// as something else than it seems. It follows links as the system would after unpacking all of
// them. Entries that differ only in case are different, as on Linux. It refuses a name with two
// different contents, except in a jar, which is not unpacked.
func CheckArchive(archive *zip.Reader, kind string) error {
	a := entries{kind: kind, byPath: map[string]*zip.File{}, targets: map[string]string{}}
	for _, e := range archive.File {
		if err := a.add(e); err != nil {
			return fmt.Errorf("entry %.200q %w", e.Name, err)
		}
	}
	for _, e := range archive.File {
		if err := a.check(e); err != nil {
			return fmt.Errorf("entry %.200q %w", e.Name, err)
		}
	}
	return nil
}

type entries struct {
	kind    string
	byPath  map[string]*zip.File
	targets map[string]string // of links, by path
	size    uint64            // bytes, unpacked
}

// pathOf returns the path of an unpacked entry, relative to the root.
func pathOf(e *zip.File) string { return path.Clean(e.Name) }

// add adds an entry after checking its name and type.
func (a *entries) add(e *zip.File) error {
	mode, kind := e.Mode(), e.Mode().Type()
	switch {
	case strings.Contains(e.Name, `\`):
		return errors.New(`has a \ in its name; want folders divided by /`)
	case strings.ContainsRune(e.Name, 0):
		return errors.New("has a zero byte in its name")
	case !filepath.IsLocal(e.Name):
		return errors.New("leaves the archive's root")
	case slices.Contains(strings.Split(e.Name, "/"), ".."):
		return errors.New("has .. in its name, which another program may unpack elsewhere")
	case e.Flags&1 != 0:
		return errors.New("is encrypted")
	case kind != 0 && kind != fs.ModeDir && kind != fs.ModeSymlink:
		return errors.New("is neither a file nor a folder nor a link")
	case mode.IsDir() != (strings.HasSuffix(e.Name, "/") || pathOf(e) == "."):
		return errors.New("is a folder only by its name or only by its mode")
	}
	if a.size += min(e.UncompressedSize64, maxUnpackedBytes+1); a.size > maxUnpackedBytes {
		return fmt.Errorf("is too large: all entries unpack to more than %d GB", maxUnpackedBytes>>30)
	}
	if mode&fs.ModeSymlink != 0 {
		target, err := link(e)
		if err != nil {
			return fmt.Errorf("is a link that can't be read: %w", err)
		}
		a.targets[pathOf(e)] = target
	}
	before := a.byPath[pathOf(e)]
	a.byPath[pathOf(e)] = e
	return a.checkDuplicate(before, e)
}

// checkDuplicate refuses a name with two different entries.
func (a *entries) checkDuplicate(before, e *zip.File) error {
	switch {
	case before == nil, before.Mode().IsDir() && e.Mode().IsDir():
		return nil
	case before.Mode().Type() != e.Mode().Type():
		return errors.New("is there twice, with different types")
	case e.Mode().IsRegular() && a.kind == "jar":
		return nil
	case before.CRC32 != e.CRC32 || before.UncompressedSize64 != e.UncompressedSize64:
		return errors.New("is there twice, with different contents")
	}
	return nil
}

// check refuses an entry below something other than a folder, and a link that leads out.
func (a *entries) check(e *zip.File) error {
	name := pathOf(e)
	for above := path.Dir(name); above != "."; above = path.Dir(above) {
		if f := a.byPath[above]; f != nil && !f.Mode().IsDir() {
			return fmt.Errorf("is below %.200q, which is no folder", above)
		}
	}
	if e.Mode()&fs.ModeSymlink == 0 {
		return nil
	}
	return a.follow(path.Dir(name), a.targets[name])
}

// follow follows the target of a link from a folder of the archive, through all links on the way.
func (a *entries) follow(at, target string) error {
	rest := strings.Split(target, "/")
	for links := 1; ; {
		if len(rest) == 0 {
			return nil
		}
		if path.IsAbs(target) {
			return errors.New("is a link that leaves the archive's root")
		}
		step := rest[0]
		rest = rest[1:]
		switch {
		case step == ".." && at == ".":
			return errors.New("is a link that leaves the archive's root")
		case step == "..":
			at = path.Dir(at)
			continue
		case step == "", step == ".":
			continue
		}
		next, isLink := a.targets[path.Join(at, step)]
		if !isLink {
			at = path.Join(at, step)
			continue
		}
		if links++; links > maxLinks {
			return errors.New("is a link that leads to itself")
		}
		target = next
		rest = append(strings.Split(target, "/"), rest...)
	}
}

// link returns the target of a link.
func link(e *zip.File) (string, error) {
	content, err := e.Open()
	if err != nil {
		return "", err
	}
	defer content.Close()
	target, err := io.ReadAll(io.LimitReader(content, maxTargetBytes+1))
	switch {
	case err != nil:
		return "", err
	case len(target) == 0 || len(target) > maxTargetBytes || strings.ContainsRune(string(target), 0):
		return "", errors.New("it is not a valid path")
	}
	return string(target), nil
}
