// Package starter turns a repository that knows nothing of Beansprout into one that does: what its files
// say becomes beansprout.yaml, the template and the CI's stage.
//
// Look reads the directory, Decide makes a plan of that and of answers, Check has the product itself read
// the plan, and Write writes it: all files or none. Decide has a guess for each answer that it lacks, so it
// never has to ask.
package starter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/project/checkout"
	"beansprout/cmd/internal/project/config"
	"beansprout/files"
)

// templateName is the template that is written.
const templateName = "Dockerrun.template.json"

// composeNames are the names under which compose looks for its file, in that order.
var composeNames = []string{"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"}

// File is a file of the repository.
type File struct {
	Name string // relative to the directory, with slashes
	Text []byte // without a byte order mark
}

// Survey is what a directory has that tells how its application is built and run.
type Survey struct {
	Dir         string // absolute
	Remote      string // URL of the git remote "origin", without credentials; "" where there is none
	HasGit      bool
	Named       bool // whether git or the CI names the feature
	Dockerfiles []Dockerfile
	Compose     *File // each is nil where there is none
	Dockerrun   *File // Dockerrun.aws.json
	Template    *File // Dockerrun.template.json
	CLI         *File // the configuration of the EB CLI
	Manifest    *File // env.yaml
	Procfile    *File
	Extensions  []File // .ebextensions/*.config
	HasPlatform bool   // the folder .platform
	Nginx       string // what .platform has for nginx, "" for nothing
	Saved       []string
	Java        Java
	Package     *File // package.json
	Makefile    *File
	Jenkinsfile bool
	Workflows   bool // of GitHub
	GitLab      bool
	Names       []string // of everything at the top of the directory, but what git or a person hides
	Deep        bool     // the directory has more files than are looked at

	root *os.Root
}

// limits of the search for Dockerfiles and archives.
const (
	maxEntries = 20_000
	maxLevels  = 4
)

// Look reads a directory, and asks git and the variables of the CI what is checked out. It changes nothing.
// Its error is a *project.Error, or the cause of ctx.
func Look(ctx context.Context, dir string, getenv func(string) string) (*Survey, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &project.Error{Err: fmt.Errorf("open %s: %w", dir, files.Reason(err))}
	}
	defer root.Close()
	s := &Survey{Dir: dir, root: root}
	if c, err := checkout.Read(ctx, dir, getenv); err == nil { // without git, there is less to know
		s.Remote, s.HasGit, s.Named = c.Source, c.Root != "" && c.Commit != "", c.Branch != ""
	}
	for _, step := range []func(context.Context) error{s.readNamed, s.readExtensions, s.readCI, s.readJava, s.search} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	s.root = nil
	return s, nil
}

// read returns a file, nil where there is none.
func (s *Survey) read(ctx context.Context, name string) (*File, error) {
	text, err := files.Read(ctx, s.root, name, files.Text)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, &project.Error{Err: fmt.Errorf("read %s: %w", filepath.Join(s.Dir, name), err)}
	}
	return &File{name, bytes.TrimPrefix(text, []byte("\ufeff"))}, nil
}

// readFirst returns the first of the files that exists.
func (s *Survey) readFirst(ctx context.Context, names ...string) (*File, error) {
	for _, name := range names {
		if f, err := s.read(ctx, name); f != nil || err != nil {
			return f, err
		}
	}
	return nil, nil
}

// readNamed reads the files that have one place.
func (s *Survey) readNamed(ctx context.Context) (err error) {
	for _, f := range []struct {
		into  **File
		names []string
	}{
		{&s.Compose, composeNames},
		{&s.Dockerrun, []string{"Dockerrun.aws.json"}},
		{&s.Template, []string{templateName}},
		{&s.CLI, []string{".elasticbeanstalk/config.yml", ".elasticbeanstalk/config.yaml", ".elasticbeanstalk/config.global.yml"}},
		{&s.Manifest, []string{"env.yaml"}},
		{&s.Procfile, []string{"Procfile"}},
		{&s.Package, []string{"package.json"}},
		{&s.Makefile, []string{"Makefile", "makefile", "GNUmakefile"}},
	} {
		if *f.into, err = s.readFirst(ctx, f.names...); err != nil {
			return err
		}
	}
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return &project.Error{Err: fmt.Errorf("list %s: %w", s.Dir, files.Reason(err))}
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && e.Name() != config.Name {
			s.Names = append(s.Names, e.Name())
		}
	}
	return nil
}

// readExtensions reads what configures Beanstalk's instances.
func (s *Survey) readExtensions(ctx context.Context) error {
	s.HasPlatform = s.exists(".platform")
	for _, name := range []string{".platform/nginx/nginx.conf", ".platform/nginx/conf.d", ".platform/nginx", ".platform/httpd"} {
		if s.Nginx == "" && s.exists(name) {
			s.Nginx = name
		}
	}
	s.Saved = s.list(".elasticbeanstalk/saved_configs", ".cfg.yml")
	for _, name := range s.list(".ebextensions", ".config") {
		f, err := s.read(ctx, name)
		if err != nil {
			return err
		}
		if f != nil {
			s.Extensions = append(s.Extensions, *f)
		}
	}
	return nil
}

// readCI looks for the CIs for which there is a stage.
func (s *Survey) readCI(context.Context) error {
	s.Jenkinsfile = s.exists("Jenkinsfile")
	s.GitLab = s.exists(".gitlab-ci.yml")
	s.Workflows = len(s.list(".github/workflows", ".yml"))+len(s.list(".github/workflows", ".yaml")) > 0
	return nil
}

func (s *Survey) exists(name string) bool {
	_, err := s.root.Stat(name)
	return err == nil
}

// list returns the files of a folder whose names end so, sorted.
func (s *Survey) list(folder, end string) (names []string) {
	entries, _ := fs.ReadDir(s.root.FS(), folder) // what can't be listed has nothing to say
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), end) && !strings.HasPrefix(e.Name(), "._") && !e.IsDir() {
			names = append(names, path.Join(folder, e.Name()))
		}
	}
	return names
}

// foreignFolders hold files that others have made.
var foreignFolders = []string{"node_modules", "vendor", "testdata", "venv", "env", "site-packages", "bower_components", "__pycache__"}

// builtFolders hold what builds make.
var builtFolders = []string{"target", "build", "dist", "out", "bin"}

// search looks for Dockerfiles and archives, the ones at the top first.
func (s *Survey) search(ctx context.Context) error {
	seen := 0
	var names []string
	err := fs.WalkDir(s.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		seen++
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case seen > maxEntries:
			s.Deep = true
			return fs.SkipAll
		case err != nil:
			return nil // what can't be listed holds nothing of ours
		case name == ".":
			return nil
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") || slices.Contains(foreignFolders, d.Name()) || strings.Count(name, "/") >= maxLevels):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		if built := slices.ContainsFunc(builtFolders, func(f string) bool { return strings.HasPrefix(name, f+"/") }); !built && isDockerfile(d.Name()) {
			names = append(names, name)
		}
		if ext := path.Ext(name); (ext == ".war" || ext == ".jar") && isArchive(name) {
			s.Java.Built = append(s.Java.Built, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(names, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	for _, name := range names {
		if err := s.readDockerfile(ctx, name); err != nil {
			return err
		}
	}
	return nil
}
