package project

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"beansprout/cmd/internal/project/config"
	"beansprout/envs"
	"beansprout/test/must"
)

var update = flag.Bool("update", false, "write what the compose files of testdata come to")

// composeProject returns a project of the files of an archive.
func composeProject(t *testing.T, a *txtar.Archive) *Project {
	t.Helper()
	dir := t.TempDir()
	must.Succeed(t, os.WriteFile(filepath.Join(dir, config.Name), []byte("application: shop\ndockerrun: {values: {port: 80}}\n"), 0o600))
	for _, f := range a.Files {
		name := filepath.Join(dir, f.Name)
		must.Succeed(t, os.MkdirAll(filepath.Dir(name), 0o700))
		must.Succeed(t, os.WriteFile(name, f.Data, 0o600))
	}
	p, err := Read(t.Context(), dir, "", os.LookupEnv)
	must.Succeed(t, err)
	return p
}

// forecast does for a project what up --dry-run does, and returns what it says.
func forecast(t *testing.T, p *Project) string {
	t.Helper()
	open := p.checkImages
	if !testing.Short() {
		open = p.Open
	}
	if err := open(t.Context()); err != nil {
		return "refused\n" + err.Error() + "\n"
	}
	target := envs.Target{Name: "shop-login", URL: "http://shop-login.example", Feature: "login", Commit: "12e4567", Architecture: "amd64"}
	images := []envs.Image{}
	if testing.Short() {
		for _, b := range p.Config.Build {
			images = append(images, envs.Image{Name: b.Name, Reference: "shop:to-be-built"})
		}
	} else {
		defer p.Close()
		must.Succeed(t, p.Check(t.Context(), target.Architecture))
		target.Registry = envs.Registry{Name: "shop", Look: func(context.Context) (string, error) { return "", nil }}
		var err error
		images, _, err = p.Forecast(t.Context(), target)
		must.Succeed(t, err)
	}
	document, err := p.Document(images, target)
	must.Succeed(t, err)
	said := "passes\n"
	for _, note := range p.Notes() {
		said += note + "\n"
	}
	for _, i := range p.included() {
		said += "includes " + i.Name + "\n"
	}
	return said + document.Name + ":\n" + string(document.Text)
}

func TestComposeFilesAreForecast(t *testing.T) {
	names, err := filepath.Glob("testdata/compose/*.txtar")
	must.Succeed(t, err)
	passes := 0
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		must.Succeed(t, err)
		want := a.Files[len(a.Files)-1]
		a.Files = a.Files[:len(a.Files)-1]
		p := composeProject(t, a)
		got := strings.ReplaceAll(forecast(t, p), p.Config.Dir+"/", "")
		if strings.HasPrefix(got, "passes") {
			passes++
		}
		if got == string(want.Data) {
			continue
		}
		if !*update {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want.Data)
			continue
		}
		a.Files = append(a.Files, txtar.File{Name: want.Name, Data: []byte(got)})
		must.Succeed(t, os.WriteFile(name, txtar.Format(a), 0o644))
	}
	if len(names) < 30 || passes < 24 {
		t.Errorf("%d of %d files pass", passes, len(names))
	}
}
