package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/docker/docker/api/types/mount"
)

// provide makes the paths of the bundle that units mount ready. It creates those that the bundle does
// not have as empty directories, as Docker does.
func (g *generation) provide(paths []string) error {
	for _, p := range paths {
		if _, err := os.Stat(filepath.Join(g.dir, p)); errors.Is(err, fs.ErrNotExist) {
			if err := os.MkdirAll(filepath.Join(g.dir, p), 0o755); err != nil {
				return err
			}
		}
	}
	return g.pin()
}

// bind is a path of the bundle that a unit mounts.
type bind struct {
	unit string
	*mount.Mount
}

func (g *generation) binds() (all []bind) {
	for _, u := range g.units {
		for i, m := range u.host.Mounts {
			if m.Type == mount.TypeBind {
				all = append(all, bind{u.name, &u.host.Mounts[i]})
			}
		}
	}
	return all
}

// pin resolves the links in the paths that are bound, and refuses a path below one that a container
// may write to: it could put a link to this machine's files in its place.
func (g *generation) pin() (err error) {
	for _, b := range g.binds() {
		if b.Source, err = filepath.EvalSymlinks(b.Source); err != nil {
			return fmt.Errorf("find what %s mounts: %w", b.unit, err)
		}
	}
	for _, b := range g.binds() {
		for _, w := range g.binds() {
			if !w.ReadOnly && w.Source != b.Source && within(w.Source, b.Source) {
				return &Failure{cause: fmt.Sprintf("%s mounts at %s a path below the one that %s mounts at %s and may write to, "+
					"which cannot be run on this machine: mount that read-only", b.unit, b.Target, w.unit, w.Target)}
			}
		}
	}
	return nil
}
