package starter

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"beansprout/cmd/internal/project"
	"beansprout/files"
)

// Existing returns the names of the plan's files that the directory has already.
func (s *Survey) Existing(plan Plan) (names []string, err error) {
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return nil, errorf("open %s: %w", s.Dir, files.Reason(err))
	}
	defer root.Close()
	for _, f := range plan.Files {
		if _, err := root.Lstat(f.Name); !errors.Is(err, fs.ErrNotExist) { // what can't be looked at is there
			names = append(names, f.Name)
		}
	}
	return names, nil
}

// writer writes files: each first under another name, and all get their names at once.
type writer struct {
	root    *os.Root
	replace bool
	folders []string          // that were made, the outer ones first
	ready   map[string]string // where a file is until it gets its name
	aside   map[string]string // where a file is that is replaced
	named   []string
}

// Write writes the plan's files. Where one can't be written, none is, and the directory is as it was. It replaces
// no file unless replace is set; a link is replaced, and what it leads to stays. Its error is a *project.Error.
func Write(s *Survey, plan Plan, replace bool) error {
	existing, err := s.Existing(plan)
	if err != nil {
		return err
	}
	if len(existing) > 0 && !replace {
		return &project.Error{Err: &ExistsError{s.Dir, existing}}
	}
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return errorf("open %s: %w", s.Dir, files.Reason(err))
	}
	defer root.Close()
	w := &writer{root: root, replace: replace, ready: map[string]string{}, aside: map[string]string{}}
	for _, f := range plan.Files {
		if err = w.prepare(f); err != nil {
			break
		}
	}
	if err == nil {
		err = w.publish(plan)
	}
	if err == nil {
		w.removeAll(w.aside)
		return nil
	}
	w.restore()
	return errorf("write in %s: %w; nothing was written", s.Dir, err)
}

// prepare writes a file under a name that nothing else has.
func (w *writer) prepare(f Output) error {
	if err := w.folder(path.Dir(f.Name)); err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	name := f.Name + "." + rand.Text()
	file, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name, files.Reason(err))
	}
	w.ready[f.Name] = name
	_, err = file.WriteString(f.Text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("%s: %w", f.Name, files.Reason(err))
	}
	return nil
}

// folder makes a folder and those around it.
func (w *writer) folder(name string) error {
	if name == "." {
		return nil
	}
	if err := w.folder(path.Dir(name)); err != nil {
		return err
	}
	switch err := w.root.Mkdir(name, 0o755); {
	case err == nil:
		w.folders = append(w.folders, name)
	case !errors.Is(err, fs.ErrExist):
		return files.Reason(err)
	}
	return nil
}

// publish gives the files their names. A link can't replace a file that has come meanwhile.
func (w *writer) publish(plan Plan) error {
	for _, f := range plan.Files {
		if info, err := w.root.Lstat(f.Name); err == nil && info.IsDir() {
			return fmt.Errorf("%s: is a directory", f.Name)
		}
		if w.replace {
			aside := f.Name + "." + rand.Text()
			switch err := w.root.Rename(f.Name, aside); {
			case err == nil:
				w.aside[f.Name] = aside
			case !errors.Is(err, fs.ErrNotExist):
				return fmt.Errorf("replace %s: %w", f.Name, linkReason(err))
			}
		}
		if err := w.name(f.Name); err != nil {
			return fmt.Errorf("%s: %w", f.Name, linkReason(err))
		}
		w.named = append(w.named, f.Name)
	}
	w.removeAll(w.ready)
	return nil
}

// name gives a file its name, unless something has it.
func (w *writer) name(name string) error {
	err := w.root.Link(w.ready[name], name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// The file system has no second names: nothing can replace a file that comes at this very moment.
	if _, err := w.root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return fs.ErrExist
	}
	return w.root.Rename(w.ready[name], name)
}

// restore brings the directory back to what it was.
func (w *writer) restore() {
	for _, name := range w.named {
		_ = w.root.Remove(name)
	}
	for name, aside := range w.aside {
		_ = w.root.Rename(aside, name)
	}
	w.removeAll(w.ready)
	for _, folder := range slices.Backward(w.folders) {
		_ = w.root.Remove(folder)
	}
}

func (w *writer) removeAll(names map[string]string) {
	for _, name := range names {
		_ = w.root.Remove(name)
	}
}

// linkReason returns an error of package os without the paths.
func linkReason(err error) error {
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return files.Reason(err)
}
