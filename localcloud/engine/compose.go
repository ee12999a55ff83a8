package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

const (
	composeName  = "docker-compose.yml"
	envName      = ".env"
	composeLogs  = "/var/log/eb-docker/containers" // the value of EB_LOG_BASE_DIR
	mostServices = 50                              // more do not fit into a network of the local cloud
)

// refusedCompose returns the failure for a compose file that Docker Compose refuses, or that cannot
// be run here.
func refusedCompose(format string, args ...any) *Failure {
	return &Failure{cause: composeName + ": " + fmt.Sprintf(format, args...)}
}

// placeCompose unpacks a bundle with a compose file, writes the environment's variables beside it as
// Beanstalk does, and reads what its services are.
func (e *Engine) placeCompose(ctx context.Context, g *generation, b bundle) error {
	g.composed = true
	if err := unpack(b.files, g.dir); err != nil {
		return err
	}
	variables, err := g.writeVariables()
	if err != nil {
		return err
	}
	p, err := load(ctx, g.dir, b.compose, variables)
	if err != nil {
		return refusedCompose("%s", oneLine(strings.ReplaceAll(err.Error(), g.dir+string(filepath.Separator), ""), 400))
	}
	c := composer{Engine: e, g: g, project: p}
	g.networks = c.networks()
	if g.units, err = c.services(); err != nil {
		return err
	}
	return g.provide(c.paths)
}

// writeVariables writes the environment's variables to .env, with $ doubled, and returns the
// variables that the compose file may use. Beanstalk leaves a .env of the bundle alone, and then its
// variables are nowhere.
func (g *generation) writeVariables() (map[string]string, error) {
	file := filepath.Join(g.dir, envName)
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		var lines strings.Builder
		for _, name := range slices.Sorted(maps.Keys(g.Variables)) {
			if strings.ContainsAny(g.Variables[name], "\r\n") {
				return nil, refusedCompose("the environment's variable %s has more than one line, which %s cannot hold", oneLine(name, 100), envName)
			}
			fmt.Fprintf(&lines, "%s=%s\n", name, strings.ReplaceAll(g.Variables[name], "$", "$$"))
		}
		if err := os.WriteFile(file, []byte(lines.String()), 0o644); err != nil {
			return nil, err
		}
	}
	variables, err := dotenv.GetEnvFromFile(nil, []string{file})
	if err != nil {
		return nil, refusedCompose("%s: %s", envName, oneLine(strings.ReplaceAll(err.Error(), g.dir+string(filepath.Separator), ""), 400))
	}
	variables["EB_LOG_BASE_DIR"] = composeLogs
	return variables, nil
}

// load reads the compose file of the unpacked bundle in dir as Docker Compose does. Nothing outside
// dir is read.
func load(ctx context.Context, dir string, text []byte, variables map[string]string) (*types.Project, error) {
	details := types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, composeName), Content: text}},
		Environment: variables,
	}
	options := func(o *loader.Options) {
		o.SetProjectName(filepath.Base(instanceDir), true)
		o.SkipResolveEnvironment, o.SkipResolveLabels, o.SkipInclude = true, true, true
		o.ResourceLoaders = []loader.ResourceLoader{outside{dir}}
		if profiles := variables["COMPOSE_PROFILES"]; profiles != "" {
			o.Profiles = strings.Split(profiles, ",")
		}
	}
	model, err := loader.LoadModelWithContext(ctx, details, options)
	if err != nil {
		return nil, err
	}
	if model["include"] != nil { // its env_file may be any file of this machine
		return nil, errors.New("include is refused: write the services into this file")
	}
	p, err := loader.ModelToProject(model, loader.ToOptions(&details, []func(*loader.Options){options}), details)
	if err != nil {
		return nil, err
	}
	for _, s := range p.Services {
		for _, f := range s.EnvFiles {
			if !within(dir, f.Path) {
				return nil, fmt.Errorf("service %s: env_file %s is not in the bundle", s.Name, f.Path)
			}
		}
		for _, f := range s.LabelFiles {
			if !within(dir, f) {
				return nil, fmt.Errorf("service %s: label_file %s is not in the bundle", s.Name, f)
			}
		}
	}
	if p, err = p.WithServicesEnvironmentResolved(true); err != nil {
		return nil, err
	}
	return p.WithServicesLabelsResolved(true)
}

// outside refuses the files that extends names outside a directory.
type outside struct{ dir string }

// Accept reports whether a path is outside.
func (o outside) Accept(path string) bool {
	if strings.Contains(path, "://") || strings.HasPrefix(path, "git@") {
		return true
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(o.dir, path)
	}
	return !within(o.dir, path)
}

// Load refuses the path.
func (o outside) Load(_ context.Context, path string) (string, error) {
	return "", fmt.Errorf("%s is not in the bundle", path)
}

// Dir returns the path.
func (o outside) Dir(path string) string { return path }

// within reports whether a path is in a directory. A bundle has no links that lead out of it.
func within(dir, path string) bool {
	below, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(below)
}
