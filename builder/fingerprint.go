package builder

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/platforms"
)

// fingerprintFormat begins what a fingerprint is computed from. It changes with the rules, so
// that no image made under others is taken for the same.
const fingerprintFormat = "beansprout fingerprint 1"

// fingerprint returns 40 hex digits that tell what the source is made from: the files of the
// context by path, type, mode, and content or target, as BuildKit's own cache tells them
// apart; the Dockerfile, arguments, target, platform, network and names of secrets; and what
// base says that its base images are. Owners, times and labels don't count. It is "" when
// that can't be told: something is fetched, a base image is nowhere to be found, a file can't
// be read. g is the generation of the context; notes are lines about it for the log.
func (b *Builder) fingerprint(ctx context.Context, s Source, base func(ctx context.Context, ref, platform string) (string, error)) (id string, g generation, notes []string, err error) {
	in, err := b.ingredients(s)
	if err != nil {
		return "", g, nil, &BuildError{Image: s.Name, Err: err}
	}
	found, origins, err := in.find(ctx, base, b.now())
	switch {
	case ctx.Err() != nil:
		return "", g, nil, context.Cause(ctx)
	case err != nil:
		return "", g, nil, &BuildError{Image: s.Name, Err: err}
	}
	notes = found.notes(in)
	if in.unknown != nil || len(found.unreadable) > 0 {
		return "", in.generation, notes, nil
	}
	return in.digest(origins, found.files), in.generation, notes, nil
}

// ingredients are what the Dockerfile and its ignore file say about what goes into an image.
type ingredients struct {
	Source
	platform   string
	dockerfile []byte
	recipe     recipe
	unknown    error // why the recipe does not tell everything
	excludes   []string
	ignoreFile string
}

func (b *Builder) ingredients(s Source) (in ingredients, err error) {
	in = ingredients{Source: s, platform: cmp.Or(s.Platform, b.platform)}
	root, err := os.OpenRoot(s.Context)
	if err != nil {
		return in, missing(ErrNoContext, s.Context, err)
	}
	defer root.Close()
	if in.dockerfile, err = readFile(root, dockerfile(s)); err != nil {
		return in, missing(ErrNoDockerfile, dockerfile(s), err)
	}
	var unread error
	if in.excludes, in.ignoreFile, unread = ignored(root, s); unread != nil && !errors.Is(unread, errOpen) {
		return in, unread
	}
	in.recipe, err = readRecipe(in.dockerfile, s, b.platform)
	in.unknown = errors.Join(unread, err)
	return in, nil
}

// find reads the context and asks for the base images meanwhile.
func (in *ingredients) find(ctx context.Context, base func(ctx context.Context, ref, platform string) (string, error), now time.Time) (*contents, []string, error) {
	var wait sync.WaitGroup
	origins, unfound := make([]string, len(in.recipe.bases)), make([]error, len(in.recipe.bases))
	for i, from := range in.recipe.bases {
		wait.Go(func() {
			var err error
			if origins[i], err = base(ctx, from.ref, from.platform); err != nil {
				unfound[i] = fmt.Errorf("base image %q: %w: %w", from.ref, errOpen, err)
			}
		})
	}
	var known *sums
	if in.unknown == nil {
		known = openSums(in.Context, in.excludes, now)
	}
	found, err := scan(ctx, in.Context, in.excludes, known)
	wait.Wait()
	if known != nil {
		name := filepath.ToSlash(dockerfile(in.Source))
		_, _ = known.of(ctx, filepath.Join(in.Context, name), name) // it travels though it may be excluded
		in.generation = known.save(err == nil)
	}
	in.unknown = errors.Join(append(unfound, in.unknown)...)
	return found, origins, err
}

func (in ingredients) digest(origins []string, files []*file) string {
	d := digest{sha256.New()}
	d.add(fingerprintFormat, string(in.dockerfile), in.Target, normal(in.platform), cmp.Or(in.Network, "default"))
	d.count(len(in.Args))
	for _, name := range slices.Sorted(maps.Keys(in.Args)) {
		d.add(name, in.Args[name])
	}
	d.count(len(in.Secrets))
	for _, secret := range slices.SortedFunc(slices.Values(in.Secrets), func(a, b Secret) int { return strings.Compare(a.ID, b.ID) }) {
		d.add(secret.ID)
	}
	d.count(len(origins))
	for i, origin := range origins {
		d.add(normal(in.recipe.bases[i].platform), origin)
	}
	for _, f := range files {
		d.file(f)
	}
	return hex.EncodeToString(d.Sum(nil)[:20])
}

func normal(platform string) string {
	if p, err := platforms.Parse(platform); err == nil {
		return platforms.Format(p)
	}
	return platform
}

// digest takes values such that no two lists of them are the same bytes.
type digest struct{ hash.Hash }

func (d digest) count(n int) {
	_, _ = d.Write(binary.AppendUvarint(nil, uint64(n)))
}

func (d digest) add(values ...string) {
	for _, v := range values {
		d.count(len(v))
		_, _ = d.Write([]byte(v))
	}
}

func (d digest) file(f *file) {
	d.add(f.path, f.link)
	d.count(int(f.mode & (fs.ModeType | fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)))
	_, _ = d.Write(f.sum[:])
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(f.xattrs)), func(name string) bool { return !travels(name) })
	d.count(len(names))
	for _, name := range names {
		d.add(name, string(f.xattrs[name]))
	}
}

// travels says whether an extended attribute counts for BuildKit's cache.
func travels(name string) bool {
	return name == "security.capability" || !strings.HasPrefix(name, "security.") && !strings.HasPrefix(name, "system.")
}
