package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
)

// push sends the image with the given id to the registry under the tag, and returns the
// digest that the registry gave it.
func (w *work) push(ctx context.Context, name, id string, to Registry, tag string) (string, error) {
	ref := to.Repository + ":" + tag
	wrap := func(err error) error { return fmt.Errorf("push image %q to %s: %w", name, to.Repository, err) }
	if err := w.docker.ImageTag(ctx, id, ref); err != nil {
		return "", wrap(w.engineError(err))
	}
	defer w.untag(ctx, ref)
	login, err := to.Login(ctx)
	if err != nil {
		return "", err
	}
	auth, err := authorization(to.Repository, login)
	if err != nil {
		return "", wrap(err)
	}
	digest, err := w.send(ctx, ref, auth, w.log.of(name, stepPush))
	if err != nil {
		return "", wrap(err)
	}
	return digest, nil
}

// authorization is the content of the X-Registry-Auth header, the only place that the
// password goes to.
func authorization(repository string, c Credentials) (string, error) {
	host, _, _ := strings.Cut(repository, "/")
	return registry.EncodeAuthConfig(registry.AuthConfig{Username: c.Username, Password: c.Password, ServerAddress: host})
}

func (b *Builder) send(ctx context.Context, ref, auth string, log func(string)) (digest string, err error) {
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
