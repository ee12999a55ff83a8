// Package envfile tells the steps of a CI that follow how a deploy ended, in a file of NAME=value lines.
// A shell, GitLab's reports of kind dotenv, GitHub's files of outputs and variables, and Jenkins'
// readProperties read it alike, because no value has a character that one of them treats specially.
package envfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"beansprout/files"
	"beansprout/pattern"
)

// Failed is the outcome of a deploy that did not succeed.
const Failed = "failed"

// Deploy is how a deploy ended.
type Deploy struct {
	Outcome     string // Failed, or an outcome of package envs
	URL         string // "" unless it serves Commit
	Commit      string
	Environment string    // its name
	Expires     time.Time // zero if it is not known, or if the environment stays
}

// harmless are the values that mean themselves to all readers, quoted or not.
var harmless = pattern.New(`^[A-Za-z0-9._:/+-]*$`)

// Lines returns a line for each variable, also for those without a value, so that a reader has no value
// of an earlier deploy. It refuses values that a reader could take for more than a value.
func (d Deploy) Lines() (string, error) {
	expires := ""
	if !d.Expires.IsZero() {
		expires = d.Expires.UTC().Format(time.RFC3339)
	}
	var text strings.Builder
	for _, v := range []struct{ name, value string }{
		{"OUTCOME", d.Outcome}, {"URL", d.URL}, {"COMMIT", d.Commit}, {"ENVIRONMENT", d.Environment}, {"EXPIRES", expires},
	} {
		if !harmless.MatchString(v.value) {
			return "", fmt.Errorf("%s%s=%q is no value that every CI reads alike", prefix, v.name, v.value)
		}
		fmt.Fprintf(&text, "%s%s=%s\n", prefix, v.name, v.value)
	}
	return text.String(), nil
}

// prefix is that of all names.
const prefix = "BEANSPROUT_"

// A File is where a deploy tells how it ended.
type File struct {
	path    string
	appends bool // the file belongs to the CI, and other steps or commands write to it, too
}

// maxLength of a file that Write has written, in bytes.
const maxLength = 64 << 10

// Open returns the file at path and makes sure that Write can write it. It removes a file that an earlier
// deploy has written: until Write, there is none. If path is one of the CI's own files, such as
// $GITHUB_OUTPUT, the file stays as it is, and Write appends to it. Any other file is refused.
func Open(ctx context.Context, path string, ofCI ...string) (*File, error) {
	f := &File{path: path, appends: isOneOf(path, ofCI)}
	if f.appends {
		return f, f.add("")
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, files.Reason(err)
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, errors.New("is a link, not a regular file")
	default:
		if err := refuseForeign(ctx, path); err != nil {
			return nil, err
		}
	}
	trial, err := f.draft("")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.Remove(trial), removed(path)); err != nil {
		return nil, files.Reason(err)
	}
	return f, nil
}

// removed removes the file at path, if there is one.
func removed(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// isOneOf reports whether path leads to one of the files.
func isOneOf(path string, others []string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	for _, other := range others {
		if there, err := os.Stat(other); err == nil && os.SameFile(info, there) {
			return true
		}
	}
	return false
}

// refuseForeign refuses a file with lines that no deploy has written.
func refuseForeign(ctx context.Context, path string) error {
	text, err := files.Read(ctx, nil, path, maxLength)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, prefix) {
			return errors.New("has lines that no deploy has written, and would be replaced")
		}
	}
	return nil
}

// Write writes how the deploy ended. A reader sees all of it or nothing. A nil File is not written.
func (f *File) Write(d Deploy) error {
	if f == nil {
		return nil
	}
	text, err := d.Lines()
	switch {
	case err != nil:
		return err
	case f.appends:
		return f.add(text)
	}
	name, err := f.draft(text)
	if err != nil {
		return err
	}
	if err := os.Rename(name, f.path); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// draft writes text to a new file beside the file, and returns its name.
func (f *File) draft(text string) (string, error) {
	draft, err := os.CreateTemp(filepath.Dir(f.path), ".beansprout-*")
	if err != nil {
		return "", files.Reason(err)
	}
	_, err = draft.WriteString(text)
	if err = errors.Join(err, draft.Chmod(0o644), draft.Close()); err != nil {
		return "", errors.Join(err, os.Remove(draft.Name()))
	}
	return draft.Name(), nil
}

// add appends text to the CI's file, beginning with a new line if another writer has left one without an end.
func (f *File) add(text string) error {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return files.Reason(err)
	}
	last := []byte{'\n'}
	if info, err := file.Stat(); err == nil && info.Size() > 0 && text != "" {
		_, _ = file.ReadAt(last, info.Size()-1)
	}
	if last[0] != '\n' {
		text = "\n" + text
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}
