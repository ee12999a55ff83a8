package starter

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"beansprout/builder/fingerprint"
	"beansprout/pattern"
)

// Dockerfile is a Dockerfile of the repository.
type Dockerfile struct {
	File
	Context string // the directory that it sees, relative to the repository's
	Outline fingerprint.Outline
	Err     error               // why Outline knows nothing
	Missing []fingerprint.Place // what it copies and the context doesn't have
}

// isDockerfile reports whether a file of that name is a Dockerfile.
func isDockerfile(name string) bool {
	ext := path.Ext(name)
	return name == "Dockerfile" || name == "Containerfile" ||
		strings.HasPrefix(name, "Dockerfile.") && !slices.Contains([]string{".dockerignore", ".md", ".bak", ".orig", ".tmpl", ".j2"}, ext) ||
		ext == ".Dockerfile" || ext == ".dockerfile"
}

func (s *Survey) readDockerfile(ctx context.Context, name string) error {
	f, err := s.read(ctx, name)
	if f == nil || err != nil {
		return err
	}
	d := Dockerfile{File: *f, Context: "."}
	d.Outline, d.Err = fingerprint.ReadOutline(f.Text, fingerprint.Source{BuildPlatform: "linux/amd64"})
	d.Missing = s.missing(".", d.Outline.Copies)
	if folder := path.Dir(name); folder != "." {
		// Where both hold all that is copied, the Dockerfile's own folder is meant.
		if missing := s.missing(folder, d.Outline.Copies); len(missing) <= len(d.Missing) {
			d.Context, d.Missing = folder, missing
		}
	}
	s.Dockerfiles = append(s.Dockerfiles, d)
	return nil
}

// missing returns what a context lacks of the paths that are copied.
func (s *Survey) missing(folder string, copies []fingerprint.Place) (missing []fingerprint.Place) {
	for _, c := range copies {
		name := path.Join(folder, path.Join("/", c.Text)[1:])
		matches, err := fs.Glob(s.root.FS(), name)
		if err == nil && len(matches) == 0 && !s.exists(name) {
			missing = append(missing, c)
		}
	}
	return missing
}

// within returns the Dockerfile's path in its context.
func (d Dockerfile) within() string {
	if d.Context == "." {
		return d.Name
	}
	return strings.TrimPrefix(d.Name, d.Context+"/")
}

// variants are the words in the names of Dockerfiles that make no image for environments.
var variants = pattern.New(`(?i)(^|[._/-])(dev|devel|development|test|tests|testing|ci|local|debug|base|builder|build|e2e|lint|docs)([._/-]|$)`)

// candidates returns the Dockerfiles that make images for environments: all but variants for other
// purposes, unless there are only such.
func (s *Survey) candidates() []Dockerfile {
	var all []Dockerfile
	for _, d := range s.Dockerfiles {
		if !variants.MatchString(strings.Replace(d.Name, "Dockerfile", "", 1)) {
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return s.Dockerfiles
	}
	return all
}

// fronts are the names of folders with what answers requests, the likeliest first.
var fronts = []string{"web", "app", "frontend", "front", "www", "site", "client", "ui", "server", "gateway", "api", "backend"}

// front returns the Dockerfile that probably makes what answers requests.
func front(all []Dockerfile) Dockerfile {
	rank := func(d Dockerfile) int {
		switch folder := path.Dir(d.Name); {
		case d.Name == "Dockerfile":
			return -2
		case folder == ".":
			return -1
		case slices.Contains(fronts, path.Base(folder)):
			return slices.Index(fronts, path.Base(folder))
		}
		return len(fronts)
	}
	return slices.MinFunc(all, func(a, b Dockerfile) int { return rank(a) - rank(b) })
}

var notInImageNames = pattern.New(`[^A-Za-z0-9_-]+`)

// imageName returns a name for the image of a Dockerfile: that of its folder, "web" for one at the top.
func (d Dockerfile) imageName() string {
	folder := path.Dir(d.Name)
	if folder == "." {
		return "web"
	}
	name := strings.Trim(notInImageNames.ReplaceAllString(path.Base(folder), "-"), "-_")
	if name == "" || len(name) > 64 {
		return "web"
	}
	return name
}
