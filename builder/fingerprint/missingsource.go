package fingerprint

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"beansprout/spelling"
)

// A Missing is a path that a Dockerfile copies and the context does not have. Reason is "" where none is known.
type Missing struct{ Path, Reason string }

// MissingSources returns what the Dockerfile copies and the context does not have. It leaves out patterns, and
// what it can't read.
func MissingSources(ctx context.Context, s Source) (all []Missing) {
	in, err := readInputs(ctx, s)
	if err != nil {
		return nil
	}
	found, err := scan(ctx, s.Context, in.excludes, nil)
	if err != nil {
		return nil
	}
	for _, name := range in.dockerfile.copies {
		if reason, missing := found.whyMissing(name, in); missing {
			all = append(all, Missing{name, reason})
		}
	}
	return all
}

// whyMissing reports whether a path leads to nothing in the context, and why. A pattern may lead to nothing.
func (c *contents) whyMissing(name string, in inputs) (reason string, missing bool) {
	if strings.ContainsAny(name, `*?[\`) {
		return "", false
	}
	byPath := map[string]*file{".": {}}
	for _, f := range c.files {
		byPath[f.path] = f
	}
	at, out := follow(name, byPath)
	switch {
	case byPath[at] != nil:
		return "", false
	case at == "":
		return fmt.Sprintf("the link %q leads to itself", name), true
	case out != nil:
		return fmt.Sprintf("the link %q leads to %q, and the engine sees nothing outside the context", out.path, out.link), true
	case c.skipped[at] != "":
		return fmt.Sprintf("%q is a %s: only files, directories and links go into an image", at, c.skipped[at]), true
	}
	if root, err := os.OpenRoot(in.source.Context); err == nil {
		defer root.Close()
		if _, err := root.Lstat(at); err == nil {
			return fmt.Sprintf("%s leaves %q out", in.ignoreFile, at), true
		}
	}
	return similarPath(at, c.files), true
}

// follow returns where a path leads in the engine, whose root is the context, and the first link on
// the way that leads out of the context on this machine. It returns "" for an endless loop of links.
func follow(name string, byPath map[string]*file) (at string, out *file) {
	at = "."
	rest := strings.Split(path.Clean("/" + name)[1:], "/")
	for links := 0; len(rest) > 0; {
		at, rest = path.Join(at, rest[0]), rest[1:]
		f := byPath[at]
		if f == nil || f.link == "" {
			continue
		}
		if links++; links > 40 {
			return "", out
		}
		if out == nil && (path.IsAbs(f.link) || !filepath.IsLocal(path.Join(path.Dir(at), f.link))) {
			out = f
		}
		target := f.link
		if !path.IsAbs(target) {
			target = path.Join("/", path.Dir(at), target)
		}
		at, rest = ".", append(strings.Split(path.Clean(target)[1:], "/"), rest...)
	}
	return at, out
}

// similarPath names the path that was probably meant.
func similarPath(name string, files []*file) string {
	var paths []string
	for _, f := range files {
		if path.Base(f.path) == path.Base(name) {
			return fmt.Sprintf("there is %q", f.path)
		}
		paths = append(paths, f.path)
	}
	best := spelling.Nearest(name, paths)
	if best == "" {
		return ""
	}
	return fmt.Sprintf("there is %q", best)
}
