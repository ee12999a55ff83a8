package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"

	"beansprout/builder"
	"beansprout/cmd/beansprout/artifact"
	"beansprout/cmd/beansprout/config"
)

// makeArtifact runs what makes the artifact, if anything does.
func (d *deployment) makeArtifact(ctx context.Context) error {
	if d.cfg.Prepare == "" {
		return nil
	}
	step := d.talk.step("prepare " + d.cfg.Artifact)
	if err := builder.Prepare(ctx, d.cfg.Dir, d.cfg.Prepare, step.log); err != nil {
		step.fail(err)
		return err
	}
	step.done("done")
	return nil
}

// packArtifact takes the artifact as it is now: what is checked and named by its content is a
// copy that nobody can change before it is uploaded.
func (d *deployment) packArtifact() (*bundle, error) {
	source, err := openArtifact(d.cfg)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	b, err := newBundle(d.name, path.Ext(d.cfg.Artifact)[1:], func(w io.Writer) error {
		_, err := io.Copy(w, io.LimitReader(source, artifact.Max))
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := artifact.Check(d.cfg.Artifact, b.file, b.size); err != nil {
		b.close()
		return nil, badArtifact(d.cfg, err)
	}
	return b, nil
}

// checkArtifact refuses an artifact that Beanstalk would not take, before anything is done,
// unless a prepare is to make it.
func checkArtifact(cfg *config.Config) error {
	if cfg.Prepare != "" {
		return nil
	}
	f, err := openArtifact(cfg)
	if err != nil {
		return err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return badArtifact(cfg, err)
	}
	if err := artifact.Check(cfg.Artifact, f, stat.Size()); err != nil {
		return badArtifact(cfg, err)
	}
	return nil
}

func openArtifact(cfg *config.Config) (*os.File, error) {
	f, err := artifact.Open(cfg.Dir, cfg.Artifact)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint(badArtifact(cfg, err), "build it before, or have beansprout.yaml's prepare build it")
	}
	if err != nil {
		return nil, badArtifact(cfg, err)
	}
	return f, nil
}

func badArtifact(cfg *config.Config, err error) error {
	return usageErrorf("%s: artifact: %w", cfg.At("artifact"), err)
}
