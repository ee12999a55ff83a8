package builder

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
)

// pass is the credentials of one registry, asked for when they are first needed.
type pass struct {
	login func(context.Context) (Credentials, error)
	mu    sync.Mutex
	has   Credentials
}

// other returns credentials other than those that were refused, and asks for new ones only
// when nobody else has done that meanwhile.
func (p *pass) other(ctx context.Context, refused Credentials) (Credentials, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.has != refused {
		return p.has, nil
	}
	fresh, err := p.login(ctx)
	if err == nil {
		p.has = fresh
	}
	return fresh, err
}

// destination is where images are pushed, with the pass to it.
type destination struct {
	Registry
	pass *pass
}

func (d *destination) host() string {
	host, _, _ := strings.Cut(d.Repository, "/")
	return host
}

// credentials are for the registry of a base image: those that images are pushed with for
// their registry, and for others what docker's own configuration and its helpers have.
func (d *destination) credentials(ctx context.Context, host string) (Credentials, error) {
	if host == d.host() {
		return d.pass.other(ctx, Credentials{})
	}
	return storedCredentials(host)
}

// baseAuth returns the credentials for the registry of a reference, for the X-Registry-Auth
// header; "" when there are none.
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

// hubKey is what "docker login" stores the credentials for Docker Hub under.
const hubKey = "https://" + name.DefaultRegistry + "/v1/"

// onHub says whether host is that of images without one, or of the registry that has them.
func onHub(host string) bool {
	_, domain, _ := strings.Cut(name.DefaultRegistry, ".")
	return host == domain || host == "registry-1."+domain
}

// storedCredentials are zero where docker has none. A token that stands for a user has no name.
func storedCredentials(host string) (Credentials, error) {
	if onHub(host) {
		host = hubKey
	}
	file, err := config.Load(dockerDir(os.Getenv))
	if err != nil {
		return Credentials{}, fmt.Errorf("read docker's configuration: %w", err)
	}
	stored, err := file.GetAuthConfig(host)
	if err != nil {
		return Credentials{}, fmt.Errorf("get the credentials for %s from docker's credential helper: %w", host, err)
	}
	if stored.IdentityToken != "" {
		return Credentials{Password: stored.IdentityToken}, nil
	}
	return Credentials{Username: stored.Username, Password: stored.Password}, nil
}

// keys hands the engine credentials when it asks for them.
type keys struct {
	auth.UnimplementedAuthServer
	of func(ctx context.Context, host string) (Credentials, error)
}

// Register makes the engine's questions arrive here.
func (k keys) Register(server *grpc.Server) { auth.RegisterAuthServer(server, k) }

// Credentials answers one of them.
func (k keys) Credentials(ctx context.Context, r *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	c, err := k.of(ctx, r.Host)
	if err != nil {
		return nil, err
	}
	return &auth.CredentialsResponse{Username: c.Username, Secret: c.Password}, nil
}
