package builder

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"
)

// contents is what the engine may see of a context.
type contents struct {
	files      []*file           // sorted by path
	behind     map[string]string // what does not travel, by path: "socket", "pipe", "device"
	mu         sync.Mutex
	unreadable map[string]error // what can't be read, by path
}

// file is a file, directory or link of a context.
type file struct {
	path   string // relative to the context, with slashes
	mode   fs.FileMode
	size   int64
	link   string // where a symbolic link leads
	xattrs map[string][]byte
	sum    sum // of what a regular file holds
}

// scan walks the directory without what the patterns exclude and hashes the files that it
// finds, unless known is nil.
func scan(ctx context.Context, dir string, excludes []string, known *sums) (*contents, error) {
	c := &contents{behind: map[string]string{}, unreadable: map[string]error{}}
	files, err := tree{dir: dir, broken: c.broken, behind: c.stays}.filter(excludes)
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
			if known != nil && f.mode.IsRegular() {
				g.Go(func() error { return c.hash(ctx, f, dir, known) })
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

func (c *contents) hash(ctx context.Context, f *file, dir string, known *sums) (err error) {
	if f.sum, err = known.of(ctx, filepath.Join(dir, f.path), f.path); err != nil {
		c.broken(f.path, err)
	}
	return ctx.Err()
}

func (c *contents) broken(path string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unreadable[path] = err
}

func (c *contents) stays(path string, mode fs.FileMode) {
	switch {
	case mode&fs.ModeSocket != 0:
		c.behind[path] = "socket"
	case mode&fs.ModeNamedPipe != 0:
		c.behind[path] = "pipe"
	default:
		c.behind[path] = "device"
	}
}

func newFile(entry fs.DirEntry) (*file, error) {
	info, err := entry.Info()
	if err != nil {
		return nil, err
	}
	stat := info.Sys().(*types.Stat) // as fsutil promises
	f := &file{path: filepath.ToSlash(stat.Path), mode: fs.FileMode(stat.Mode), size: stat.Size, xattrs: stat.Xattrs}
	if f.mode&fs.ModeSymlink != 0 { // a regular file has the name of its hard link there
		f.link, f.size = stat.Linkname, 0
	}
	return f, nil
}
