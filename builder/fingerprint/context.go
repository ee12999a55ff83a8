package fingerprint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"unicode/utf8"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"
)

// contents lists what the engine can see of a context.
type contents struct {
	files      []*file           // sorted by path
	skipped    map[string]string // what is not sent, by path: "socket", "pipe", "device"
	mu         sync.Mutex
	unreadable map[string]error // why a file cannot be read, by path
}

// file is a file, directory or link of a context.
type file struct {
	path   string // relative to the context, with slashes
	mode   fs.FileMode
	size   int64
	link   string // where a symbolic link leads
	xattrs map[string][]byte
	hash   contentHash // of a regular file
}

// scan lists what is in the directory and not excluded by the patterns. It hashes the files unless
// cache is nil.
func scan(ctx context.Context, dir string, excludes []string, cache *hashCache) (*contents, error) {
	c := &contents{skipped: map[string]string{}, unreadable: map[string]error{}}
	files, err := tree{dir: dir, unreadable: c.fail, skipped: c.skip}.filter(excludes)
	if err != nil {
		return nil, err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4 * runtime.GOMAXPROCS(0))
	g.Go(func() error {
		return files.Walk(ctx, "/", func(_ string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			f, err := newFile(entry)
			if err != nil {
				return err
			}
			c.files = append(c.files, f)
			if cache != nil && f.mode.IsRegular() {
				g.Go(func() error { return c.hash(ctx, f, dir, cache) })
			}
			return nil
		})
	})
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("read %s: %w", dir, err)
	}
	slices.SortFunc(c.files, func(a, b *file) int { return strings.Compare(a.path, b.path) })
	return c, nil
}

func (c *contents) hash(ctx context.Context, f *file, dir string, cache *hashCache) (err error) {
	if f.hash, err = cache.hash(ctx, filepath.Join(dir, f.path), f.path); err != nil {
		c.fail(f.path, err)
	}
	return ctx.Err()
}

func (c *contents) fail(path string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unreadable[path] = err
}

func (c *contents) skip(path string, mode fs.FileMode) {
	switch {
	case mode&fs.ModeSocket != 0:
		c.skipped[path] = "socket"
	case mode&fs.ModeNamedPipe != 0:
		c.skipped[path] = "pipe"
	default:
		c.skipped[path] = "device"
	}
}

func newFile(entry fs.DirEntry) (*file, error) {
	info, err := entry.Info()
	if err != nil {
		return nil, err
	}
	stat := info.Sys().(*types.Stat) // as fsutil promises
	for _, name := range []string{stat.Path, stat.Linkname} {
		if !utf8.ValidString(name) { // the engine would refuse the whole context without naming the file
			return nil, fmt.Errorf("%w: %q", ErrFileName, name)
		}
	}
	f := &file{path: filepath.ToSlash(stat.Path), mode: fs.FileMode(stat.Mode), size: stat.Size, xattrs: stat.Xattrs}
	if f.mode&fs.ModeSymlink != 0 { // for a regular file, Linkname is a hard link
		f.link, f.size = stat.Linkname, 0
	}
	return f, nil
}

// tree is a directory as the engine sees it and as the fingerprint counts it: files, directories
// and links. It skips sockets, pipes and devices: BuildKit makes empty files of some of them.
type tree struct {
	all        fsutil.FS
	dir        string
	unreadable func(path string, err error)        // called for what cannot be read
	skipped    func(path string, mode fs.FileMode) // called for what is skipped; may be nil
}

// Tree returns the files of a directory that the engine can see, without their owners. It calls
// unreadable for each path that cannot be read.
func Tree(dir string, unreadable func(path string, err error)) (fsutil.FS, error) {
	return tree{dir: dir, unreadable: unreadable}.filter(nil)
}

// filter returns the tree without owners and without what the patterns exclude.
func (t tree) filter(excludes []string) (fsutil.FS, error) {
	files, err := fsutil.NewFS(t.dir)
	if err != nil {
		return nil, err
	}
	t.all = files
	return fsutil.NewFilterFS(t, &fsutil.FilterOpt{ExcludePatterns: excludes, Map: func(_ string, s *types.Stat) fsutil.MapResult {
		s.Uid, s.Gid = 0, 0
		return fsutil.MapResultKeep
	}})
}

// Walk continues after what cannot be read, and after a file that has just been removed, where
// fsutil would leave out the rest of the directory.
func (t tree) Walk(ctx context.Context, target string, each fs.WalkDirFunc) error {
	return t.all.Walk(ctx, target, func(path string, entry fs.DirEntry, unreadable error) error {
		if entry != nil && entry.Type()&^(fs.ModeDir|fs.ModeSymlink) != 0 {
			entry = specialFile{entry}
		}
		err := each(path, entry, unreadable)
		switch {
		case errors.Is(err, errNotAFile):
			if t.skipped != nil {
				t.skipped(filepath.ToSlash(path), entry.Type())
			}
		case err != nil && err == unreadable:
			t.unreadable(filepath.ToSlash(path), err)
		case errors.Is(err, fs.SkipDir) && entry != nil && !entry.IsDir():
		default:
			return err
		}
		return nil
	})
}

// specialFile is an entry that is skipped. Its Info is asked for only if no pattern excludes it.
type specialFile struct{ fs.DirEntry }

var errNotAFile = errors.New("not a file")

func (specialFile) Info() (fs.FileInfo, error) { return nil, errNotAFile }

// Open calls unreadable if the file cannot be opened: fsutil would send an empty file.
func (t tree) Open(path string) (io.ReadCloser, error) {
	f, err := openFile(filepath.Join(t.dir, path))
	if err != nil {
		t.unreadable(filepath.ToSlash(path), err)
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return f, nil
}

// openFile opens a regular file of any size. It does not wait for the writer of a pipe, and it does
// not follow links, which are sent as links.
func openFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotAFile
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
