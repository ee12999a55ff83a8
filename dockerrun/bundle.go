package dockerrun

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"beansprout/files"
)

// DocumentName is the name of a Dockerrun document in a bundle.
const DocumentName = "Dockerrun.aws.json"

// Document is what is made from the template of a bundle.
type Document struct {
	Name string
	Text []byte
}

// MarshalJSON returns the text if it is JSON, else as a string; null where there is none.
func (d Document) MarshalJSON() ([]byte, error) {
	switch {
	case d.Text == nil:
		return []byte("null"), nil
	case json.Valid(d.Text):
		return d.Text, nil
	}
	return json.Marshal(string(d.Text))
}

// limits are the limits of a bundle.
type limits struct {
	bytes    int64 // of the zip, and of one file
	unpacked int64 // bytes of all files
	files    int
}

// bundleLimits returns Beanstalk's limits ("Create an application source bundle", developer guide)
// and the number of files in a zip without its 64-bit extension.
func bundleLimits() limits { return limits{bytes: 512 << 20, unpacked: 2 << 30, files: 65535} }

// Bundle writes the zip that Beanstalk runs: the document, and the included
// files and folders under their names in root. Equal content gives equal bytes: the dates, owners
// and umask of the files have no effect, and of their modes only the executable bit.
//
// Bundle follows links inside root. Links out of root, special files, missing includes and names
// that another system could unpack elsewhere are errors that name the path, and so are more than
// 512 MB. After an error w has a part of a bundle. When ctx ends, Bundle returns its cause.
func Bundle(ctx context.Context, w io.Writer, document Document, root string, include []string) error {
	return bundle(ctx, w, document, root, include, bundleLimits())
}

// Files returns the names that the files included from root have in the bundle beside the document, in order.
// It returns the errors of Bundle that don't depend on the archive.
func Files(ctx context.Context, document, root string, include []string) ([]string, error) {
	b, err := gather(ctx, document, root, include, bundleLimits())
	if err != nil {
		return nil, err
	}
	defer b.root.Close()
	delete(b.files, document)
	return slices.Sorted(maps.Keys(b.files)), nil
}

func bundle(ctx context.Context, w io.Writer, document Document, root string, include []string, limit limits) error {
	b, err := gather(ctx, document.Name, root, include, limit)
	if err != nil {
		return err
	}
	defer b.root.Close()
	b.zip = zip.NewWriter(&limited{w, limit.bytes, "larger than the 512 MB that Beanstalk takes"})
	if err := b.write(ctx, document.Text); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

// gather finds the files of a bundle. The caller closes its root.
func gather(ctx context.Context, document, root string, include []string, limit limits) (*bundler, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("open bundle root: %w", err)
	}
	b := &bundler{root: dir, document: document, files: map[string]fs.FileMode{document: 0}, limit: limit}
	for _, name := range include {
		if err := b.include(ctx, name); err != nil {
			dir.Close()
			return nil, fmt.Errorf("include %q in the bundle: %w", name, err)
		}
	}
	return b, nil
}

type bundler struct {
	root     *os.Root
	document string // its name
	limit    limits
	files    map[string]fs.FileMode // by slashed path
	size     int64                  // of all files, in bytes
	zip      *zip.Writer
}

func (b *bundler) include(ctx context.Context, name string) error {
	clean := path.Clean(filepath.ToSlash(name))
	if !filepath.IsLocal(name) || clean == "." {
		return errors.New("must be a path to something inside the application's directory")
	}
	return b.collect(ctx, clean, nil)
}

// collect adds a file, or the files of a folder. above are the folders around it, so that a link
// to one of them is found to be a cycle.
func (b *bundler) collect(ctx context.Context, name string, above []fs.FileInfo) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := b.checkName(name); err != nil {
		return err
	}
	info, err := b.root.Stat(name)
	switch {
	case err != nil:
		return pathError(name, err)
	case info.IsDir():
		return b.folder(ctx, name, info, above)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q is neither a file nor a folder", name)
	case info.Size() > b.limit.bytes:
		return fmt.Errorf("%q: is larger than %d MB", name, b.limit.bytes>>20)
	}
	if _, twice := b.files[name]; twice {
		return nil
	}
	b.files[name] = info.Mode()
	if b.size += info.Size(); b.size > b.limit.unpacked {
		return fmt.Errorf("%q: with it the bundle unpacks to more than 2 GB", name)
	}
	if len(b.files) > b.limit.files {
		return fmt.Errorf("%q is one file more than the %d that a bundle holds", name, b.limit.files)
	}
	return nil
}

func (b *bundler) folder(ctx context.Context, name string, info fs.FileInfo, above []fs.FileInfo) error {
	if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
		return fmt.Errorf("%q is a link to a folder that it is in", name)
	}
	entries, err := fs.ReadDir(b.root.FS(), name)
	if err != nil {
		return pathError(name, err)
	}
	for _, e := range entries {
		if err := b.collect(ctx, name+"/"+e.Name(), append(above, info)); err != nil {
			return err
		}
	}
	return nil
}

// checkName refuses names that another system may unpack elsewhere.
func (b *bundler) checkName(name string) error {
	switch {
	case name == b.document:
		return fmt.Errorf("%q is made from the template", name)
	case !utf8.ValidString(name), strings.ContainsRune(name, '\\'), strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("%q has a name that not every system unpacks to the same place", name)
	}
	return nil
}

func (b *bundler) write(ctx context.Context, document []byte) error {
	left := b.limit.unpacked
	for _, name := range slices.Sorted(maps.Keys(b.files)) {
		w, err := b.create(name)
		if err != nil {
			return err
		}
		if name == b.document {
			_, err = w.Write(document)
		} else {
			left, err = b.copy(ctx, w, name, left)
		}
		if err != nil {
			return err
		}
	}
	return b.zip.Close()
}

// create starts a file in the zip, with a header that is the same on all machines.
func (b *bundler) create(name string) (io.Writer, error) {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o644)
	if b.files[name]&0o111 != 0 {
		header.SetMode(0o755)
	}
	return b.zip.CreateHeader(header)
}

// copy copies a file, and returns how many bytes are left for the others.
func (b *bundler) copy(ctx context.Context, w io.Writer, name string, left int64) (int64, error) {
	f, err := files.Open(ctx, b.root, name, b.limit.bytes)
	if err != nil {
		return left, fmt.Errorf("%q: %w", name, err)
	}
	defer f.Close()
	l := &limited{w, left, "unpacks to more than 2 GB"}
	_, err = io.Copy(l, files.Limit(ctx, f, b.limit.bytes))
	return l.left, err
}

// pathError returns an error with the path in the bundle instead of the system call.
func pathError(name string, err error) error {
	return fmt.Errorf("%q: %w", name, files.Reason(err))
}

// limited fails after some bytes.
type limited struct {
	w    io.Writer
	left int64
	more string // the error after that
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errors.New(l.more)
	}
	return l.w.Write(p)
}
