// Package files opens the files that a user names: only regular files of a limited size. A name
// may lead to something hostile: a device, a pipe without a writer, a link to a secret outside, a
// file that grows, a dead network disk.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// Limits of what is read into memory, in bytes.
const (
	Text   = 1 << 20   // Dockerfiles, templates and other files that people write
	Secret = 500 << 10 // BuildKit's limit
)

// Open opens the regular file of that name. Links may lead to it, but not out of root; when root
// is nil, the file may be anywhere. Open refuses a file of more than limit bytes. Its error has no
// path, and wraps fs.ErrNotExist when there is no file. When ctx ends, Open returns its cause.
func Open(ctx context.Context, root *os.Root, name string, limit int64) (*os.File, error) {
	return untilDone(ctx, func() (*os.File, error) {
		f, err := open(root, name, limit)
		if err != nil {
			return nil, Reason(err)
		}
		return f, nil
	}, func(f *os.File) { _ = f.Close() })
}

// FS returns an fs.FS whose files Open opens.
func FS(ctx context.Context, root *os.Root, limit int64) fs.FS {
	return opener(func(name string) (fs.File, error) {
		f, err := Open(ctx, root, name, limit)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return f, nil
	})
}

type opener func(name string) (fs.File, error)

func (o opener) Open(name string) (fs.File, error) { return o(name) }

// OpenIn calls Open with the directory dir as the root.
func OpenIn(ctx context.Context, dir, name string, limit int64) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, Reason(err))
	}
	defer root.Close()
	return Open(ctx, root, name, limit)
}

// Read returns the content of a file that Open opens.
func Read(ctx context.Context, root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := Open(ctx, root, name, limit)
	if err != nil {
		return nil, err
	}
	return readAll(ctx, f, limit)
}

// ReadIn calls Read with the directory dir as the root.
func ReadIn(ctx context.Context, dir, name string, limit int64) ([]byte, error) {
	f, err := OpenIn(ctx, dir, name, limit)
	if err != nil {
		return nil, err
	}
	return readAll(ctx, f, limit)
}

func readAll(ctx context.Context, f *os.File, limit int64) ([]byte, error) {
	defer f.Close()
	return io.ReadAll(Limit(ctx, f, limit))
}

// open checks the file before it opens it, because opening some devices has effects, and again
// afterwards, because the name may lead elsewhere by then. It doesn't wait for the writer of a pipe.
func open(root *os.Root, name string, limit int64) (*os.File, error) {
	stat, openFile := os.Stat, os.OpenFile
	if root != nil {
		stat, openFile = root.Stat, root.OpenFile
	}
	if info, err := stat(name); err != nil {
		return nil, err
	} else if err := check(info, limit); err != nil {
		return nil, err
	}
	f, err := openFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = check(info, limit)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func check(info fs.FileInfo, limit int64) error {
	switch mode := info.Mode(); {
	case mode.IsRegular() && info.Size() > limit:
		return tooLarge(limit)
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return errors.New("is a directory, not a file")
	case mode&fs.ModeNamedPipe != 0:
		return errors.New("is a pipe, not a regular file")
	case mode&fs.ModeSocket != 0:
		return errors.New("is a socket, not a regular file")
	case mode&fs.ModeDevice != 0:
		return errors.New("is a device, not a regular file")
	}
	return errors.New("is not a regular file")
}

func tooLarge(limit int64) error {
	if limit < 1<<20 {
		return fmt.Errorf("is larger than %d kB", limit>>10)
	}
	return fmt.Errorf("is larger than %d MB", limit>>20)
}

// Reason returns an error of package os without the path, for which callers have a better name.
func Reason(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	if strings.Contains(err.Error(), "path escapes") { // os has no name for this error
		return errors.New("is outside its directory, or a link leads out of it")
	}
	return err
}

// Limit returns a reader of r that fails after limit bytes. When ctx ends, a Read returns its
// cause, although the kernel may still wait for the disk.
func Limit(ctx context.Context, r io.Reader, limit int64) io.Reader {
	return &limited{ctx: ctx, r: r, left: limit, limit: limit}
}

type limited struct {
	ctx         context.Context
	r           io.Reader
	left, limit int64
	chunk       [64 << 10]byte
}

func (l *limited) Read(p []byte) (int, error) {
	own := l.chunk[:min(len(p), len(l.chunk))] // a read may go on after ctx has ended, when p is the caller's
	n, err := untilDone(l.ctx, func() (int, error) { return l.r.Read(own) }, func(int) {})
	copy(p, own[:n])
	if l.left -= int64(n); l.left < 0 {
		return 0, tooLarge(l.limit)
	}
	if err != nil && err != io.EOF {
		err = Reason(err)
	}
	return n, err
}

// untilDone returns the result of do, or the cause when ctx ends first. A thread that waits for a
// dead disk can't be woken, so do then goes on in the background and drop gets its late result.
func untilDone[T any](ctx context.Context, do func() (T, error), drop func(T)) (result T, err error) {
	if ctx.Err() != nil {
		return result, context.Cause(ctx)
	}
	done := make(chan struct{})
	var outcome T
	var failed error
	go func() {
		defer close(done)
		outcome, failed = do()
	}()
	select {
	case <-done:
		return outcome, failed
	case <-ctx.Done():
		go func() {
			if <-done; failed == nil {
				drop(outcome)
			}
		}()
		return result, context.Cause(ctx)
	}
}
