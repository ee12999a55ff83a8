package fingerprint

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"beansprout/pattern"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// dockerfile is what the target of a Dockerfile, and the stages that it needs, take from elsewhere.
type dockerfile struct {
	bases  []baseImage // images, each once
	copies []string    // paths of the context
}

// baseImage is an image that a stage starts from or copies from.
type baseImage struct{ ref, platform string }

// errUnknownContent is reported for a Dockerfile that does not determine what the image contains.
var errUnknownContent = errors.New("what goes in is not known before the build")

// parseDockerfile reads the Dockerfile of s with BuildKit's parser. The engine may understand a
// Dockerfile that gives an error here.
func parseDockerfile(content []byte, s Source) (dockerfile, error) {
	r, target, err := newStageReader(content, s)
	if err != nil {
		return dockerfile{}, err
	}
	_, err = r.stage(target)
	return r.found, err
}

// newStageReader returns a reader of the Dockerfile's stages, and the number of the target.
func newStageReader(content []byte, s Source) (r *stageReader, target int, err error) {
	if foreignSyntax(content, s.Args) {
		return nil, 0, errUnknownContent
	}
	parsed, err := parser.Parse(bytes.NewReader(content))
	if err != nil {
		return nil, 0, err
	}
	stages, defaults, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, 0, err
	}
	r = &stageReader{lex: shell.NewLex(parsed.EscapeToken), args: s.Args, stages: stages, read: map[int]variables{}}
	if r.global, err = platformArgs(s.BuildPlatform, s.Platform); err != nil {
		return nil, 0, err
	}
	r.platform = r.global["TARGETPLATFORM"]
	for _, a := range defaults {
		if err := r.argument(a, r.global, nil); err != nil {
			return nil, 0, err
		}
	}
	target, err = r.target(s.Target)
	return r, target, err
}

// foreignSyntax reports whether the Dockerfile asks for a frontend other than Docker's own. The
// version of Docker's own does not matter: it does not change what an instruction makes.
func foreignSyntax(content []byte, args map[string]string) bool {
	syntax, _, _, ok := parser.DetectSyntax(content)
	if s, given := args["BUILDKIT_SYNTAX"]; given {
		syntax, ok = s, true
	}
	return ok && !dockerSyntax.MatchString(syntax)
}

var dockerSyntax = pattern.New(`^(docker\.io/)?docker/dockerfile(-upstream)?([:@]|$)`)

// stageReader reads a stage after the stages that it builds on.
type stageReader struct {
	found    dockerfile
	lex      *shell.Lex
	args     map[string]string
	platform string // of the image
	global   variables
	stages   []instructions.Stage
	read     map[int]variables // at the end of the stages read so far
}

func (r *stageReader) target(name string) (int, error) {
	if i, ok := r.named(name, len(r.stages)); ok {
		return i, nil
	}
	if name != "" || len(r.stages) == 0 {
		return 0, fmt.Errorf("no stage %q", name)
	}
	return len(r.stages) - 1, nil
}

// named returns the last stage of that name before the given one.
func (r *stageReader) named(name string, before int) (int, bool) {
	for i := before - 1; i >= 0; i-- {
		if r.stages[i].Name != "" && strings.EqualFold(r.stages[i].Name, name) {
			return i, true
		}
	}
	return 0, false
}

// stage reads a stage and returns the variables at its end.
func (r *stageReader) stage(i int) (variables, error) {
	if e, ok := r.read[i]; ok {
		return e, nil
	}
	r.read[i] = variables{} // the engine refuses a stage that needs itself
	s := r.stages[i]
	env, err := r.from(i, s)
	if err != nil {
		return nil, err
	}
	for _, c := range s.Commands {
		if err := r.command(c, env); err != nil {
			return nil, err
		}
	}
	r.read[i] = env
	return env, nil
}

// from records what a stage starts from and returns the variables that it begins with.
func (r *stageReader) from(i int, s instructions.Stage) (variables, error) {
	name, _, err := r.expand(s.BaseName, r.global)
	if err != nil {
		return nil, err
	}
	if parent, ok := r.named(name, i); ok {
		env, err := r.stage(parent)
		return maps.Clone(env), err
	}
	platform, _, err := r.expand(s.Platform, r.global)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, fmt.Errorf("FROM %s: no name", s.BaseName)
	}
	r.useImage(name, platform)
	return variables{}, nil
}

func (r *stageReader) useImage(ref, platform string) {
	if platform == "" {
		platform = r.platform
	}
	if b := (baseImage{ref, platform}); ref != "scratch" && !slices.Contains(r.found.bases, b) {
		r.found.bases = append(r.found.bases, b)
	}
}

// command reads an instruction, which sees and changes the variables env.
func (r *stageReader) command(c instructions.Command, env variables) error {
	switch c := c.(type) {
	case *instructions.ArgCommand:
		return r.argument(*c, env, r.global)
	case *instructions.EnvCommand:
		return r.setVariables(c, env)
	case *instructions.CopyCommand:
		if c.From != "" {
			return r.fromOther(c.From)
		}
		return r.fromContext(c.SourcePaths, env)
	case *instructions.AddCommand:
		return r.add(c, env)
	case *instructions.RunCommand:
		for _, m := range instructions.GetMounts(c) {
			if err := r.fromOther(m.From); err != nil {
				return err
			}
		}
	case *instructions.OnbuildCommand:
		return r.onbuild(c.Expression, env)
	}
	return nil
}

// fromOther records the stage or image that an instruction takes files from.
func (r *stageReader) fromOther(from string) error {
	if from == "" {
		return nil
	}
	i, ok := r.named(from, len(r.stages))
	if n, err := strconv.Atoi(from); err == nil {
		i, ok = n, n >= 0 && n < len(r.stages)
	}
	if !ok {
		r.useImage(from, "")
		return nil
	}
	_, err := r.stage(i)
	return err
}

// remoteSource matches what ADD fetches: a URL or git's git@host:path.
var remoteSource = pattern.New(`(?i)^([a-z][a-z0-9+.-]*://|[^/]+@[^/]+:)`)

// add reads an ADD. What it downloads is known only with a checksum.
func (r *stageReader) add(c *instructions.AddCommand, env variables) error {
	var local []string
	for _, source := range c.SourcePaths {
		path, known, err := r.expand(source, env)
		switch {
		case err != nil:
			return err
		case !known:
			return fmt.Errorf("ADD %s: %w", source, errUnknownContent)
		case !remoteSource.MatchString(path):
			local = append(local, source)
		case c.Checksum == "":
			return fmt.Errorf("ADD %s: %w", path, errUnknownContent)
		}
	}
	return r.fromContext(local, env)
}

// fromContext records the paths of the context that are copied, as far as they are known.
func (r *stageReader) fromContext(paths []string, env variables) error {
	for _, p := range paths {
		if path, known, err := r.expand(p, env); known && err == nil {
			r.found.copies = append(r.found.copies, path)
		}
	}
	return nil
}

// onbuild reads an instruction that runs in the stages that start from this one.
func (r *stageReader) onbuild(expression string, env variables) error {
	parsed, err := parser.Parse(strings.NewReader(expression))
	if err != nil {
		return err
	}
	for _, node := range parsed.AST.Children {
		c, err := instructions.ParseCommand(node)
		if err != nil {
			return err
		}
		if err := r.command(c, env); err != nil {
			return err
		}
	}
	return nil
}

// variables are those that an instruction sees.
type variables map[string]string

func (e variables) Get(name string) (string, bool) {
	v, ok := e[name]
	return v, ok
}

func (e variables) Keys() []string { return slices.Collect(maps.Keys(e)) }

func (e variables) set(name, value string, known bool) {
	if known {
		e[name] = value
	} else {
		delete(e, name)
	}
}

// maxValueLength is in bytes. Each line of a Dockerfile can double a value.
const maxValueLength = 64 << 10

// expand replaces the variables in a word and reports whether it knows all of them: a base image may
// define others.
func (r *stageReader) expand(word string, env variables) (value string, known bool, err error) {
	value, unknown, err := r.lex.ProcessWord(word, env)
	if len(value) > maxValueLength {
		return "", false, errUnknownContent
	}
	return value, len(unknown) == 0, err
}

// argument sets the arguments of an ARG in env: to the value in the source, else to the default,
// else to the value in outer, which are the arguments before the first FROM. For those, outer is nil.
func (r *stageReader) argument(c instructions.ArgCommand, env, outer variables) error {
	for _, a := range c.Args {
		if value, ok := r.args[a.Key]; ok {
			env[a.Key] = value
		} else if a.Value != nil {
			value, known, err := r.expand(*a.Value, env)
			if err != nil {
				return err
			}
			env.set(a.Key, value, known || outer == nil)
		} else if value, ok := outer[a.Key]; ok {
			env[a.Key] = value
		}
	}
	return nil
}

// setVariables sets the variables of an ENV, which do not see each other.
func (r *stageReader) setVariables(c *instructions.EnvCommand, env variables) error {
	before := maps.Clone(env)
	for _, v := range c.Env {
		value, known, err := r.expand(v.Value, before)
		if err != nil {
			return err
		}
		env.set(v.Key, value, known)
	}
	return nil
}
