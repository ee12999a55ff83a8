package dockerrun

import (
	"archive/zip"
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
)

const documentName = "Dockerrun.aws.json"

// limits are how much a bundle may be.
type limits struct {
	bytes int64 // zipped
	files int
}

// maximum is what Beanstalk takes ("Create an application source bundle", developer guide), and
// what a zip holds without its 64-bit extension.
func maximum() limits { return limits{bytes: 512 << 20, files: 65535} }

// Bundle writes the zip that Beanstalk runs: the document as Dockerrun.aws.json, and the included
// files and folders under the names that they have in root. Equal content gives equal bytes,
// whatever the dates, owners and umask of the files; of their modes the executable bit counts.
//
// A link inside root is followed. One that leaves root, whatever is neither file nor folder, a
// missing include and a name that could mean another place when it is unpacked are errors that
// name the path. More than 512 MB is an error. After an error w holds a part of a bundle.
func Bundle(w io.Writer, document []byte, root string, include []string) error {
	return bundle(w, document, root, include, maximum())
}

func bundle(w io.Writer, document []byte, root string, include []string, limit limits) error {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return fmt.Errorf("open bundle root: %w", err)
	}
	defer dir.Close()
	b := bundler{root: dir, files: map[string]fs.FileMode{documentName: 0}, limit: limit}
	for _, name := range include {
		if err := b.include(name); err != nil {
			return fmt.Errorf("include %q in the bundle: %w", name, err)
		}
	}
	b.zip = zip.NewWriter(&limited{w, limit.bytes})
	if err := b.write(document); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return nil
}

type bundler struct {
	root  *os.Root
	limit limits
	files map[string]fs.FileMode // by slashed path
	zip   *zip.Writer
}

func (b *bundler) include(name string) error {
	clean := path.Clean(filepath.ToSlash(name))
	if !filepath.IsLocal(name) || clean == "." {
		return errors.New("must be a path to something inside the application's directory")
	}
	return b.collect(clean, nil)
}

// collect adds a file, or what is in a folder. Above are the folders that it is in, so that a
// link to one of them doesn't go round in a circle.
func (b *bundler) collect(name string, above []fs.FileInfo) error {
	if err := checkName(name); err != nil {
		return err
	}
	info, err := b.root.Stat(name)
	switch {
	case err != nil:
		return pathError(name, err)
	case info.IsDir():
		return b.folder(name, info, above)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q is neither a file nor a folder", name)
	}
	b.files[name] = info.Mode()
	if len(b.files) > b.limit.files {
		return fmt.Errorf("%q is one file more than the %d that a bundle holds", name, b.limit.files)
	}
	return nil
}

func (b *bundler) folder(name string, info fs.FileInfo, above []fs.FileInfo) error {
	if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
		return fmt.Errorf("%q is a link to a folder that it is in", name)
	}
	entries, err := fs.ReadDir(b.root.FS(), name)
	if err != nil {
		return pathError(name, err)
	}
	for _, e := range entries {
		if err := b.collect(name+"/"+e.Name(), append(above, info)); err != nil {
			return err
		}
	}
	return nil
}

// checkName refuses names that systems other than the one which zips may take for another place.
func checkName(name string) error {
	switch {
	case name == documentName:
		return fmt.Errorf("%q is made from the template", name)
	case !utf8.ValidString(name), strings.ContainsRune(name, '\\'), strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("%q has a name that not every system unpacks to the same place", name)
	}
	return nil
}

func (b *bundler) write(document []byte) error {
	for _, name := range slices.Sorted(maps.Keys(b.files)) {
		w, err := b.create(name)
		if err != nil {
			return err
		}
		if name == documentName {
			_, err = w.Write(document)
		} else {
			err = b.copy(w, name)
		}
		if err != nil {
			return err
		}
	}
	return b.zip.Close()
}

// create starts a file in the zip, with nothing about it that differs between two machines.
func (b *bundler) create(name string) (io.Writer, error) {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o644)
	if b.files[name]&0o111 != 0 {
		header.SetMode(0o755)
	}
	return b.zip.CreateHeader(header)
}

func (b *bundler) copy(w io.Writer, name string) error {
	f, err := b.root.Open(name)
	if err != nil {
		return pathError(name, err)
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// pathError names the path as it is in the bundle, and not the system call that failed.
func pathError(name string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("%q: %w", name, err)
}

// limited lets no more than some bytes through.
type limited struct {
	w    io.Writer
	left int64
}

var errTooLarge = errors.New("larger than the 512 MB that Beanstalk takes")

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errTooLarge
	}
	return l.w.Write(p)
}
