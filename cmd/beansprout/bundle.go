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
)

// bundle is the zip that Beanstalk is to run, in a temporary file.
type bundle struct {
	file  *os.File
	size  int64
	label string // of the version that it makes
}

func (b *bundle) close() { b.file.Close() }

// bundle expands the template and packs it with the included folders.
func (d *deployment) bundle(images []builder.Image, url string) (*bundle, error) {
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
	file, err := os.CreateTemp("", "beansprout-bundle-*.zip")
	if err != nil {
		return nil, fmt.Errorf("make room for the bundle: %w", err)
	}
	// The open file is all that is needed: nothing is left behind, whatever happens.
	os.Remove(file.Name())
	b := &bundle{file: file}
	if err := b.fill(d, document); err != nil {
		b.close()
		return nil, hint(fmt.Errorf("bundle %s: %w", d.name, err), "dockerrun.include in beansprout.yaml says what goes into the bundle")
	}
	return b, nil
}

func (b *bundle) fill(d *deployment, document []byte) error {
	sum := sha256.New()
	if err := dockerrun.Bundle(io.MultiWriter(b.file, sum), document, d.cfg.Dir, d.cfg.Dockerrun.Include); err != nil {
		return err
	}
	b.label = envs.VersionLabel(d.name, hex.EncodeToString(sum.Sum(nil)))
	var err error
	if b.size, err = b.file.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	_, err = b.file.Seek(0, io.SeekStart)
	return err
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
