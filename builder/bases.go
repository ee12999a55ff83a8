package builder

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"

	"beansprout/mask"
)

// baseDigests returns a function that identifies the content of a base image: by the digest of its
// manifest, or by a digest of its content if it was never in a registry. Like the engine it prefers
// the image in the engine, unless the source says to pull. credentials returns those for the
// registry of a reference, encoded for the X-Registry-Auth header.
func (b *Builder) baseDigests(s Source, credentials func(ctx context.Context, ref string) (string, error)) func(ctx context.Context, ref, platform string) (string, error) {
	return func(ctx context.Context, ref, platform string) (string, error) {
		named, err := reference.ParseNormalizedNamed(ref)
		if err != nil {
			return "", fmt.Errorf("read the reference %q: %w", ref, err)
		}
		if d, ok := named.(reference.Digested); ok {
			return d.Digest().String(), nil
		}
		named = reference.TagNameOnly(named)
		if !s.Pull {
			if id, err := b.localBase(ctx, named, platform, s.Labels); id != "" || err != nil {
				return id, err
			}
		}
		auth, err := credentials(ctx, ref)
		if err != nil {
			return "", err
		}
		found, err := b.docker.DistributionInspect(ctx, named.String(), auth)
		if err != nil {
			return "", withoutCredentials(b.engineError(err), auth)
		}
		return found.Descriptor.Digest.String(), nil
	}
}

// withoutCredentials returns an error of a registry that does not quote the X-Registry-Auth header that
// it was sent.
func withoutCredentials(err error, auth string) error {
	sent, undecoded := registry.DecodeAuthConfig(auth)
	if undecoded != nil {
		return err
	}
	hidden := mask.Mask{}.With(mask.MinSecret, sent.Password, sent.IdentityToken).Hide(err.Error())
	if hidden == err.Error() {
		return err
	}
	return plain(hidden)
}

// localBase identifies an image in the engine. It returns "" if the engine does not have it for that
// platform.
func (b *Builder) localBase(ctx context.Context, ref reference.Named, platform string, labels map[string]string) (string, error) {
	i, err := b.docker.ImageInspect(ctx, reference.FamiliarString(ref))
	if errdefs.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", b.engineError(err)
	}
	if !runsOn(i, platform) {
		return "", nil
	}
	if d := digestIn(i.RepoDigests, ref); d != "" {
		return d, nil
	}
	return contentID(i, labels)
}

func runsOn(i image.InspectResponse, platform string) bool {
	want, err := platforms.Parse(platform)
	if err != nil {
		return false
	}
	has := want
	has.OS, has.Architecture, has.Variant = i.Os, i.Architecture, i.Variant
	return platforms.Only(want).Match(platforms.Normalize(has))
}

// digestIn returns the digest of an image in the repository of ref. Of several it returns the
// smallest, so that each machine finds the same.
func digestIn(digests []string, ref reference.Named) string {
	var found []string
	for _, d := range digests {
		if named, err := reference.ParseNormalizedNamed(d); err == nil && named.Name() == ref.Name() {
			if canonical, ok := named.(reference.Canonical); ok {
				found = append(found, canonical.Digest().String())
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return slices.Min(found)
}

// contentID returns a digest of an image's files and settings. The image's id is no use, because it
// changes with the time of the build. Labels that the new build sets do not count.
func contentID(i image.InspectResponse, labels map[string]string) (string, error) {
	if i.Config != nil {
		i.Config.Labels = maps.Clone(i.Config.Labels)
		maps.DeleteFunc(i.Config.Labels, func(name, _ string) bool { _, ours := labels[name]; return ours || name == label })
	}
	content, err := json.Marshal([]any{i.Os, i.Architecture, i.Variant, i.RootFS, i.Config})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("content:%x", sha256.Sum256(content)), nil
}
