// Package project turns a directory into a deployment for the environment manager. beansprout.yaml,
// the checkout and the files for images and bundles go in; a configuration of the manager, a
// deployment and its source come out, or errors with line and column.
package project

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"beansprout/builder"
	"beansprout/cmd/internal/project/checkout"
	"beansprout/cmd/internal/project/config"
	"beansprout/compose"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/mask"
)

// A Project is a directory with a beansprout.yaml. It is the envs.Source of its deployments.
type Project struct {
	Config   *config.Config
	Checkout checkout.Checkout // the zero one until Feature or Open has read it
	Rebuild  bool              // makes images that the registry has, too
	Mask     mask.Mask         // hides what no line of a build may show

	dir       string
	env       func(name string) (value string, ok bool)
	settings  []beanstalk.Setting
	unwritten []byte   // the template, where it is not to be read from its file
	template  expander // like the engine, nil where an artifact is deployed
	engine    *builder.Builder
	notes     []string
	named     []compose.Path  // what a compose file has the bundle hold
	pulled    []compose.Image // by the instances, and not built here
	built     []builder.Image
}

// Read reads the beansprout.yaml at path, or the nearest one in or above dir where path is "". Where
// there is none, Config has the defaults, and no File. env looks up environment variables.
func Read(ctx context.Context, dir, path string, env func(string) (string, bool)) (*Project, error) {
	var cfg *config.Config
	var err error
	if path != "" {
		cfg, err = config.Load(ctx, path)
	} else {
		cfg, err = config.Nearest(ctx, dir)
	}
	if err != nil {
		return nil, &Error{Err: err}
	}
	return Of(cfg, dir, env), nil
}

// OfApplication returns the project of an application, whatever file there is.
func OfApplication(application, dir string, env func(string) (string, bool)) *Project {
	cfg := config.Defaults(dir)
	cfg.Application = application
	return Of(cfg, dir, env)
}

// Of returns the project of a configuration.
func Of(cfg *config.Config, dir string, env func(string) (string, bool)) *Project {
	return &Project{Config: cfg, dir: dir, env: env, settings: settings(cfg).List()}
}

// NeedFile refuses a project without a beansprout.yaml, unless an application is named instead.
func (p *Project) NeedFile() error {
	if p.Config.File != "" || p.Config.Application != "" {
		return nil
	}
	return &Error{Kind: NoFile, Err: fmt.Errorf("there is no %s here or above", config.Name)}
}

// Open reads and checks what images and bundles are made from, and connects to the Docker Engine
// where there are images: all that can be refused is, before anything is built. The caller closes
// the project.
func (p *Project) Open(ctx context.Context) error {
	if err := p.checkInstances(); err != nil {
		return err
	}
	if err := p.inspect(ctx); err != nil {
		return err
	}
	p.noteChanges(ctx)
	p.noteMisspelt()
	return nil
}

// Precheck reads and checks what Open does, without the Docker Engine.
func (p *Project) Precheck(ctx context.Context) error {
	if err := p.checkInstances(); err != nil {
		return err
	}
	if err := p.checkSources(ctx); err != nil {
		return err
	}
	p.noteMisspelt()
	return nil
}

// HasImages reports whether the project has images, which a Docker Engine builds.
func (p *Project) HasImages() bool { return p.Config.File != "" && p.Config.Artifact == "" }

// checkSources refuses what is wrong with what images and bundles are made from.
func (p *Project) checkSources(ctx context.Context) error {
	if p.Config.Artifact != "" {
		return p.checkArtifact(ctx)
	}
	return p.checkImages(ctx)
}

func (p *Project) inspect(ctx context.Context) (err error) {
	if err = p.checkSources(ctx); err != nil || p.Config.Artifact != "" {
		return err
	}
	if p.engine, err = builder.Connect(ctx); err != nil {
		return err
	}
	return p.checkPulled(ctx)
}

// Inspect refuses what Open refuses before it needs the engine. Where template is not nil, it is read in
// the place of the template's file, which need not be there yet.
func (p *Project) Inspect(ctx context.Context, template []byte) error {
	p.unwritten = template
	if err := p.checkInstances(); err != nil {
		return err
	}
	if p.Config.Artifact != "" {
		return p.checkArtifact(ctx)
	}
	return p.checkImages(ctx)
}

// checkImages reads the template and refuses what is wrong with it and with what images are made from.
func (p *Project) checkImages(ctx context.Context) error {
	if err := p.readTemplate(ctx); err != nil {
		return err
	}
	if err := p.checkSecrets(ctx); err != nil {
		return err
	}
	return p.checkFiles(ctx)
}

// Close disconnects from the engine.
func (p *Project) Close() error {
	if p.engine == nil {
		return nil
	}
	return p.engine.Close()
}

// CheckReach refuses an engine that can't push to the registry at host:port on this machine.
func (p *Project) CheckReach(ctx context.Context, registry string) error {
	if p.engine == nil {
		return nil
	}
	return p.engine.CheckReach(ctx, registry)
}

// Notes returns sentences about what Open has found and not refused.
func (p *Project) Notes() []string { return p.notes }

func (p *Project) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// noteChanges marks the commit as dirty if the working tree has uncommitted changes. If git fails, it
// only warns.
func (p *Project) noteChanges(ctx context.Context) {
	if p.Checkout.Root == "" || p.Checkout.Commit == "" {
		return
	}
	changes, err := checkout.Changes(ctx, p.Checkout.Root)
	if err != nil {
		p.note("warning: whether there are uncommitted changes is not known: %v", err)
	}
	if len(changes) == 0 {
		return
	}
	p.Checkout.Commit = envs.Dirty(p.Checkout.Commit)
	named := strings.Join(changes[:min(len(changes), 3)], ", ")
	if more := len(changes) - 3; more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	p.note("uncommitted changes are deployed, too: %s; the commit is called %s", named, envs.ShortCommit(p.Checkout.Commit, 12))
}

// noteMisspelt warns of unknown options whose names are near to those of known ones. Only AWS knows
// all options, and it refuses unknown ones only after the build.
func (p *Project) noteMisspelt() {
	for _, s := range p.settings {
		at := p.Config.At("environment.options." + s.Namespace + "." + s.Name)
		if meant, misspelt := s.Misspelt(); misspelt {
			p.note("warning: %s: environment.options: AWS may not know %s; the nearest that it does is %s", at, s, meant)
		}
	}
}

// Feature returns the named feature, or else the branch that is checked out according to the CI or
// git. It reads the checkout, but does not need git if a feature is named.
func (p *Project) Feature(ctx context.Context, named string) (string, error) {
	var err error
	p.Checkout, err = checkout.Read(ctx, p.dir, p.getenv)
	feature := cmp.Or(named, p.Checkout.Branch)
	switch {
	case feature != "":
		if err := envs.CheckFeature(feature); err != nil {
			return "", &Error{Err: err}
		}
		return feature, nil
	case err != nil:
		err = fmt.Errorf("no feature is named, and git doesn't tell: %w", err)
	case p.Checkout.NoBranch != "":
		err = fmt.Errorf("no feature is named, and %s", p.Checkout.NoBranch)
	default:
		err = fmt.Errorf("no feature is named, and %s is on no branch", p.dir)
	}
	return "", &Error{Kind: NoFeature, Err: err}
}

func (p *Project) getenv(name string) string {
	value, _ := p.env(name)
	return value
}

// Directory returns the absolute path of a directory that a person names.
func Directory(path string) (string, error) {
	dir, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(dir)
	if err != nil {
		var pathErr *os.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err
		}
		return "", errorf("directory %q: %w", path, err)
	}
	if !info.IsDir() {
		return "", errorf("%q is not a directory", path)
	}
	return dir, nil
}
