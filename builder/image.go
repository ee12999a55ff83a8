package builder

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// work is one call of Build.
type work struct {
	*Builder
	destination func() (*destination, error)
	log         Log
	display     *display
	rebuild     bool
	twins       sync.Map // of *twins, by fingerprint
}

func newWork(ctx context.Context, b *Builder, images int, registry func(context.Context) (Registry, error), o Options) *work {
	return &work{
		Builder: b,
		destination: sync.OnceValues(func() (*destination, error) {
			r, err := registry(ctx)
			return &destination{r, &pass{login: r.Login}}, err
		}),
		log:     o.Log.oneAtATime(),
		display: newDisplay(ctx, o.Terminal, images),
		rebuild: o.Rebuild,
	}
}

// image makes the image of a source, or finds it in the registry.
func (w *work) image(ctx context.Context, s Source, prepared func() error) (Image, error) {
	started := time.Now()
	if err := prepared(); err != nil {
		return Image{}, err
	}
	if err := check(s); err != nil {
		return Image{}, &BuildError{Image: s.Name, Err: err}
	}
	fingerprint, generation, notes, err := w.fingerprint(ctx, s, w.bases(s, w.baseAuth))
	if err != nil {
		return Image{}, err
	}
	s.generation = generation
	for _, note := range notes {
		w.log.of(s.Name, stepNote)(note)
	}
	to, err := w.destination()
	if err != nil {
		return Image{}, err
	}
	i := Image{Name: s.Name, Fingerprint: fingerprint, Platform: cmp.Or(s.Platform, w.platform)}
	if err := w.obtain(ctx, s, to, &i); err != nil {
		return Image{}, err
	}
	i.Reference, i.Took = to.Repository+"@"+i.Digest, time.Since(started)
	return i, nil
}

// obtain fills in the digest of the image that the registry has, or gets.
func (w *work) obtain(ctx context.Context, s Source, to *destination, i *Image) (err error) {
	if i.Fingerprint == "" {
		return w.publish(ctx, s, to, i)
	}
	t := w.twin(i.Fingerprint)
	t.Lock()
	defer t.Unlock()
	if i.Digest = t.digest; i.Digest == "" && !w.rebuild {
		i.Digest, err = w.serves(ctx, to, i, "")
	}
	if i.Cached = i.Digest != ""; !i.Cached && err == nil {
		err = w.publish(ctx, s, to, i)
	}
	if err == nil && i.Fingerprint != "" {
		t.digest = i.Digest
	}
	return err
}

// twins are the sources of one run that are made from the same: the first that gets hold of it
// makes the image for all.
type twins struct {
	sync.Mutex
	digest string // "" until it is made
}

func (w *work) twin(fingerprint string) *twins {
	t, _ := w.twins.LoadOrStore(fingerprint, &twins{})
	return t.(*twins)
}
