package builder

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
)

// loginCache keeps the credentials of one registry. It logs in when they are first needed.
type loginCache struct {
	login   func(context.Context) (Credentials, error)
	mu      sync.Mutex
	current Credentials
}

// credentials returns credentials other than those that were refused. It logs in only if no other
// caller has done so since.
func (l *loginCache) credentials(ctx context.Context, refused Credentials) (Credentials, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current != refused {
		return l.current, nil
	}
	fresh, err := l.login(ctx)
	if err == nil {
		l.current = fresh
	}
	return fresh, err
}

// destination is the registry to which images are pushed, with its credentials.
type destination struct {
	Registry
	login  *loginCache
	stored func(host string) (Credentials, error) // of other registries
}

func (d *destination) host() string {
	host, _, _ := strings.Cut(d.Repository, "/")
	return host
}

// credentials returns those for the registry of a base image. For the destination's own registry
// they are those for pushes; for others they come from docker's configuration and its helpers.
func (d *destination) credentials(ctx context.Context, host string) (Credentials, error) {
	if host == d.host() {
		return d.login.credentials(ctx, Credentials{})
	}
	return d.stored(host)
}

// baseAuth returns the credentials for the registry of a reference, encoded for the X-Registry-Auth
// header. It returns "" if there are none.
func (w *work) baseAuth(ctx context.Context, ref string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", err
	}
	to, err := w.destination()
	if err != nil {
		return "", err
	}
	host := reference.Domain(named)
	c, err := to.credentials(ctx, host)
	if err != nil || c == (Credentials{}) {
		return "", err
	}
	return authorization(host, c)
}

// hubKey is the key of the credentials for Docker Hub in docker's configuration.
const hubKey = "https://" + name.DefaultRegistry + "/v1/"

// onHub reports whether host is Docker Hub's, which images without a host come from.
func onHub(host string) bool {
	_, domain, _ := strings.Cut(name.DefaultRegistry, ".")
	return host == domain || host == "registry-1."+domain
}

// storedCredentials returns the credentials that docker has for a host, or zero. An identity token
// has no user name.
func (b *Builder) storedCredentials(host string) (Credentials, error) {
	if onHub(host) {
		host = hubKey
	}
	stored, err := b.config.GetAuthConfig(host)
	if err != nil {
		return Credentials{}, fmt.Errorf("get the credentials for %s from docker's credential helper: %w", host, err)
	}
	if stored.IdentityToken != "" {
		return Credentials{Password: stored.IdentityToken}, nil
	}
	return Credentials{Username: stored.Username, Password: stored.Password}, nil
}

// authProvider gives credentials to the engine when it asks for them.
type authProvider struct {
	auth.UnimplementedAuthServer
	credentials func(ctx context.Context, host string) (Credentials, error)
}

// Register registers the provider with a session's server.
func (p authProvider) Register(server *grpc.Server) { auth.RegisterAuthServer(server, p) }

// Credentials returns the credentials for a registry.
func (p authProvider) Credentials(ctx context.Context, r *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	c, err := p.credentials(ctx, r.Host)
	if err != nil {
		return nil, err
	}
	return &auth.CredentialsResponse{Username: c.Username, Secret: c.Password}, nil
}
