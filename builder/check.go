package builder

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// check looks at what an image is made from, before the engine is asked: its own words
// for what is missing name its temporary directories.
func check(s Source) error {
	root, err := os.OpenRoot(s.Context)
	if err != nil {
		return missing(ErrNoContext, s.Context, err)
	}
	defer root.Close()
	name := dockerfile(s)
	if !filepath.IsLocal(name) {
		return recognized{fmt.Errorf("the Dockerfile %s is outside the context %s", name, s.Context), ErrNoDockerfile}
	}
	path := filepath.Join(s.Context, name)
	info, err := root.Stat(name)
	if err == nil && !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		err = errors.New("not a file")
	}
	if err != nil {
		return missing(ErrNoDockerfile, path, err)
	}
	f, err := root.Open(name)
	if err != nil {
		return missing(ErrUnreadable, path, err)
	}
	_ = f.Close()
	return checkSecrets(s.Secrets)
}

func checkSecrets(secrets []Secret) error {
	for _, s := range secrets {
		if s.File != "" {
			if _, err := os.Stat(s.File); err != nil {
				return fmt.Errorf("secret %q: %w", s.ID, err)
			}
		} else if _, ok := os.LookupEnv(s.Env); !ok {
			return fmt.Errorf("secret %q: the environment variable %s is not set", s.ID, s.Env)
		}
	}
	return nil
}

func dockerfile(s Source) string { return filepath.Clean(cmp.Or(s.Dockerfile, "Dockerfile")) }

// missing names the path that is not there, or says why it can't be opened.
func missing(kind error, path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", kind, path)
	}
	return fmt.Errorf("%w at %s: %w", kind, path, reason(err))
}

// reason is an error without the path that it names.
func reason(err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		return inner.Err
	}
	return err
}
