package fingerprint

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"beansprout/files"
)

// Errors to be told apart with errors.Is.
var (
	// ErrFileName is reported when a file name in a context is not UTF-8.
	ErrFileName = errors.New("a file name is not UTF-8")
	// ErrNoDockerfile is reported when a source has no Dockerfile in the given place.
	ErrNoDockerfile = errors.New("no Dockerfile")
	// ErrNoContext is reported when the directory of a source does not exist.
	ErrNoContext = errors.New("no such directory")
	// ErrUnreadable is reported when a file that goes into an image can't be opened.
	ErrUnreadable = errors.New("unreadable file")
)

// Check returns an error if the context, the Dockerfile or the ignore file is missing or cannot be
// read.
func Check(ctx context.Context, s Source) error {
	root, err := os.OpenRoot(s.Context)
	if err != nil {
		return OpenError(ErrNoContext, s.Context, err)
	}
	defer root.Close()
	name := s.DockerfileName()
	if !filepath.IsLocal(name) {
		return fmt.Errorf("%w: the Dockerfile %s is outside the context %s", ErrNoDockerfile, name, s.Context)
	}
	path := filepath.Join(s.Context, name)
	f, err := files.Open(ctx, root, name, files.Text)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, fs.ErrPermission):
		return OpenError(ErrUnreadable, path, err)
	case err != nil:
		return OpenError(ErrNoDockerfile, path, err)
	}
	_, _, err = readIgnoreFile(ctx, root, s)
	return errors.Join(f.Close(), err)
}

// DockerfileName returns the path of the Dockerfile, relative to the context.
func (s Source) DockerfileName() string { return filepath.Clean(cmp.Or(s.Dockerfile, "Dockerfile")) }

// OpenError returns an error that wraps kind, names the path, and says why it cannot be opened.
func OpenError(kind error, path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", kind, path)
	}
	return fmt.Errorf("%w at %s: %w", kind, path, files.Reason(err))
}

// ignoreFile lists the files of a context that are left out. A Dockerfile may have an ignore file of
// its own.
const ignoreFile = ".dockerignore"

// readIgnoreFile returns the patterns of the source's ignore file and its name in the context. If
// there is none, it returns the name that it would have. A file that cannot be read is an error,
// although the engine would ignore it: the image must not hold what the file leaves out.
func readIgnoreFile(ctx context.Context, root *os.Root, s Source) (patterns []string, name string, err error) {
	for _, name := range []string{s.DockerfileName() + ignoreFile, ignoreFile} {
		content, err := files.Read(ctx, root, name, files.Text)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			patterns, err = ignorefile.ReadAll(bytes.NewReader(content))
		}
		if ctx.Err() != nil {
			return nil, name, context.Cause(ctx)
		}
		if err != nil {
			return nil, name, OpenError(ErrUnreadable, filepath.Join(s.Context, name), err)
		}
		return patterns, name, checkPatterns(patterns, name)
	}
	return nil, ignoreFile, nil
}

// checkPatterns returns an error that names the first invalid pattern.
func checkPatterns(patterns []string, name string) error {
	for _, p := range patterns {
		if _, err := patternmatcher.New([]string{p}); err != nil {
			return fmt.Errorf("%s: %q: %w", name, p, err)
		}
	}
	return nil
}
