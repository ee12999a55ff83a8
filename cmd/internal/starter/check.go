package starter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/project/config"
	"beansprout/dockerrun"
	"beansprout/pattern"
)

var (
	imagePlaceholder = pattern.New(`\$\{image\.([A-Za-z0-9_-]+)\}`)
	valuePlaceholder = pattern.New(`\$\{value\.([A-Za-z0-9_.-]+)\}`)
)

// imagesOf returns the names of the images in a template.
func imagesOf(template []byte) []string { return names(imagePlaceholder, template) }

// valuesOf returns the names of the values in a template.
func valuesOf(template []byte) []string { return names(valuePlaceholder, template) }

func names(placeholder *pattern.Pattern, template []byte) []string {
	found := map[string]bool{}
	for _, m := range placeholder.FindAllSubmatch(template, -1) {
		found[string(m[1])] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// Check has the product read what a plan writes. What the product refuses of the repository's own files joins
// what a person has to do; a beansprout.yaml that it refuses is an error, and nothing may be written.
func Check(ctx context.Context, s *Survey, plan *Plan, env func(string) (string, bool)) error {
	cfg, err := config.Parse(filepath.Join(s.Dir, config.Name), s.Dir, []byte(plan.text(config.Name)))
	if err != nil {
		return &project.Error{Err: fmt.Errorf("what would be written is refused: %w", err)}
	}
	var template []byte
	if text := plan.text(cfg.Dockerrun.Template); text != "" {
		template = []byte(text)
	}
	err = project.Of(cfg, s.Dir, env).Inspect(ctx, template)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	plan.Undone = append(plan.Undone, s.notes(err)...)
	return nil
}

// text returns what is written into a file, "" where none is.
func (p *Plan) text(name string) string {
	for _, f := range p.Files {
		if f.Name == name {
			return f.Text
		}
	}
	return ""
}

// notes returns what an error of the product says, with files as they are called in the repository.
func (s *Survey) notes(err error) (all []Note) {
	if err == nil {
		return nil
	}
	if findings, ok := errors.AsType[dockerrun.Findings](err); ok {
		for _, f := range findings {
			text := f.Message
			if f.Path != "" {
				text = f.Path + ": " + text
			}
			all = append(all, Note{s.relative(f.File), f.Line, text})
		}
		return all
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		all = append(all, Note{Text: strings.ReplaceAll(line, s.Dir+string(filepath.Separator), "")})
	}
	return all
}

func (s *Survey) relative(name string) string {
	if r, err := filepath.Rel(s.Dir, name); err == nil && filepath.IsLocal(r) {
		return filepath.ToSlash(r)
	}
	return name
}
