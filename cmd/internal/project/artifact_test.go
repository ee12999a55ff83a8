package project

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"beansprout/cmd/internal/project/config"
	"beansprout/envs"
	"beansprout/test/must"
)

// zipped writes an archive with one file.
func zipped(t *testing.T, path string) {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	_, err := w.Create("Procfile")
	if err = errors.Join(err, w.Close()); err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o600)
	}
	must.Succeed(t, err)
}

// TestAnArtifactThatAPrepareMakesIsASource forecasts before the prepare has run, and deploys.
func TestAnArtifactThatAPrepareMakesIsASource(t *testing.T) {
	dir := t.TempDir()
	text := "application: shop\nartifact: app.zip\nprepare: echo made; cp made.zip app.zip\nenvironment: {platform: Corretto 21 running on 64bit Amazon Linux 2023}\n"
	err := os.WriteFile(filepath.Join(dir, config.Name), []byte(text), 0o600)
	must.Succeed(t, err)
	p, err := Read(t.Context(), dir, "", os.LookupEnv)
	must.Succeed(t, err)
	must.Succeed(t, p.Open(t.Context()))
	var events []string
	target := envs.Target{Name: "shop-x", Ready: func(context.Context) error { return nil }, Options: envs.Options{Progress: func(e envs.Event) {
		events = append(events, fmt.Sprintf("%s %s: %s", e.Kind, e.Step, e.Text))
	}}}
	if images, complete, err := p.Forecast(t.Context(), target); len(images) != 0 || complete || err != nil {
		t.Errorf("before: %v, %v, %v", images, complete, err)
	}
	zipped(t, filepath.Join(dir, "made.zip"))
	if images, err := p.Images(t.Context(), target); len(images) != 0 || err != nil {
		t.Errorf("Images = %v, %v", images, err)
	}
	want := []string{"begin prepare app.zip: ", "line prepare app.zip: $ echo made; cp made.zip app.zip", "line prepare app.zip: made", "end prepare app.zip: done"}
	if !slices.Equal(events, want) {
		t.Errorf("it reports %q, want %q", events, want)
	}
	b, err := p.Bundle(t.Context(), nil, target)
	must.Succeed(t, err)
	defer b.File.Close()
	if stat, err := os.Stat(filepath.Join(dir, "app.zip")); err != nil || b.Size != stat.Size() || b.Kind != "zip" || len(b.Digest) != 64 {
		t.Errorf("Bundle = %+v, %v", b, err)
	}
	if _, complete, err := p.Forecast(t.Context(), target); !complete || err != nil {
		t.Errorf("after: %v, %v", complete, err)
	}
}
