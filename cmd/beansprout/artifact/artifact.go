// Package artifact reads what was built elsewhere: the path of a war, a jar or a zip goes in,
// and the open file comes out, or why Elastic Beanstalk would not take it.
package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Max is how many bytes a bundle may have (developer guide, "Create an application source
// bundle").
const Max = 512 << 20

// Open opens the file of that name in the directory, wherever links in it lead: they must not
// leave it. That there is none wraps fs.ErrNotExist.
func Open(dir, name string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, cause(err))
	}
	defer root.Close()
	// A pipe would make it wait for somebody who writes.
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, cause(err))
	}
	if err := checkFile(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s %w", name, err)
	}
	return f, nil
}

func checkFile(f *os.File) error {
	stat, err := f.Stat()
	switch {
	case err != nil:
		return cause(err)
	case stat.IsDir():
		return errors.New("is a directory; want a file")
	case !stat.Mode().IsRegular():
		return errors.New("is no regular file")
	case stat.Size() > Max:
		return fmt.Errorf("has %d MB; Elastic Beanstalk takes at most %d", (stat.Size()+1<<20-1)>>20, Max>>20)
	}
	return nil
}

// cause drops the path from an error that names it otherwise.
func cause(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}
