package builder

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// recipe is what the stages of a Dockerfile that count for the target take from elsewhere.
type recipe struct {
	bases  []base   // images, each once
	copies []string // paths of the context
}

// base is an image that a stage starts from or takes files of.
type base struct{ ref, platform string }

// errOpen is reported for a Dockerfile that does not say what an image will hold.
var errOpen = errors.New("what goes in is not known before the build")

// readRecipe reads the Dockerfile of s for an engine of the platform native. It knows no
// more than BuildKit's own parser: an error may be one of ours alone.
func readRecipe(content []byte, s Source, native string) (recipe, error) {
	r, target, err := newReader(content, s, native)
	if err != nil {
		return recipe{}, err
	}
	_, err = r.stage(target)
	return r.recipe, err
}

// newReader returns a reader of the Dockerfile's stages, and which of them is the target.
func newReader(content []byte, s Source, native string) (r *reader, target int, err error) {
	if foreignSyntax(content, s.Args) {
		return nil, 0, errOpen
	}
	parsed, err := parser.Parse(bytes.NewReader(content))
	if err != nil {
		return nil, 0, err
	}
	stages, defaults, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, 0, err
	}
	r = &reader{lex: shell.NewLex(parsed.EscapeToken), args: s.Args, stages: stages, read: map[int]environment{}}
	if r.global, err = platformArgs(native, s.Platform); err != nil {
		return nil, 0, err
	}
	r.platform = r.global["TARGETPLATFORM"]
	for _, a := range defaults {
		if err := r.define(a, r.global, nil); err != nil {
			return nil, 0, err
		}
	}
	target, err = r.target(s.Target)
	return r, target, err
}

// foreignSyntax says whether a frontend that is not Docker's own reads the Dockerfile. The
// version of Docker's own is left out of account: it does not change what an instruction
// makes.
func foreignSyntax(content []byte, args map[string]string) bool {
	syntax, _, _, ok := parser.DetectSyntax(content)
	if s, given := args["BUILDKIT_SYNTAX"]; given {
		syntax, ok = s, true
	}
	return ok && !dockersOwn.MatchString(syntax)
}

var dockersOwn = regexp.MustCompile(`^(docker\.io/)?docker/dockerfile(-upstream)?([:@]|$)`)

// reader reads stages, and those that they build on first.
type reader struct {
	recipe
	lex      *shell.Lex
	args     map[string]string
	platform string // of the image
	global   environment
	stages   []instructions.Stage
	read     map[int]environment // what the stages read so far leave behind
}

func (r *reader) target(name string) (int, error) {
	if i, ok := r.named(name, len(r.stages)); ok {
		return i, nil
	}
	if name != "" || len(r.stages) == 0 {
		return 0, fmt.Errorf("no stage %q", name)
	}
	return len(r.stages) - 1, nil
}

// named returns the last stage of that name before the given one.
func (r *reader) named(name string, before int) (int, bool) {
	for i := before - 1; i >= 0; i-- {
		if r.stages[i].Name != "" && strings.EqualFold(r.stages[i].Name, name) {
			return i, true
		}
	}
	return 0, false
}

// stage reads a stage and returns the environment at its end.
func (r *reader) stage(i int) (environment, error) {
	if e, ok := r.read[i]; ok {
		return e, nil
	}
	r.read[i] = environment{} // one that needs itself is the engine's to refuse
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

// from notes what a stage starts from and returns the environment that it begins with.
func (r *reader) from(i int, s instructions.Stage) (environment, error) {
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
	r.use(name, platform)
	return environment{}, nil
}

func (r *reader) use(ref, platform string) {
	if platform == "" {
		platform = r.platform
	}
	if b := (base{ref, platform}); ref != "scratch" && !slices.Contains(r.bases, b) {
		r.bases = append(r.bases, b)
	}
}
