// Package builder makes images: a source tree goes in, an image in a registry comes out, named by
// its digest. It builds with BuildKit through the Docker Engine's API and needs no docker command.
package builder

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"beansprout/builder/fingerprint"
	"beansprout/mask"
)

// parallel is the number of images that are made at the same time. More would only make each
// slower, because the engine runs their steps in parallel too.
const parallel = 4

// The steps of a Log.
const (
	stepPrepare = "prepare"
	stepBuild   = "build"
	stepPush    = "push"
	stepNote    = "note"
)

// Source says how one image is made.
type Source struct {
	Name       string            // the image's name, for messages and its label
	Dir        string            // absolute: the directory that Prepare runs in
	Prepare    string            // shell command to run before the build; "" for none
	Context    string            // absolute: the directory that the Dockerfile sees
	Dockerfile string            // relative to Context; "" is "Dockerfile"
	Target     string            // the stage to build; "" is the last one
	Args       map[string]string // build arguments
	Secrets    []Secret
	SSH        []SSH             // not part of the fingerprint
	Platform   string            // "linux/arm64"; "" is the engine's
	CacheFrom  []string          // references of images whose layers may be reused
	Network    string            // of RUN: "" or "default", "none", "host"
	Pull       bool              // look for newer base images even if the engine has some
	Labels     map[string]string // of the image; not part of the fingerprint
	WarnSize   int64             // size in bytes from which the log names what makes the context large; 0 is never
	Local      string            // tag suffix of the newest image of this source in the engine: letters, digits and _.-

	generation fingerprint.Generation // of the context
}

// SSH is an agent or keys that RUN --mount=type=ssh can use.
type SSH struct {
	ID    string
	Paths []string // absolute: the socket of an agent, or files with keys; none is SSH_AUTH_SOCK
}

// Secret is a value that RUN --mount=type=secret can read. It comes from a file or, if File is
// empty, from an environment variable.
type Secret struct {
	ID     string
	File   string // absolute
	Env    string
	Lookup func(string) (string, bool) // of Env; nil is os.LookupEnv
}

// Image is an image in a registry.
type Image struct {
	Name        string // Source.Name
	Reference   string // repository@sha256:...
	Digest      string // sha256:...
	Platform    string // what it runs on, "linux/amd64"
	Fingerprint string // of what it is made from, 40 hex digits; "" if that is not known
	Cached      bool   // the registry had it: it was neither built nor pushed
	Took        time.Duration
	Sent        int64 // bytes to the registry
	Context     int64 // bytes to the engine
}

// Registry is where images are pushed.
type Registry struct {
	Repository string // host/name
	// Image returns the digests of the manifest that has the tag and of its config. Both are ""
	// if there is none.
	Image func(ctx context.Context, tag string) (digest, config string, err error)
	// Login is called before the first push, and again if the registry says that the credentials
	// have expired.
	Login func(ctx context.Context) (Credentials, error)
}

// Credentials open a registry.
type Credentials struct{ Username, Password string }

// Options of Build.
type Options struct {
	Log     Log
	Rebuild bool // build and push even what the registry has
	// Ready returns when something may be prepared or built; the registry is asked before. nil is at once.
	Ready func(context.Context) error
	// Mask hides secrets in lines and errors, in addition to those of the sources.
	Mask mask.Mask
}

// Log receives the lines that making an image prints, without control characters. The step is
// "prepare", "build" or "push", or "note" for a line that should not be lost among the others. It is
// never called concurrently.
type Log func(image, step, line string)

// Build prepares, builds and pushes the sources in parallel and returns their images in the same
// order. It neither builds nor pushes an image that the registry has under the source's
// fingerprint. It calls registry once, while the prepare commands run. The first failure cancels the
// other images and is returned: a *BuildError if an image cannot be made, an error that wraps
// ErrDenied if the registry refuses the credentials, or ErrNoEngine if the engine is gone.
func (b *Builder) Build(ctx context.Context, sources []Source, registry func(context.Context) (Registry, error), o Options) ([]Image, error) {
	if len(sources) == 0 {
		return nil, nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel + 1)
	w := newWork(ctx, b, registry, o)
	g.Go(func() error {
		_, err := w.destination()
		return err
	})
	prepared := w.preparations(ctx, sources)
	images := make([]Image, len(sources))
	for i, s := range sources {
		g.Go(func() (err error) {
			images[i], err = w.image(ctx, s, prepared[i])
			if ctx.Err() != nil { // then err is a consequence
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

// serialized returns a Log that can be called concurrently.
func (l Log) serialized() Log {
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

// of returns a function that logs the lines of one step of one image.
func (l Log) of(image, step string) func(line string) {
	return func(line string) { l(image, step, clean(line)) }
}
