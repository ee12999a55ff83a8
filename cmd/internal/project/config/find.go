package config

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"beansprout/files"
)

// Load reads the file at path, which may be anywhere. The error is an *Error with everything that is
// wrong with the file.
func Load(ctx context.Context, path string) (*Config, error) {
	text, err := files.Read(ctx, nil, path, maxSize)
	return load(path, text, err)
}

// Nearest reads the first file in dir and the directories above it, and returns Defaults when there
// is none. A link that leads out of its directory is an *Error.
func Nearest(ctx context.Context, dir string) (*Config, error) {
	path, ok, err := Find(dir)
	if err != nil {
		return nil, err
	}
	if !ok {
		return Defaults(dir), nil
	}
	text, err := files.ReadIn(ctx, filepath.Dir(path), Name, maxSize)
	return load(path, text, err)
}

func load(path string, text []byte, err error) (*Config, error) {
	var dir string
	if err == nil {
		dir, err = filepath.Abs(filepath.Dir(path))
	}
	if err != nil {
		return nil, &Error{[]error{fmt.Errorf("%s: %w", path, err)}}
	}
	return parse(path, dir, text)
}

// Defaults returns the configuration of a directory without a file.
func Defaults(dir string) *Config {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	c := initial(dir)
	c.complete(nil)
	return c
}

// Find looks for the file in dir and in the directories above it. It returns the path of the first
// thing of that name, even if that is no file.
func Find(dir string) (path string, ok bool, err error) {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = errors.New("is not a directory")
	}
	if err != nil {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = e.Err // the message names the path already
		}
		return "", false, &Error{[]error{fmt.Errorf("%s: %w", dir, err)}}
	}
	above, err := filepath.Abs(dir)
	if err != nil {
		return "", false, err
	}
	for path := filepath.Join(dir, Name); ; path = filepath.Join(above, Name) {
		if exists(path) {
			return path, true, nil
		}
		if above == filepath.Dir(above) {
			return "", false, nil
		}
		above = filepath.Dir(above)
	}
}

// composeNames are the names under which compose looks for its file, in that order.
var composeNames = []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"}

// findTemplate returns the template beside the file: a Dockerrun template, or else a compose file.
func (c *Config) findTemplate() string {
	if c.File == "" || exists(filepath.Join(c.Dir, defaultTemplate)) {
		return defaultTemplate
	}
	for _, name := range composeNames {
		if exists(filepath.Join(c.Dir, name)) {
			return name
		}
	}
	return defaultTemplate
}

// exists reports whether anything is at path. A symbolic link to nothing, and what can't be looked
// at, exist: they were meant to be the file.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// Parse reads the text of a file that may not be there yet: its messages call it path, and it is relative
// to dir. The error is an *Error.
func Parse(path, dir string, text []byte) (*Config, error) { return parse(path, dir, text) }
