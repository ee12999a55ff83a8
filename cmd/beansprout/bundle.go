package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"beansprout/builder"
	"beansprout/cmd/beansprout/config"
	"beansprout/dockerrun"
	"beansprout/envs"
	"beansprout/envs/ledger"
)

// bundle is what Beanstalk is to run, in a temporary file.
type bundle struct {
	file  *os.File
	size  int64
	label string // of the version that it makes
	key   string // under which the ledger's bucket has it
}

// newBundle fills a bundle of that kind, "zip", "war" or "jar".
func newBundle(name, kind string, fill func(io.Writer) error) (*bundle, error) {
	file, err := os.CreateTemp("", "beansprout-bundle-*."+kind)
	if err != nil {
		return nil, fmt.Errorf("make room for the bundle: %w", err)
	}
	// The open file is all that is needed: nothing is left behind, whatever happens.
	os.Remove(file.Name())
	b := &bundle{file: file}
	sum := sha256.New()
	if err = fill(io.MultiWriter(file, sum)); err == nil {
		b.size, err = file.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		b.close()
		return nil, fmt.Errorf("bundle %s: %w", name, err)
	}
	b.label = envs.VersionLabel(name, hex.EncodeToString(sum.Sum(nil)))
	b.key = ledger.BundleKey(b.label, kind)
	return b, nil
}

func (b *bundle) close() { b.file.Close() }

// bundle makes of the images, or of the artifact instead, what Beanstalk is to run.
func (d *deployment) bundle(images []builder.Image, url string) (*bundle, error) {
	if d.cfg.Artifact != "" {
		return d.packArtifact()
	}
	return d.packImages(images, url)
}

// packImages expands the template and packs it with the included folders.
func (d *deployment) packImages(images []builder.Image, url string) (*bundle, error) {
	references := map[string]string{}
	for _, i := range images {
		references[i.Name] = i.Reference
	}
	document, err := d.template.Expand(dockerrun.Values{
		Images: references, Feature: d.feature, Commit: d.checkout.Commit, Environment: d.name, URL: url,
		Values: d.cfg.Dockerrun.Values, Env: os.LookupEnv,
	})
	if err != nil {
		return nil, usageErrorf("%w", err)
	}
	b, err := newBundle(d.name, "zip", func(w io.Writer) error {
		return dockerrun.Bundle(w, document, d.cfg.Dir, d.cfg.Dockerrun.Include)
	})
	if err != nil {
		return nil, hint(err, "dockerrun.include in beansprout.yaml says what goes into the bundle")
	}
	return b, nil
}

// readTemplate reads the Dockerrun template and finds what is wrong with it before
// anything is built.
func readTemplate(cfg *config.Config) (*dockerrun.Template, error) {
	path := filepath.Join(cfg.Dir, cfg.Dockerrun.Template)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, hint(usageErrorf("%w", err), "dockerrun.template in beansprout.yaml names the Dockerrun template")
	}
	template, err := dockerrun.Parse(path, text)
	if err != nil {
		return nil, usageErrorf("%w", err)
	}
	var images []string
	for _, b := range cfg.Build {
		images = append(images, b.Name)
	}
	if err := template.Check(images, cfg.Dockerrun.Values, os.LookupEnv); err != nil {
		return nil, usageErrorf("%w", err)
	}
	return template, nil
}
