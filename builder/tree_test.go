package builder

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tonistiigi/fsutil/types"
)

func TestTheEngineSeesFilesWithoutTheirOwners(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), "a")
	if os.Getuid() == 0 {
		if err := os.Chown(filepath.Join(dir, "a"), 1234, 1234); err != nil {
			t.Fatal(err)
		}
	}
	files, err := tree{dir: dir, broken: func(path string, err error) { t.Error(path, err) }}.filter(nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = files.Walk(t.Context(), "", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if s := info.Sys().(*types.Stat); s.Uid != 0 || s.Gid != 0 {
			t.Errorf("%s belongs to %d:%d", path, s.Uid, s.Gid)
		}
		seen++
		return nil
	})
	if err != nil || seen != 1 {
		t.Errorf("%d files seen: %v", seen, err)
	}
}
