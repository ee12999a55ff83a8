package project

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"beansprout/builder"
	"beansprout/cmd/internal/project/artifact"
	"beansprout/cmd/internal/project/config"
	"beansprout/compose"
	"beansprout/dockerrun"
	"beansprout/envs"
	"beansprout/files"
)

// Bundle makes of the images, or of the artifact instead, what Beanstalk is to run.
func (p *Project) Bundle(ctx context.Context, images []envs.Image, t envs.Target) (envs.Bundle, error) {
	if p.Config.Artifact != "" {
		return p.packArtifact(ctx, t)
	}
	return p.packImages(ctx, images, t)
}

// packImages expands the template and packs it with the included folders.
func (p *Project) packImages(ctx context.Context, images []envs.Image, t envs.Target) (envs.Bundle, error) {
	document, err := p.Document(images, t)
	if err != nil {
		return envs.Bundle{}, err
	}
	if _, err := p.checkIncluded(ctx, false); err != nil { // what a prepare has made was not there before
		return envs.Bundle{}, err
	}
	b, err := newBundle(t.Name, "zip", func(w io.Writer) error {
		return dockerrun.Bundle(ctx, w, document, p.Config.Dir, p.includedNames())
	})
	if err != nil {
		return b, &BundleError{err}
	}
	return b, nil
}

// newBundle fills a bundle of that kind, "zip", "war" or "jar".
func newBundle(name, kind string, fill func(io.Writer) error) (envs.Bundle, error) {
	file, err := os.CreateTemp("", "beansprout-bundle-*."+kind)
	if err != nil {
		return envs.Bundle{}, fmt.Errorf("make room for the bundle: %w", err)
	}
	// The open file is all that is needed: nothing is left behind, whatever happens.
	os.Remove(file.Name())
	var size int64
	sum := sha256.New()
	if err = fill(io.MultiWriter(file, sum)); err == nil {
		size, err = file.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return envs.Bundle{}, fmt.Errorf("bundle %s: %w", name, err)
	}
	return envs.Bundle{File: file, Size: size, Digest: hex.EncodeToString(sum.Sum(nil)), Kind: kind}, nil
}

// makeArtifact runs what makes the artifact, if anything does.
func (p *Project) makeArtifact(ctx context.Context, t envs.Target) error {
	if p.Config.Prepare == "" {
		return nil
	}
	if err := t.Ready(ctx); err != nil {
		return err
	}
	step := "prepare " + p.Config.Artifact
	report(t, envs.Begin, step, "")
	log := func(line string) { report(t, envs.Line, step, line) }
	if err := builder.Prepare(ctx, p.Config.Dir, p.Config.Prepare, p.Mask, log); err != nil {
		if ctx.Err() != nil { // err only says how it came to its end
			err = context.Cause(ctx)
		}
		fail(t, step, err)
		return err
	}
	report(t, envs.End, step, "done")
	return nil
}

// fail reports the end of a step that failed.
func fail(t envs.Target, step string, err error) {
	if t.Options.Progress != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		t.Options.Progress(envs.Event{Time: time.Now(), Kind: envs.End, Step: step, Text: first, Err: err})
	}
}

// packArtifact copies the artifact. It checks, names and later uploads the copy, so that a change of
// the artifact meanwhile has no effect.
func (p *Project) packArtifact(ctx context.Context, t envs.Target) (envs.Bundle, error) {
	source, err := p.openArtifact(ctx)
	if err != nil {
		return envs.Bundle{}, err
	}
	defer source.Close()
	b, err := newBundle(t.Name, path.Ext(p.Config.Artifact)[1:], func(w io.Writer) error {
		_, err := io.Copy(w, files.Limit(ctx, source, artifact.Max))
		return err
	})
	if err != nil {
		return b, err
	}
	content := b.File.(io.ReaderAt)
	if err := p.checkArchive(content, b.Size); err != nil {
		b.File.Close()
		return envs.Bundle{}, p.badArtifact(None, err)
	}
	return b, nil
}

// Document returns the Dockerrun.aws.json or docker-compose.yml that runs the images; the zero one where
// an artifact is deployed.
func (p *Project) Document(images []envs.Image, t envs.Target) (dockerrun.Document, error) {
	if p.template == nil {
		return dockerrun.Document{}, nil
	}
	references := map[string]string{}
	for _, i := range images {
		references[i.Name] = i.Reference
	}
	text, err := p.template.Expand(dockerrun.Values{
		Images: references, Feature: t.Feature, Commit: t.Commit, Environment: t.Name, URL: t.URL,
		Values: p.Config.Dockerrun.Values, Env: p.env, Port: frontPort(p.Config.Environment),
	})
	if err != nil {
		return dockerrun.Document{}, &Error{Err: err}
	}
	return dockerrun.Document{Name: p.documentName(), Text: text}, nil
}

// documentName is the name of the document in the bundle.
func (p *Project) documentName() string {
	if p.Config.Dockerrun.IsCompose() {
		return compose.DocumentName
	}
	return dockerrun.DocumentName
}

// expander is a parsed template.
type expander interface {
	Expand(dockerrun.Values) ([]byte, error)
}

// readTemplate reads the template and finds what is wrong with it before anything is built.
func (p *Project) readTemplate(ctx context.Context) error {
	cfg := p.Config
	path := filepath.Join(cfg.Dir, cfg.Dockerrun.Template)
	text, err := p.unwritten, error(nil)
	if text == nil {
		text, err = files.ReadIn(ctx, cfg.Dir, cfg.Dockerrun.Template, files.Text)
	}
	if err != nil {
		return &Error{NoTemplate, fmt.Errorf("open %s: %w", path, err)}
	}
	if cfg.Dockerrun.IsCompose() {
		return p.readCompose(path, text)
	}
	template, err := dockerrun.Parse(path, text)
	if err != nil {
		return &Error{Err: err}
	}
	if err := template.Check(p.imageNames(), cfg.Dockerrun.Values, p.env, frontPort(cfg.Environment)); err != nil {
		return &Error{Err: err}
	}
	p.template = template
	return nil
}

// imageNames returns the names of the images that beansprout.yaml builds.
func (p *Project) imageNames() (names []string) {
	for _, b := range p.Config.Build {
		names = append(names, b.Name)
	}
	return names
}

// frontPort returns the port of the instances where requests are sent to: that of the process which
// the load balancer's default listener names, or the one for HTTPS where that listener is off. A
// configuration that exists may name another.
func frontPort(e config.Environment) int {
	set := cmp.Or(
		e.Options["aws:elasticbeanstalk:environment:process:"+frontProcess(e.Options)]["Port"],
		e.Options["aws:elb:listener"]["InstancePort"], e.Options["aws:elb:listener:80"]["InstancePort"],
	)
	port, err := strconv.Atoi(set)
	switch {
	case err == nil:
		return port
	case set != "" || e.Platform == "":
		return dockerrun.AnyPort
	}
	return 0
}

func frontProcess(options map[string]map[string]string) string {
	usual, secure := options["aws:elbv2:listener:default"], options["aws:elbv2:listener:443"]
	if strings.EqualFold(usual["ListenerEnabled"], "false") {
		return cmp.Or(secure["DefaultProcess"], "default")
	}
	return cmp.Or(usual["DefaultProcess"], options["aws:elbv2:listener:80"]["DefaultProcess"], "default")
}
