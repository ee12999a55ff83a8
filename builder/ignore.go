package builder

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// ignoreFile is what a context's files are left out by, unless the Dockerfile has a file of
// its own for that.
const ignoreFile = ".dockerignore"

// ignored returns the patterns of the source's ignore file and its name in the context: the
// one that counts, or would if it were there. One that can't be read is errOpen: the engine
// does without it.
func ignored(root *os.Root, s Source) (patterns []string, name string, err error) {
	for _, name := range []string{dockerfile(s) + ignoreFile, ignoreFile} {
		content, err := readFile(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			patterns, err = ignorefile.ReadAll(bytes.NewReader(content))
		}
		if err != nil {
			return nil, name, fmt.Errorf("%s: %w: %w", name, errOpen, reason(err))
		}
		return patterns, name, valid(patterns, name)
	}
	return nil, ignoreFile, nil
}

// valid names the first pattern that is none.
func valid(patterns []string, name string) error {
	for _, p := range patterns {
		if _, err := patternmatcher.New([]string{p}); err != nil {
			return fmt.Errorf("%s: %q: %w", name, p, err)
		}
	}
	return nil
}
