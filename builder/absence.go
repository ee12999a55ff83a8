package builder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/agext/levenshtein"
)

// explainAbsence adds to the error of a build that found nothing to copy what the engine's words
// don't say: they name neither a link nor the ignore file.
func (b *Builder) explainAbsence(ctx context.Context, s Source, e *BuildError) *BuildError {
	if !errors.Is(e, ErrNothingToCopy) {
		return e
	}
	if reasons := b.absences(ctx, s); len(reasons) > 0 {
		e.Err = fmt.Errorf("%w: %s", e.Err, strings.Join(reasons, "; "))
	}
	return e
}

// absences says why the context does not have what the Dockerfile copies.
func (b *Builder) absences(ctx context.Context, s Source) (reasons []string) {
	in, err := b.ingredients(s)
	if err != nil {
		return nil
	}
	found, err := scan(ctx, s.Context, in.excludes, nil)
	if err != nil {
		return nil
	}
	for _, name := range in.recipe.copies {
		if reason := found.lacks(name, in); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}

// lacks says why a path, unless it is a pattern, leads to nothing in the context; "" when it
// leads to something, or that is all there is to say.
func (c *contents) lacks(name string, in ingredients) string {
	if strings.ContainsAny(name, `*?[\`) {
		return ""
	}
	byPath := map[string]*file{".": {}}
	for _, f := range c.files {
		byPath[f.path] = f
	}
	at, out := follow(name, byPath)
	switch {
	case byPath[at] != nil:
		return ""
	case at == "":
		return fmt.Sprintf("the link %q leads to itself", name)
	case out != nil:
		return fmt.Sprintf("the link %q leads to %q, and the engine sees nothing outside the context", out.path, out.link)
	case c.behind[at] != "":
		return fmt.Sprintf("%q is a %s: only files, directories and links go into an image", at, c.behind[at])
	}
	if root, err := os.OpenRoot(in.Context); err == nil {
		defer root.Close()
		if _, err := root.Lstat(at); err == nil {
			return fmt.Sprintf("%s leaves %q out", in.ignoreFile, at)
		}
	}
	return nearest(at, c.files)
}

// follow returns where a path leads in the context, as if that were the root of everything,
// and the first link on the way there that leads out of the context on this machine.
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

// nearest names the path that was meant by one that is not there.
func nearest(name string, files []*file) string {
	least, best := 2+len(name)/3, ""
	for _, f := range files {
		if path.Base(f.path) == path.Base(name) {
			return fmt.Sprintf("there is %q", f.path)
		}
		if d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(f.path), nil); d < least {
			least, best = d, f.path
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("there is %q", best)
}
