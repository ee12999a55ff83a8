package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
)

// publish tags the image with the given id, pushes it unless the registry has it, and
// removes older images of the same source from the engine.
func (b *Builder) publish(ctx context.Context, s Source, id string, to Registry, log func(string)) (Image, error) {
	ref := to.Repository + ":" + s.Tag(id)
	wrap := func(err error) error { return fmt.Errorf("push image %q to %s: %w", s.Name, to.Repository, err) }
	if err := b.docker.ImageTag(ctx, id, ref); err != nil {
		return Image{}, wrap(b.engineError(err))
	}
	made, err := b.docker.ImageInspect(ctx, id)
	if err != nil {
		return Image{}, wrap(b.engineError(err))
	}
	auth, err := authorization(to)
	if err != nil {
		return Image{}, wrap(err)
	}
	digest, ok := b.pushed(ctx, made.RepoDigests, ref, auth)
	if ok {
		log("already in the registry: " + ref)
	} else if digest, err = b.push(ctx, ref, auth, log); err != nil {
		return Image{}, wrap(err)
	}
	b.tidy(ctx, s, id, to.Repository, log)
	return Image{
		Name:      s.Name,
		Reference: to.Repository + "@" + digest,
		Digest:    digest,
		Platform:  platform(made),
	}, nil
}

func platform(i image.InspectResponse) string {
	p := i.Os + "/" + i.Architecture
	if i.Variant != "" {
		p += "/" + i.Variant
	}
	return p
}

// authorization is the content of the X-Registry-Auth header, the only place that the
// password goes to.
func authorization(to Registry) (string, error) {
	host, _, _ := strings.Cut(to.Repository, "/")
	return registry.EncodeAuthConfig(registry.AuthConfig{Username: to.Username, Password: to.Password, ServerAddress: host})
}

// pushed returns the digest under which the registry has what ref names. The registry
// is asked only when the engine remembers to have pushed it there.
func (b *Builder) pushed(ctx context.Context, repoDigests []string, ref, auth string) (string, bool) {
	repository := ref[:strings.LastIndexByte(ref, ':')]
	known := slices.ContainsFunc(repoDigests, func(r string) bool { return strings.HasPrefix(r, repository+"@") })
	if !known {
		return "", false
	}
	there, err := b.docker.DistributionInspect(ctx, ref, auth)
	if err != nil {
		return "", false // the push says what is wrong, if anything is
	}
	digest := there.Descriptor.Digest.String()
	return digest, slices.Contains(repoDigests, repository+"@"+digest)
}

// push sends the image and returns the digest that the registry gave it.
func (b *Builder) push(ctx context.Context, ref, auth string, log func(string)) (digest string, err error) {
	stream, err := b.docker.ImagePush(ctx, ref, image.PushOptions{RegistryAuth: auth})
	if err != nil {
		return "", denied(b.engineError(err))
	}
	defer stream.Close()
	err = read(stream, func(m message) {
		if line := pushLine(m); line != "" {
			log(line)
		}
		var result struct{ Digest string }
		if len(m.Aux) > 0 && json.Unmarshal(m.Aux, &result) == nil {
			digest = result.Digest
		}
	})
	var refused refusal
	switch {
	case errors.As(err, &refused):
		return "", denied(plain(refused.message))
	case err != nil:
		return "", b.engineError(err)
	case !isDigest(digest):
		return "", errors.New("the engine ended the push without naming the digest")
	}
	return digest, nil
}

// pushLine returns what a message says that is worth a line: not each layer's waiting
// and each of its bytes.
func pushLine(m message) string {
	switch {
	case m.Status == "" || m.ID == "":
		return m.Status
	case m.Status == "Preparing", m.Status == "Waiting", m.Status == "Pushing":
		return ""
	}
	return m.ID + ": " + m.Status
}

var refusals = regexp.MustCompile(`(?i)\bdenied\b|unauthorized|no basic auth credentials|authentication required|authorization token has expired`)

// denied marks the errors that mean the registry does not know us, or not any more.
func denied(err error) error {
	if refusals.MatchString(err.Error()) {
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return err
}

var digestFormat = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func isDigest(s string) bool { return digestFormat.MatchString(s) }
