// Package builder makes images: a source tree goes in, an image in a registry
// comes out, named by its digest. It is the only door to the Docker Engine, and
// builds there with BuildKit through the Engine API, so that no docker command
// has to be installed.
package builder

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// parallel is how many images are prepared, built and pushed at a time. The engine
// schedules the steps within them; more only makes each slower.
const parallel = 4

// The steps that a Log tells apart.
const (
	stepPrepare = "prepare"
	stepBuild   = "build"
	stepPush    = "push"
)

// Source is how one image is made.
type Source struct {
	Name       string            // the image's name, for messages and its label
	Dir        string            // absolute: the directory that Prepare runs in
	Prepare    string            // shell command to run before the build; "" for none
	Context    string            // absolute: the directory that the Dockerfile sees
	Dockerfile string            // relative to Context; "" is "Dockerfile"
	Target     string            // the stage to build; "" is the last one
	Args       map[string]string // build arguments
	Secrets    []Secret
	// Tag returns the registry tag of the image with the given id in the engine
	// ("sha256:..."). Equal ids must give equal tags.
	Tag func(id string) string
}

// Secret is something that RUN --mount=type=secret may read while an image is built.
// It comes from a file or, if File is empty, from an environment variable.
type Secret struct {
	ID   string
	File string // absolute
	Env  string
}

// Image is an image in a registry.
type Image struct {
	Name      string // Source.Name
	Reference string // repository@sha256:...
	Digest    string // sha256:...
	Platform  string // what it runs on, "linux/amd64"
}

// Registry is where images are pushed.
type Registry struct {
	Repository string // host/name
	Username   string
	Password   string
}

// Log receives the lines that making an image prints, free of control characters. The
// step is "prepare", "build" or "push". It is never called by two goroutines at once.
type Log func(image, step, line string)

// Build prepares, builds and pushes the sources side by side and returns their images in
// the same order. The registry is asked for once, while the images are being built. The
// first failure cancels the others in the engine and is the one reported: as a *BuildError
// when an image can't be made, wrapping ErrDenied when the registry refuses the
// credentials, wrapping ErrNoEngine when the engine has gone.
func (b *Builder) Build(ctx context.Context, sources []Source, registry func(context.Context) (Registry, error), log Log) ([]Image, error) {
	if len(sources) == 0 {
		return nil, nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel + 1)
	target := sync.OnceValues(func() (Registry, error) { return registry(ctx) })
	g.Go(func() error {
		_, err := target()
		return err
	})
	log = log.oneAtATime()
	prepared := preparations(ctx, sources, log)
	images := make([]Image, len(sources))
	for i, s := range sources {
		g.Go(func() (err error) {
			images[i], err = b.image(ctx, s, prepared[i], target, log)
			if ctx.Err() != nil { // err only says how the image came to its end
				return context.Cause(ctx)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return images, nil
}

func (b *Builder) image(ctx context.Context, s Source, prepared func() error, target func() (Registry, error), log Log) (Image, error) {
	if err := prepared(); err != nil {
		return Image{}, err
	}
	id, err := b.build(ctx, s, log.of(s.Name, stepBuild))
	if err != nil {
		return Image{}, err
	}
	registry, err := target()
	if err != nil {
		return Image{}, err
	}
	return b.publish(ctx, s, id, registry, log.of(s.Name, stepPush))
}

// oneAtATime returns a Log that keeps the goroutines that call it apart.
func (l Log) oneAtATime() Log {
	if l == nil {
		return func(string, string, string) {}
	}
	var mu sync.Mutex
	return func(image, step, line string) {
		mu.Lock()
		defer mu.Unlock()
		l(image, step, line)
	}
}

// of returns what takes the lines of one step of one image.
func (l Log) of(image, step string) func(line string) {
	return func(line string) { l(image, step, clean(line)) }
}
