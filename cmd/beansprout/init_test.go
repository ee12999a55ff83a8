package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"beansprout/localcloud"
	"beansprout/test/must"
)

var update = flag.Bool("update", false, "write what the repositories of testdata/init come to")

// repository writes the files of an archive and returns their directory.
func repository(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop")
	must.Succeed(t, os.Mkdir(dir, 0o755))
	for _, f := range a.Files {
		name := filepath.Join(dir, f.Name)
		must.Succeed(t, os.MkdirAll(filepath.Dir(name), 0o755))
		must.Succeed(t, os.WriteFile(name, f.Data, 0o644))
	}
	return dir
}

var forecastOf = regexp.MustCompile(`^would create environment shop-try-\S+ at `)

// firstRun is what a person meets who has a repository and no configuration: init, then up.
func firstRun(p *plot, dir string) (passes bool, outcome string) {
	made := beansprout(p.Context(), p.T, p.dir, "init", dir)
	outcome = made.stderr
	for _, name := range strings.Fields(made.stdout) {
		text := must.Read(p.T, filepath.Join(dir, name))
		if name == "beansprout.yaml" || name == "Dockerrun.template.json" || strings.HasPrefix(name, "compose.") {
			outcome += name + ":\n" + text
		} else {
			outcome += name + "\n"
		}
	}
	if made.code == 0 && !testing.Short() { // up needs an engine
		up := beansprout(p.Context(), p.T, p.dir, "up", "--dry-run", "--feature", "try", dir)
		passes = up.code == 0 && forecastOf.MatchString(up.stdout)
		if !passes {
			outcome += "up --dry-run\n" + up.stdout + up.stderr
		}
	}
	verdict := "passes\n"
	if !passes {
		verdict = "refused\n"
	}
	return passes, verdict + strings.NewReplacer(filepath.Dir(dir)+"/", "", "\r", "").Replace(outcome)
}

// TestRepositoriesGetTheirFirstEnvironment takes repositories of many shapes through init and a dry run of up.
func TestRepositoriesGetTheirFirstEnvironment(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	names, err := filepath.Glob("testdata/init/*.txtar")
	must.Succeed(t, err)
	passing := 0
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		must.Succeed(t, err)
		want := &a.Files[len(a.Files)-1]
		passes, got := firstRun(p, repository(t, &txtar.Archive{Files: a.Files[:len(a.Files)-1]}))
		if passes {
			passing++
		}
		switch {
		case testing.Short() || got == string(want.Data):
		case *update:
			want.Data = []byte(got)
			must.Succeed(t, os.WriteFile(name, txtar.Format(a), 0o644))
		default:
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want.Data)
		}
	}
	if len(names) < 20 || !testing.Short() && passing*20 < len(names)*16 {
		t.Errorf("%d of %d repositories pass, want four in five", passing, len(names))
	}
}
