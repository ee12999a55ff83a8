package builder

import (
	"bytes"
	"errors"
	"io/fs"
	"os"

	"github.com/moby/patternmatcher/ignorefile"
)

// ignoreFile is what a context's files are left out by, unless the Dockerfile has a file of
// its own for that.
const ignoreFile = ".dockerignore"

// ignored returns the patterns of the source's ignore file and its name in the context: the
// one that counts, or would if it were there.
func ignored(root *os.Root, s Source) (patterns []string, name string, err error) {
	for _, name := range []string{dockerfile(s) + ignoreFile, ignoreFile} {
		content, err := root.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, name, err
		}
		patterns, err := ignorefile.ReadAll(bytes.NewReader(content))
		return patterns, name, err
	}
	return nil, ignoreFile, nil
}
