// Package builder makes images: a source tree goes in, an image in a registry
// comes out, named by its digest. It is the only door to the Docker Engine, and
// builds there with BuildKit through the Engine API, so that no docker command
// has to be installed.
package builder

import (
	"context"
	"os"
	"sync"
	"time"

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
	stepNote    = "note"
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
	Platform   string            // "linux/arm64"; "" is the engine's
	CacheFrom  []string          // references of images whose layers may be reused
	Network    string            // of RUN: "" or "default", "none", "host"
	Pull       bool              // look for newer base images although the engine has some
	Labels     map[string]string // put on the image, no part of its fingerprint
	WarnSize   int64             // bytes of context from which the log says what makes it large; 0 is never
	Local      string            // under which the engine keeps the newest image of this source: letters, digits and _.-

	generation generation // of the context
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
	Name        string // Source.Name
	Reference   string // repository@sha256:...
	Digest      string // sha256:...
	Platform    string // what it runs on, "linux/amd64"
	Fingerprint string // of all that it is made from, 40 hex digits; "" when that can't be told
	Cached      bool   // the registry had it: it was neither built nor pushed
	Took        time.Duration
	Sent        int64 // bytes to the registry
	Context     int64 // bytes to the engine
}

// Registry is where images are pushed.
type Registry struct {
	Repository string // host/name
	// Image returns the digest of the manifest that the tag is on and that of its config,
	// each "" where there is none.
	Image func(ctx context.Context, tag string) (digest, config string, err error)
	// Login is called before the first push, and once more when the registry calls the
	// credentials expired.
	Login func(ctx context.Context) (Credentials, error)
}

// Credentials open a registry.
type Credentials struct{ Username, Password string }

// Options are how Build goes about it.
type Options struct {
	Log     Log
	Rebuild bool // what the registry has already, too
	// Terminal, if not nil, lends a terminal to BuildKit's own display until giveBack is
	// called. It is called at most once, when there is something to see.
	Terminal func() (terminal *os.File, giveBack func())
}

// Log receives the lines that making an image prints, free of control characters. The
// step is "prepare", "build" or "push", or "note" for what somebody should know however long
// the rest is. It is never called by two goroutines at once.
type Log func(image, step, line string)

// Build prepares, builds and pushes the sources side by side and returns their images in
// the same order. What the registry has under the fingerprint of a source is neither built
// nor pushed. The registry is asked for once, while the commands that prepare run. The
// first failure cancels the others in the engine and is the one reported: as a *BuildError
// when an image can't be made, wrapping ErrDenied when the registry refuses the
// credentials, wrapping ErrNoEngine when the engine has gone.
func (b *Builder) Build(ctx context.Context, sources []Source, registry func(context.Context) (Registry, error), o Options) ([]Image, error) {
	if len(sources) == 0 {
		return nil, nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel + 1)
	w := newWork(ctx, b, len(sources), registry, o)
	defer w.display.close()
	g.Go(func() error {
		_, err := w.destination()
		return err
	})
	prepared := w.preparations(ctx, sources)
	images := make([]Image, len(sources))
	for i, s := range sources {
		g.Go(func() (err error) {
			images[i], err = w.image(ctx, s, prepared[i])
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
