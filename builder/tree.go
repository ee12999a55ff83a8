package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// tree is a directory as the engine sees it and as it is fingerprinted: its files,
// directories and links. Sockets, pipes and devices stay behind: BuildKit would make an
// empty file of some and nothing of others.
type tree struct {
	fsutil.FS
	dir    string
	broken func(path string, err error)        // is told what can't be read
	behind func(path string, mode fs.FileMode) // is told what stays behind, unless nil
}

// filter returns the tree without what the patterns exclude, and without owners, which are
// nobody's business in an image.
func (t tree) filter(excludes []string) (fsutil.FS, error) {
	files, err := fsutil.NewFS(t.dir)
	if err != nil {
		return nil, err
	}
	t.FS = files
	return fsutil.NewFilterFS(t, &fsutil.FilterOpt{ExcludePatterns: excludes, Map: func(_ string, s *types.Stat) fsutil.MapResult {
		s.Uid, s.Gid = 0, 0
		return fsutil.MapResultKeep
	}})
}

// Walk goes on behind what can't be read and behind a file that has just gone, for which
// fsutil would leave out the rest of its directory.
func (t tree) Walk(ctx context.Context, target string, each fs.WalkDirFunc) error {
	return t.FS.Walk(ctx, target, func(path string, entry fs.DirEntry, unreadable error) error {
		if entry != nil && entry.Type()&^(fs.ModeDir|fs.ModeSymlink) != 0 {
			entry = special{entry}
		}
		err := each(path, entry, unreadable)
		switch {
		case errors.Is(err, errSpecial):
			if t.behind != nil {
				t.behind(filepath.ToSlash(path), entry.Type())
			}
		case err != nil && err == unreadable:
			t.broken(filepath.ToSlash(path), err)
		case errors.Is(err, fs.SkipDir) && entry != nil && !entry.IsDir():
		default:
			return err
		}
		return nil
	})
}

// special is an entry that stays behind. Only one that no pattern excludes is asked what it
// is.
type special struct{ fs.DirEntry }

var errSpecial = errors.New("not a file")

func (special) Info() (fs.FileInfo, error) { return nil, errSpecial }

// Open reports what can't be opened: fsutil would send it as an empty file.
func (t tree) Open(path string) (io.ReadCloser, error) {
	f, err := openFile(filepath.Join(t.dir, path))
	if err != nil {
		t.broken(filepath.ToSlash(path), err)
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return f, nil
}

// openFile opens a regular file only, and does not wait for the writer of a pipe.
func openFile(path string) (*os.File, error) {
	return regular(os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0))
}

// readFile reads a regular file of a context; a link may lead to it.
func readFile(root *os.Root, name string) ([]byte, error) {
	f, err := regular(root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func regular(f *os.File, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errSpecial
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
