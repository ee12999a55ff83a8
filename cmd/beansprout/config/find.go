package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Find looks for the file in dir and in the directories above it, and returns the path of
// the first. Something of that name that is no readable file is an *Error.
func Find(dir string) (path string, ok bool, err error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", false, &Error{[]error{fmt.Errorf("%s: %w", dir, notDirectory(err))}}
	}
	if ok, err := exists(filepath.Join(dir, Name)); ok || err != nil {
		return filepath.Join(dir, Name), ok, err
	}
	above, err := filepath.Abs(dir)
	if err != nil {
		return "", false, err
	}
	for above != filepath.Dir(above) {
		above = filepath.Dir(above)
		path := filepath.Join(above, Name)
		if ok, err := exists(path); ok || err != nil {
			return path, ok, err
		}
	}
	return "", false, nil
}

// exists says whether there is a file at path that can be read. A symbolic link to
// nowhere is an error, too: somebody meant it to be there.
func exists(path string) (bool, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	f, err := open(path)
	if err != nil {
		return false, &Error{[]error{fmt.Errorf("%s: %w", path, cause(err))}}
	}
	return true, f.Close()
}

// open refuses directories, pipes and devices before it opens them: a pipe would wait.
func open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, errors.New("is a directory, not a file")
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	return os.Open(path)
}

func notDirectory(err error) error {
	if err == nil {
		return errors.New("is not a directory")
	}
	return cause(err)
}
