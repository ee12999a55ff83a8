package project

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"beansprout/builder"
	"beansprout/cmd/internal/project/artifact"
	"beansprout/cmd/internal/project/config"
	"beansprout/dockerrun"
	"beansprout/files"
)

// checkFiles refuses what is wrong with the files that images and bundle are made from, before
// anything is built. It notes each file that is missing and that a prepare may yet make.
func (p *Project) checkFiles(ctx context.Context) error {
	for _, image := range p.Config.Build {
		err := p.checkSource(ctx, image)
		if image.Prepare != "" && (errors.Is(err, builder.ErrNoDockerfile) || errors.Is(err, builder.ErrNoContext)) {
			p.note("image %s: %v yet: its prepare has to make it", image.Name, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	missing, err := p.checkIncluded(ctx, p.Preparing())
	p.notes = append(p.notes, missing...)
	return err
}

// checkSource refuses an image whose context or Dockerfile is missing or can't be read.
func (p *Project) checkSource(ctx context.Context, image config.Image) error {
	cfg := p.Config
	err := builder.Check(ctx, builder.Source{Context: filepath.Join(cfg.Dir, image.Context), Dockerfile: image.Dockerfile})
	switch key := "build." + image.Name; {
	case err == nil:
		return nil
	case errors.Is(err, builder.ErrNoContext):
		return errorf("%s: image %s: %w", cfg.At(key+".context", key, "build"), image.Name, err)
	default:
		return errorf("%s: image %s: %w", cfg.At(key+".dockerfile", key+".context", key, "build"), image.Name, err)
	}
}

// Preparing reports whether a command is run that may make files for images or the bundle.
func (p *Project) Preparing() bool {
	return p.Config.Prepare != "" || slices.ContainsFunc(p.Config.Build, func(i config.Image) bool { return i.Prepare != "" })
}

// checkIncluded refuses what can't go into the bundle, and configuration files in it that Beanstalk
// can't read. A file that is missing is one of the sentences returned if it may be made yet.
func (p *Project) checkIncluded(ctx context.Context, preparing bool) (missing []string, err error) {
	cfg := p.Config
	root, err := os.OpenRoot(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("read the application's directory: %w", err)
	}
	defer root.Close()
	for _, include := range p.included() {
		names, err := dockerrun.Files(ctx, p.documentName(), cfg.Dir, []string{include.Name})
		if include.Optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if preparing && errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, fmt.Sprintf("%s: %q is not there yet: a prepare has to make it", include.key, include.Name))
			continue
		}
		if err == nil {
			err = checkExtensions(files.FS(ctx, root, artifact.Max), names)
		}
		if err == nil && cfg.Dockerrun.IsCompose() {
			err = p.checkComposeFiles(ctx, names)
		}
		if err != nil {
			return nil, errorf("%s: %w", include.At, err)
		}
	}
	return missing, nil
}

// checkArchive refuses an artifact that Beanstalk doesn't take, and configuration files in it that
// Beanstalk can't read.
func (p *Project) checkArchive(content io.ReaderAt, size int64) error {
	if err := artifact.Check(p.Config.Artifact, content, size); err != nil {
		return err
	}
	archive, err := zip.NewReader(content, size)
	if err != nil {
		return err
	}
	var names []string
	for _, entry := range archive.File {
		names = append(names, entry.Name)
	}
	if err := checkExtensions(archive, names); err != nil {
		return fmt.Errorf("%s: %w", p.Config.Artifact, err)
	}
	return nil
}

// checkArtifact refuses an artifact that Beanstalk would not take, before anything is done,
// unless a prepare is to make it.
func (p *Project) checkArtifact(ctx context.Context) error {
	if p.Config.Prepare != "" {
		return nil
	}
	f, err := p.openArtifact(ctx)
	if err != nil {
		return err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return p.badArtifact(None, err)
	}
	if err := p.checkArchive(f, stat.Size()); err != nil {
		return p.badArtifact(None, err)
	}
	return nil
}

func (p *Project) openArtifact(ctx context.Context) (*os.File, error) {
	f, err := files.OpenIn(ctx, p.Config.Dir, p.Config.Artifact, artifact.Max)
	if err != nil {
		err = fmt.Errorf("open %s: %w", p.Config.Artifact, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, p.badArtifact(NoArtifact, err)
	}
	if err != nil {
		return nil, p.badArtifact(None, err)
	}
	return f, nil
}

func (p *Project) badArtifact(kind Kind, err error) error {
	return &Error{kind, fmt.Errorf("%s: artifact: %w", p.Config.At("artifact"), err)}
}

// checkSecrets refuses secrets and SSH agents that can't be had, before anything is built. A prepare
// may make files.
func (p *Project) checkSecrets(ctx context.Context) error {
	cfg, preparing := p.Config, p.Preparing()
	for _, b := range cfg.Build {
		for _, secret := range b.Secrets {
			if err := p.checkSecret(ctx, secret, preparing); err != nil {
				return errorf("%s: secret %q of image %q: %w", cfg.At("build."+b.Name+".secrets", "build."+b.Name), secret.ID, b.Name, err)
			}
		}
		for _, agent := range b.SSH {
			if err := p.checkAgent(agent, preparing); err != nil {
				return errorf("%s: ssh %q of image %q: %w", cfg.At("build."+b.Name+".ssh", "build."+b.Name), agent.ID, b.Name, err)
			}
		}
	}
	return nil
}

func (p *Project) checkSecret(ctx context.Context, secret config.Secret, preparing bool) error {
	if secret.File == "" {
		if _, ok := p.env(secret.Env); !ok {
			return fmt.Errorf("the environment variable %s is not set", secret.Env)
		}
		return nil
	}
	if preparing {
		return nil
	}
	f, err := files.Open(ctx, nil, secret.File, files.Secret)
	if err != nil {
		return fmt.Errorf("%s: %w", secret.File, err)
	}
	return f.Close()
}

// checkAgent looks for the socket of an agent, or the keys in its place.
func (p *Project) checkAgent(agent config.SSH, preparing bool) error {
	if len(agent.Paths) == 0 {
		socket := p.getenv("SSH_AUTH_SOCK")
		if socket == "" {
			return errors.New("no agent runs: the environment variable SSH_AUTH_SOCK is not set")
		}
		agent.Paths = []string{socket}
	}
	for _, path := range agent.Paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && preparing:
		case err != nil:
			return err
		case !info.Mode().IsRegular() && info.Mode()&fs.ModeSocket == 0:
			return fmt.Errorf("%s is neither a socket nor a file", path)
		}
	}
	return nil
}
