package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"beansprout/builder"
	"beansprout/builder/ecr"
	"beansprout/dockerrun"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ledger"
)

// runningImage is an image of ours that a version runs, with the tag that keeps it from expiring.
type runningImage struct {
	builder.Image
	tag string
}

// imagesOf returns the images of ours that a version runs: its bundle names them by digest. The
// error wraps ecr.ErrNoImage when one has gone.
func (s *session) imagesOf(ctx context.Context, m member, v beanstalk.Version, run ledger.Run) ([]runningImage, error) {
	containers, err := s.containersOf(ctx, m, v)
	if err != nil {
		return nil, hint(fmt.Errorf("version %s: %w", v.Label, err), "run up on the commit that is wanted")
	}
	var images []runningImage
	for _, c := range containers {
		digest, ours := digestIn(s.repository(), c.Image)
		if !ours || slices.ContainsFunc(images, func(i runningImage) bool { return i.Digest == digest }) {
			continue
		}
		if err := s.registry.Find(ctx, s.repository(), digest); errors.Is(err, ecr.ErrNoImage) {
			return nil, imageGone(run.Version, err)
		} else if err != nil {
			return nil, err
		}
		images = append(images, newRunningImage(m.Name, c, digest, run.Images))
	}
	return images, nil
}

// newRunningImage keeps the tag that the image had when the version ran, which tells its name.
func newRunningImage(environment string, c dockerrun.Container, digest string, tags []string) runningImage {
	i := runningImage{builder.Image{Name: c.Name, Reference: c.Image, Digest: digest}, envs.LiveTag(environment, c.Name, digest)}
	for _, tag := range tags {
		if envs.IsLiveTagOf(tag, environment) && strings.HasSuffix(tag, i.tag[strings.LastIndex(i.tag, "-"):]) {
			i.tag = tag
		}
	}
	if !envs.IsLiveTagOf(i.tag, environment) {
		i.tag = envs.LiveTag(environment, "image", digest)
	}
	return i
}

func imageGone(version string, err error) error {
	return hint(fmt.Errorf("version %s: an image that it runs has gone: %w", version, err),
		"images expire unless a living environment runs them or ran them just before; run up on the commit that is wanted")
}

// containersOf reads which containers a version runs. A war or a jar runs none.
func (s *session) containersOf(ctx context.Context, m member, v beanstalk.Version) ([]dockerrun.Container, error) {
	if !strings.HasSuffix(v.Key, ".zip") {
		return nil, nil
	}
	file, err := os.CreateTemp("", "beansprout-bundle-*.zip")
	if err != nil {
		return nil, fmt.Errorf("make room for the bundle: %w", err)
	}
	defer file.Close()
	// The open file is all that is needed: nothing is left behind, whatever happens.
	os.Remove(file.Name())
	digest, err := ledger.New(s.s3, v.Bucket).Download(ctx, v.Key, file)
	if err != nil {
		return nil, err
	}
	if envs.VersionLabel(m.Name, digest) != v.Label {
		return nil, fmt.Errorf("somebody has replaced its bundle %s", v.Key)
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	return dockerrun.Containers(file, size)
}

var digestShape = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// digestIn returns the digest in an image's reference if the image lies in the repository,
// which is a name or a URI.
func digestIn(repository, reference string) (digest string, ours bool) {
	if host, name, ok := strings.Cut(repository, "/"); ok && strings.Contains(host, ".") {
		repository = name
	}
	where, digest, _ := strings.Cut(reference, "@")
	_, name, _ := strings.Cut(where, "/")
	return digest, name == repository && digestShape.MatchString(digest)
}

func liveTagsOf(images []runningImage) []string {
	var tags []string
	for _, i := range images {
		tags = append(tags, i.tag)
	}
	return tags
}
