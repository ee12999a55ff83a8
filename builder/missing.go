package builder

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/containerd/errdefs"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// missingTimeout is how long a registry may take to tell whether it has an image.
const missingTimeout = 5 * time.Second

// Missing reports whether nobody can pull an image: the engine lacks it, and its registry says that it
// does not exist. A registry that can't be reached, or wants other credentials, says nothing.
func (b *Builder) Missing(ctx context.Context, ref string) bool {
	ctx, stop := context.WithTimeout(ctx, missingTimeout)
	defer stop()
	if _, err := b.docker.ImageInspect(ctx, ref); !errdefs.IsNotFound(err) {
		return false
	}
	named, err := name.ParseReference(ref)
	if err != nil {
		return false
	}
	c, err := b.storedCredentials(named.Context().RegistryStr())
	return err == nil && unknownTo(ctx, named, c)
}

// unknownTo reports whether an image's registry says that it doesn't exist. It asks for no more than the
// headers, which count for no limit of pulls.
func unknownTo(ctx context.Context, image name.Reference, c Credentials) bool {
	login := authn.Anonymous
	switch {
	case c.Username != "":
		login = authn.FromConfig(authn.AuthConfig{Username: c.Username, Password: c.Password})
	case c.Password != "":
		login = authn.FromConfig(authn.AuthConfig{IdentityToken: c.Password})
	}
	_, err := remote.Head(image, remote.WithContext(ctx), remote.WithAuth(login), remote.WithRetryBackoff(remote.Backoff{Steps: 1}))
	refusal, ok := errors.AsType[*transport.Error](err)
	return ok && refusal.StatusCode == http.StatusNotFound
}
