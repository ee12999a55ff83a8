// Package artifact looks at what was built elsewhere: a war, a jar or a zip goes in, and why
// Elastic Beanstalk would not take it comes out.
package artifact

import (
	"archive/zip"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"beansprout/dockerrun"
)

// Max is how many bytes a bundle may have (developer guide, "Create an application source
// bundle").
const Max = 512 << 20

// Check says what is wrong with an archive, of which the name tells the kind: that it is none,
// that something in it leaves its root, or that everything is in one folder. Beanstalk
// would unpack that folder, and find nothing to run beside it.
func Check(name string, content io.ReaderAt, size int64) error {
	archive, err := dockerrun.OpenArchive(content, size)
	if err != nil {
		return fmt.Errorf("%s is no zip archive: %w", name, err)
	}
	if err := dockerrun.CheckArchive(archive, strings.TrimPrefix(path.Ext(name), ".")); err != nil {
		return fmt.Errorf("%s: %w", name, err)
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

// misplaced reports whether the one folder that everything is in should not be there. Classes alone
// are a jar, and WEB-INF alone is a war.
func misplaced(name, folder string, entries []*zip.File) bool {
	if path.Ext(name) == ".zip" {
		return true
	}
	return slices.ContainsFunc(entries, func(e *zip.File) bool {
		return strings.HasPrefix(e.Name, folder+"/META-INF/") || strings.HasPrefix(e.Name, folder+"/WEB-INF/")
	})
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
