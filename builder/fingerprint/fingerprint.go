// Package fingerprint identifies what an image is made from: a context and a Dockerfile go in,
// 40 hex digits come out. It needs no engine: a function tells it what the base images are.
package fingerprint

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

	"beansprout/files"
)

// format is the first part of what is hashed. It must change whenever the rules change, so that
// images made under other rules have other fingerprints.
const format = "beansprout fingerprint 1"

// Source is what an image is made from.
type Source struct {
	Context       string            // absolute: the directory that the Dockerfile sees
	Dockerfile    string            // relative to Context; "" is "Dockerfile"
	Target        string            // the stage to build; "" is the last one
	Args          map[string]string // build arguments
	Secrets       []string          // their IDs
	Platform      string            // "linux/arm64"; "" is BuildPlatform
	BuildPlatform string            // the engine's
	Network       string            // of RUN; "" is "default"
	WarnSize      int64             // bytes of context from which the notes say what makes it large; 0 is never
}

// Result is the fingerprint of a source.
type Result struct {
	ID         string     // 40 hex digits; "" if what goes into the image is not known
	Generation Generation // of the context
	Notes      []string   // lines about the context, for the log
}

// Base returns a text that identifies the content of a base image, such as its digest.
type Base func(ctx context.Context, ref, platform string) (string, error)

// Of returns the fingerprint of the source. It covers the files of the context (path, type, mode,
// and content or target, as BuildKit's own cache does), the Dockerfile, arguments, target,
// platform, network, the names of secrets, and what base returns for the base images. Owners,
// times and labels do not count. Its ID is "" if the build fetches something, if a base image is
// not found, or if a file cannot be read.
func Of(ctx context.Context, s Source, base Base) (Result, error) {
	in, err := readInputs(ctx, s)
	if err != nil {
		return Result{}, err
	}
	found, origins, err := in.find(ctx, base, time.Now())
	switch {
	case ctx.Err() != nil:
		return Result{}, context.Cause(ctx)
	case err != nil:
		return Result{}, err
	}
	r := Result{Generation: in.generation, Notes: found.notes(in)}
	if in.unknown == nil && len(found.unreadable) == 0 {
		r.ID = in.digest(origins, found.files)
	}
	return r, nil
}

// inputs is a source with its Dockerfile and its ignore file.
type inputs struct {
	source     Source
	text       []byte // of the Dockerfile
	dockerfile dockerfile
	unknown    error // why what goes into the image is not known
	excludes   []string
	ignoreFile string
	generation Generation
}

func readInputs(ctx context.Context, s Source) (in inputs, err error) {
	s.Platform = cmp.Or(s.Platform, s.BuildPlatform)
	in = inputs{source: s}
	root, err := os.OpenRoot(s.Context)
	if err != nil {
		return in, OpenError(ErrNoContext, s.Context, err)
	}
	defer root.Close()
	if in.text, err = files.Read(ctx, root, s.DockerfileName(), files.Text); err != nil {
		return in, OpenError(ErrNoDockerfile, s.DockerfileName(), err)
	}
	if in.excludes, in.ignoreFile, err = readIgnoreFile(ctx, root, s); err != nil {
		return in, err
	}
	in.dockerfile, in.unknown = parseDockerfile(in.text, s)
	return in, nil
}

// find reads the context and, at the same time, asks for the base images.
func (in *inputs) find(ctx context.Context, base Base, now time.Time) (*contents, []string, error) {
	var wait sync.WaitGroup
	origins, unfound := make([]string, len(in.dockerfile.bases)), make([]error, len(in.dockerfile.bases))
	for i, from := range in.dockerfile.bases {
		wait.Go(func() {
			var err error
			if origins[i], err = base(ctx, from.ref, from.platform); err != nil {
				unfound[i] = fmt.Errorf("base image %q: %w: %w", from.ref, errUnknownContent, err)
			}
		})
	}
	var known *hashCache
	if in.unknown == nil {
		known = openHashCache(in.source.Context, in.excludes, now)
	}
	found, err := scan(ctx, in.source.Context, in.excludes, known)
	wait.Wait()
	if known != nil {
		name := filepath.ToSlash(in.source.DockerfileName())
		_, _ = known.hash(ctx, filepath.Join(in.source.Context, name), name) // it is sent even if it is excluded
		in.generation = known.save(err == nil)
	}
	in.unknown = errors.Join(append(unfound, in.unknown)...)
	return found, origins, err
}

func (in inputs) digest(origins []string, files []*file) string {
	d := digest{sha256.New()}
	d.add(format, string(in.text), in.source.Target, normalized(in.source.Platform), cmp.Or(in.source.Network, "default"))
	d.count(len(in.source.Args))
	for _, name := range slices.Sorted(maps.Keys(in.source.Args)) {
		d.add(name, in.source.Args[name])
	}
	d.count(len(in.source.Secrets))
	for _, secret := range slices.Sorted(slices.Values(in.source.Secrets)) {
		d.add(secret)
	}
	d.count(len(origins))
	for i, origin := range origins {
		d.add(normalized(in.dockerfile.bases[i].platform), origin)
	}
	for _, f := range files {
		d.file(f)
	}
	return hex.EncodeToString(d.h.Sum(nil)[:20])
}

// digest hashes lists of values. Each value is preceded by its length, so that different lists never
// have the same bytes.
type digest struct{ h hash.Hash }

func (d digest) count(n int) {
	_, _ = d.h.Write(binary.AppendUvarint(nil, uint64(n)))
}

func (d digest) add(values ...string) {
	for _, v := range values {
		d.count(len(v))
		_, _ = d.h.Write([]byte(v))
	}
}

func (d digest) file(f *file) {
	d.add(f.path, f.link)
	d.count(int(f.mode & (fs.ModeType | fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)))
	_, _ = d.h.Write(f.hash[:])
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(f.xattrs)), func(name string) bool { return !counts(name) })
	d.count(len(names))
	for _, name := range names {
		d.add(name, string(f.xattrs[name]))
	}
}

// counts reports whether BuildKit's cache looks at an extended attribute.
func counts(name string) bool {
	return name == "security.capability" || !strings.HasPrefix(name, "security.") && !strings.HasPrefix(name, "system.")
}
