package builder

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// command reads an instruction of a stage that has the environment env until there.
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
