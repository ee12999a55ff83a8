package artifact

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maxLink is more than any path that a link holds (Linux's PATH_MAX).
const maxLink = 4096

// Check says what is wrong with an archive, of which the name tells the kind: that it is none,
// that something in it leaves its root, or that everything is in one folder. Beanstalk
// would unpack that folder, and find nothing to run beside it.
func Check(name string, content io.ReaderAt, size int64) error {
	archive, err := zip.NewReader(content, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // the entries say which
		return fmt.Errorf("%s is no zip archive: %w", name, err)
	}
	for _, entry := range archive.File {
		if err := checkEntry(entry); err != nil {
			return fmt.Errorf("%s: entry %.200q %w", name, entry.Name, err)
		}
	}
	if len(archive.File) == 0 {
		return fmt.Errorf("%s is an empty archive", name)
	}
	if folder := parent(archive.File); folder != "" && misplaced(name, folder, archive.File) {
		return fmt.Errorf("%s has everything in the folder %.200q, and nothing at its root; make it with zip -r ../%s . from inside that folder",
			name, folder, path.Base(name))
	}
	return nil
}

// misplaced says whether the one folder that everything is in should not be there. Classes alone
// are a jar, and WEB-INF alone is a war.
func misplaced(name, folder string, entries []*zip.File) bool {
	if path.Ext(name) == ".zip" {
		return true
	}
	return slices.ContainsFunc(entries, func(e *zip.File) bool {
		return strings.HasPrefix(e.Name, folder+"/META-INF/") || strings.HasPrefix(e.Name, folder+"/WEB-INF/")
	})
}

func checkEntry(e *zip.File) error {
	switch {
	case strings.Contains(e.Name, `\`):
		return errors.New(`has a \ in its name; want folders divided by /`)
	case !filepath.IsLocal(e.Name):
		return errors.New("leaves the archive's root")
	case e.Mode()&fs.ModeSymlink == 0:
		return nil
	}
	target, err := link(e)
	if err != nil {
		return fmt.Errorf("is a link that can't be read: %w", err)
	}
	if path.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(e.Name), target)) {
		return errors.New("is a link that leaves the archive's root")
	}
	return nil
}

// link returns where a link leads.
func link(e *zip.File) (string, error) {
	content, err := e.Open()
	if err != nil {
		return "", err
	}
	defer content.Close()
	target, err := io.ReadAll(io.LimitReader(content, maxLink))
	return string(target), err
}

// parent returns the folder that all entries are in, "" when there is none. What macOS adds
// beside it doesn't count.
func parent(entries []*zip.File) (folder string) {
	for _, e := range entries {
		first, _, inside := strings.Cut(e.Name, "/")
		switch {
		case first == "__MACOSX":
		case !inside || folder != "" && first != folder:
			return ""
		default:
			folder = first
		}
	}
	return folder
}
