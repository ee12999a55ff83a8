package project

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"beansprout/cmd/internal/project/config"
	"beansprout/compose"
	"beansprout/dockerrun"
	"beansprout/files"
)

// readCompose reads a compose file: the images that it builds join those of beansprout.yaml.
func (p *Project) readCompose(path string, text []byte) error {
	cfg := p.Config
	f, err := compose.Parse(path, text, p.properties())
	if err != nil {
		return &Error{Err: err}
	}
	report, err := f.Check(p.imageNames(), cfg.Dockerrun.Values, p.env, frontPort(cfg.Environment))
	if err != nil {
		return &Error{Err: err}
	}
	builds, err := f.Builds(p.imageNames(), cfg.Dockerrun.Values, p.env)
	if err != nil {
		return &Error{Err: err}
	}
	for _, b := range builds {
		cfg.AddImage(p.imageOf(b), b.At)
	}
	p.template, p.named, p.pulled = f, report.Paths, report.Pulled
	warnings := report.Warnings
	if !slices.Contains(cfg.Dockerrun.Include, dockerrun.DocumentName) {
		warnings = append(warnings, report.Private...)
	}
	for _, w := range warnings {
		p.note("warning: %s", w)
	}
	tells := "environment.check alone tells"
	if cfg.Environment.Check.Off {
		tells = "environment.check is off: nothing tells"
	}
	p.note("%s: no proxy runs before the services, so that enhanced health knows of no requests, and %s whether they succeed", path, tells)
	if err := p.checkVariables(); err != nil {
		return err
	}
	return p.checkFolder()
}

// checkVariables refuses variables with which .env can't be read, and warns of those that are read as another value.
func (p *Project) checkVariables() error {
	variables := p.Config.Environment.Variables
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		key := "environment.variables." + name
		at := p.Config.At(key, "environment.variables")
		switch read, err := compose.Written(name, variables[name]); {
		case err != nil:
			return errorf("%s: %s: Beanstalk writes it into .env, where compose can't read it; want letters, digits, _, . and - in the name, and no lone quote at the beginning of the value", at, key)
		case read != variables[name]:
			p.note("warning: %s: %s: Beanstalk writes it into .env, of which compose reads another value: without quotes around it, blanks at its ends, and what follows \" #\"", at, key)
		}
	}
	return nil
}

// checkPulled refuses a compose file with an image that nobody can pull.
func (p *Project) checkPulled(ctx context.Context) error {
	missing := make([]bool, len(p.pulled))
	var all sync.WaitGroup
	for i, image := range p.pulled {
		all.Go(func() { missing[i] = p.engine.Missing(ctx, image.Name) })
	}
	all.Wait()
	for i, image := range p.pulled {
		if missing[i] {
			return errorf("%s: its registry has no image %s", image.At, image.Name)
		}
	}
	return nil
}

// properties returns the variables that Beanstalk writes into .env.
func (p *Project) properties() compose.Properties {
	e := p.Config.Environment
	return compose.Properties{
		Variables: e.Variables, Secrets: slices.Sorted(maps.Keys(e.Secrets)), Partial: e.Platform == "",
	}
}

// folder is where the template is, relative to the directory.
func (p *Project) folder() string { return filepath.Dir(p.Config.Dockerrun.Template) }

// checkFolder refuses a compose file with files beside it that are not at the bundle's root.
func (p *Project) checkFolder() error {
	if folder := p.folder(); folder != "." && len(p.named) > 0 {
		return errorf("%s: %q is in %s, and a bundle has its compose file at the root: move the file beside %s, or leave out what it names",
			p.named[0].At, p.named[0].Name, folder, config.Name)
	}
	return nil
}

// imageOf returns the image that a compose file builds.
func (p *Project) imageOf(b compose.Build) config.Image {
	i := config.NewImage(b.Name)
	i.Context = filepath.Join(p.folder(), filepath.FromSlash(b.Context))
	if b.Dockerfile != "" {
		i.Dockerfile = b.Dockerfile
	}
	if b.Network != "" {
		i.Network = b.Network
	}
	i.Target, i.Args, i.EnvArgs = b.Target, b.Args, b.EnvArgs
	i.Platform, i.CacheFrom, i.Pull = b.Platform, b.CacheFrom, b.Pull
	for _, s := range b.Secrets {
		i.Secrets = append(i.Secrets, config.Secret{ID: s.ID, File: p.beside(s.File), Env: s.Env})
	}
	for _, a := range b.SSH {
		agent := config.SSH{ID: a.ID}
		if a.Path != "" {
			agent.Paths = []string{p.beside(a.Path)}
		}
		i.SSH = append(i.SSH, agent)
	}
	return i
}

// beside returns the absolute path of what a compose file names.
func (p *Project) beside(path string) string {
	if below, ok := strings.CutPrefix(path, "~/"); ok {
		home, _ := os.UserHomeDir()
		return filepath.Join(home, below)
	}
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(p.Config.Dir, p.folder(), path)
}

// inclusion is a file or folder that goes into the bundle.
type inclusion struct {
	compose.Path
	key string // what names it
}

// included returns what goes into the bundle beside its document.
func (p *Project) included() (all []inclusion) {
	const key = "dockerrun.include"
	for _, name := range p.Config.Dockerrun.Include {
		all = append(all, inclusion{compose.Path{Name: name, At: p.Config.At(key) + ": " + key}, key})
	}
	for _, path := range p.named {
		all = append(all, inclusion{path, path.At})
	}
	return all
}

// includedNames returns the names of what goes into the bundle. What is optional may be missing.
func (p *Project) includedNames() (names []string) {
	for _, i := range p.included() {
		if _, err := os.Stat(filepath.Join(p.Config.Dir, i.Name)); i.Optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		names = append(names, i.Name)
	}
	return names
}

// alsoRead are the names of other files that compose reads by itself.
var alsoRead = []string{
	"compose.yaml", "compose.yml", "docker-compose.yaml",
	"compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml",
}

// checkComposeFiles refuses files in a bundle with which Beanstalk wouldn't run the compose file, or not as it is.
func (p *Project) checkComposeFiles(ctx context.Context, names []string) error {
	if slices.Contains(names, ".env") {
		return errors.New(".env can't be in the bundle: Beanstalk writes the environment's variables there, and doesn't where the bundle has one; want environment.variables")
	}
	for _, name := range names {
		if slices.Contains(alsoRead, strings.ToLower(name)) {
			return fmt.Errorf("%s can't be at the root of the bundle beside %s: compose would take it, too", name, compose.DocumentName)
		}
	}
	if !slices.Contains(names, dockerrun.DocumentName) {
		return nil
	}
	text, err := files.ReadIn(ctx, p.Config.Dir, dockerrun.DocumentName, files.Text)
	if err != nil {
		return err
	}
	var document struct {
		Version any `json:"AWSEBDockerrunVersion"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("read %s: %w", dockerrun.DocumentName, err)
	}
	if fmt.Sprint(document.Version) != "3" {
		return fmt.Errorf("%s beside a compose file must be of version 3, with Authentication alone, not %v", dockerrun.DocumentName, document.Version)
	}
	return nil
}
