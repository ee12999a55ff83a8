package builder

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
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

// environment holds the variables that an instruction sees.
type environment map[string]string

func (e environment) Get(name string) (string, bool) {
	v, ok := e[name]
	return v, ok
}

func (e environment) Keys() []string { return slices.Collect(maps.Keys(e)) }

func (e environment) put(name, value string, known bool) {
	if known {
		e[name] = value
	} else {
		delete(e, name)
	}
}

// platformArgs returns the arguments that BuildKit defines by itself.
func platformArgs(native, target string) (environment, error) {
	e := environment{}
	if target == "" {
		target = native
	}
	for prefix, name := range map[string]string{"BUILD": native, "TARGET": target} {
		p, err := platforms.Parse(name)
		if err != nil {
			return nil, err
		}
		e[prefix+"PLATFORM"], e[prefix+"OS"], e[prefix+"ARCH"], e[prefix+"VARIANT"] = platforms.Format(p), p.OS, p.Architecture, p.Variant
	}
	return e, nil
}

// reader reads stages, and those that they build on first.
type reader struct {
	recipe
	lex    *shell.Lex
	args   map[string]string
	global environment
	stages []instructions.Stage
	read   map[int]environment // what the stages read so far leave behind
}

func (r *reader) target(name string) (int, error) {
	if name == "" {
		return len(r.stages) - 1, nil
	}
	if i, ok := r.named(name, len(r.stages)); ok {
		return i, nil
	}
	return 0, fmt.Errorf("no stage %q", name)
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
		platform = r.global["TARGETPLATFORM"]
	}
	if b := (base{ref, platform}); ref != "scratch" && !slices.Contains(r.bases, b) {
		r.bases = append(r.bases, b)
	}
}

// longest is the length of a value above which it is taken for one that only grows: each line
// may double that of the line before.
const longest = 64 << 10

// expand replaces the variables in a word and says whether all of them are known: a base image
// may define others.
func (r *reader) expand(word string, env environment) (value string, known bool, err error) {
	value, unknown, err := r.lex.ProcessWord(word, env)
	if len(value) > longest {
		return "", false, errOpen
	}
	return value, len(unknown) == 0, err
}

// define gives the arguments of an ARG their values in env: as the source says, else by
// default, else as an ARG before the first FROM says, for which outer is nil.
func (r *reader) define(c instructions.ArgCommand, env, outer environment) error {
	for _, a := range c.Args {
		value, known := r.args[a.Key]
		if !known && a.Value != nil {
			var err error
			if value, known, err = r.expand(*a.Value, env); err != nil {
				return err
			}
			known = known || outer == nil
		} else if !known {
			value, known = outer[a.Key]
		}
		env.put(a.Key, value, known)
	}
	return nil
}

func (r *reader) command(c instructions.Command, env environment) error {
	switch c := c.(type) {
	case *instructions.ArgCommand:
		return r.define(*c, env, r.global)
	case *instructions.EnvCommand:
		return r.set(c, env)
	case *instructions.CopyCommand:
		if c.From != "" {
			return r.other(c.From)
		}
		return r.take(c.SourcePaths, env)
	case *instructions.AddCommand:
		return r.add(c, env)
	case *instructions.RunCommand:
		for _, m := range instructions.GetMounts(c) {
			if err := r.other(m.From); err != nil {
				return err
			}
		}
	case *instructions.OnbuildCommand:
		return r.onbuild(c.Expression, env)
	}
	return nil
}

func (r *reader) set(c *instructions.EnvCommand, env environment) error {
	before := maps.Clone(env)
	for _, v := range c.Env {
		value, known, err := r.expand(v.Value, before)
		if err != nil {
			return err
		}
		env.put(v.Key, value, known)
	}
	return nil
}

// other notes the stage or image that an instruction takes files of.
func (r *reader) other(from string) error {
	if from == "" {
		return nil
	}
	i, ok := r.named(from, len(r.stages))
	if n, err := strconv.Atoi(from); err == nil {
		i, ok = n, n >= 0 && n < len(r.stages)
	}
	if !ok {
		r.use(from, "")
		return nil
	}
	_, err := r.stage(i)
	return err
}

// remote matches what ADD fetches: a URL or git's git@host:path.
var remote = regexp.MustCompile(`(?i)^([a-z][a-z0-9+.-]*://|[^/]+@[^/]+:)`)

// add reads an ADD. What it fetches is known if its checksum is.
func (r *reader) add(c *instructions.AddCommand, env environment) error {
	var local []string
	for _, source := range c.SourcePaths {
		path, known, err := r.expand(source, env)
		switch {
		case err != nil:
			return err
		case !known:
			return fmt.Errorf("ADD %s: %w", source, errOpen)
		case !remote.MatchString(path):
			local = append(local, source)
		case c.Checksum == "":
			return fmt.Errorf("ADD %s: %w", path, errOpen)
		}
	}
	return r.take(local, env)
}

// take notes the paths of the context that are copied, as far as they are known.
func (r *reader) take(paths []string, env environment) error {
	for _, p := range paths {
		if path, known, err := r.expand(p, env); known && err == nil {
			r.copies = append(r.copies, path)
		}
	}
	return nil
}

// onbuild reads an instruction that is carried out in the stages that start from this one.
func (r *reader) onbuild(expression string, env environment) error {
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
