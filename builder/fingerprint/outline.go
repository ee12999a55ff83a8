package fingerprint

import (
	"errors"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"beansprout/pattern"
)

// Outline is what a Dockerfile says of its image, as far as that is known without a build.
type Outline struct {
	Ports  []Place           // EXPOSE of tcp, in the target's stage before those that it starts from
	Copies []Place           // paths of the context that are copied
	Health Place             // the path of a URL that HEALTHCHECK asks for; no text where it asks for none
	Env    map[string]string // the variables at the end of the target
}

// Place is a text of a Dockerfile, and the line of its instruction.
type Place struct {
	Text string
	Line int
}

// ReadOutline reads a Dockerfile without building it. The engine may understand one that is an error here.
func ReadOutline(content []byte, s Source) (Outline, error) {
	r, target, err := newStageReader(content, s)
	if err != nil {
		return Outline{}, err
	}
	env, err := r.stage(target)
	if errors.Is(err, errUnknownContent) { // of what it downloads
		env, err = r.read[target], nil
	}
	if err != nil {
		return Outline{}, err
	}
	o := Outline{Env: env}
	for i, more := target, true; more; i, more = r.parent(i) {
		for _, c := range r.stages[i].Commands {
			o.add(r, c, env)
		}
	}
	o.Copies = r.copied()
	return o, nil
}

// parent returns the stage that a stage starts from, if that is one of the Dockerfile's.
func (r *stageReader) parent(i int) (int, bool) {
	name, _, err := r.expand(r.stages[i].BaseName, r.global)
	if err != nil {
		return 0, false
	}
	return r.named(name, i)
}

// healthURL finds the path of what a HEALTHCHECK asks of the container itself.
var healthURL = pattern.New(`https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::[^/\s"']*)?(/[^\s"'|;&]*)`)

func (o *Outline) add(r *stageReader, c instructions.Command, env variables) {
	switch c := c.(type) {
	case *instructions.ExposeCommand:
		for _, port := range c.Ports {
			text, known, err := r.expand(port, env)
			number, protocol, _ := strings.Cut(text, "/")
			if _, bad := strconv.ParseUint(number, 10, 16); known && err == nil && bad == nil && (protocol == "" || strings.EqualFold(protocol, "tcp")) {
				o.Ports = append(o.Ports, Place{number, lineOf(c.Location())})
			}
		}
	case *instructions.HealthCheckCommand:
		if m := healthURL.FindStringSubmatch(strings.Join(c.Health.Test, " ")); m != nil && o.Health.Text == "" {
			o.Health = Place{m[1], lineOf(c.Location())}
		}
	}
}

// copied returns what the stages that were read copy from the context.
func (r *stageReader) copied() (all []Place) {
	for i, s := range r.stages {
		env, read := r.read[i]
		for _, c := range s.Commands {
			copies, ok := c.(*instructions.CopyCommand)
			if !read || !ok || copies.From != "" {
				continue
			}
			for _, path := range copies.SourcePaths {
				if text, known, err := r.expand(path, env); known && err == nil {
					all = append(all, Place{text, lineOf(copies.Location())})
				}
			}
		}
	}
	return all
}

func lineOf(location []parser.Range) int {
	if len(location) == 0 {
		return 0
	}
	return location[0].Start.Line
}
