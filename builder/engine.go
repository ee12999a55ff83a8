package builder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"beansprout/pattern"

	"github.com/containerd/errdefs"
	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
	clicontext "github.com/docker/cli/cli/context"
	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/docker/cli/opts"
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"
)

// minAPI is the first version of the Engine API that has BuildKit (Docker 18.09).
const minAPI = "1.39"

// Builder makes images on one Docker Engine.
type Builder struct {
	docker   *client.Client
	host     string                 // where the engine listens
	config   *configfile.ConfigFile // the docker CLI's
	platform string
	version  string // the engine's, as in 28.5.2
	now      func() time.Time
	pause    time.Duration // before the second attempt of a push; doubled before the third
}

// Connect finds the engine as the docker CLI does and checks that it answers. It returns an error
// that wraps ErrNoEngine if the engine cannot be reached, or ErrTooOld if it has no BuildKit.
func Connect(ctx context.Context) (*Builder, error) {
	file, err := loadConfig()
	if err != nil {
		return nil, err
	}
	e, err := findEndpoint(file)
	if err != nil {
		return nil, fmt.Errorf("find the Docker Engine: %w", err)
	}
	c, err := open(e)
	if err != nil {
		return nil, err
	}
	version, err := c.ServerVersion(ctx)
	if err != nil {
		_ = c.Close()
		return nil, unreachable(ctx, e.Host, err)
	}
	if isPodman(version) {
		_ = c.Close()
		return nil, fmt.Errorf("the socket at %s %w", e.Host, ErrPodman)
	}
	if api := c.ClientVersion(); versions.LessThan(api, minAPI) {
		_ = c.Close()
		return nil, fmt.Errorf("the Docker Engine at %s %w: it speaks version %s of the API, BuildKit needs %s (Docker 18.09) or later", e.Host, ErrTooOld, api, minAPI)
	}
	return &Builder{c, e.Host, file, version.Os + "/" + version.Arch, version.Version, time.Now, time.Second}, nil
}

// Platform returns the engine's own platform, such as "linux/amd64".
func (b *Builder) Platform() string { return b.platform }

// Engine describes the engine in words: its version, that of its API, its platform, and where it is.
func (b *Builder) Engine() string {
	return fmt.Sprintf("Docker Engine %s with BuildKit (API %s, %s) at %s", b.version, b.docker.ClientVersion(), b.platform, b.host)
}

// Close closes the connections to the engine.
func (b *Builder) Close() error { return b.docker.Close() }

func open(e docker.Endpoint) (*client.Client, error) {
	options, err := e.ClientOpts()
	if err != nil {
		return nil, fmt.Errorf("prepare to speak to the Docker Engine at %s: %w", e.Host, err)
	}
	c, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, fmt.Errorf("%w at %q: %s", ErrNoEngine, e.Host, err)
	}
	return c, nil
}

// connectPrefix is what the client puts before an error. The address in it may not be the engine's.
var connectPrefix = pattern.New(`^error during connect: ([A-Z][a-z]+ "[^"]*": )?`)

// unreachable returns an error that says in one sentence why the engine at host does not answer.
func unreachable(ctx context.Context, host string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	reason := plain(connectPrefix.ReplaceAllString(err.Error(), ""))
	for _, s := range connectionErrors {
		if s.pattern.MatchString(err.Error()) {
			return fmt.Errorf("speak to the Docker Engine at %s: %w: %w", host, s.kind, reason)
		}
	}
	if strings.HasPrefix(err.Error(), "Cannot connect to the Docker daemon") {
		return fmt.Errorf("%w answers at %s", ErrNoEngine, host)
	}
	return fmt.Errorf("%w answers at %s: %w", ErrNoEngine, host, reason)
}

// isPodman reports whether the answer is from Podman, which has a part of the Engine API.
func isPodman(v types.Version) bool {
	return slices.ContainsFunc(v.Components, func(c types.ComponentVersion) bool { return strings.Contains(c.Name, "Podman") })
}

// unreachablePattern matches what the engine says about a registry that it cannot reach.
var unreachablePattern = pattern.New(`(?i)connection refused|no route to host|network is unreachable|i/o timeout|deadline exceeded|no such host`)

// CheckReach checks that the engine can reach the registry at host, which is on this machine's
// loopback, and returns ErrOtherLoopback if not. The registry's answer does not matter.
func (b *Builder) CheckReach(ctx context.Context, host string) error {
	_, err := b.docker.RegistryLogin(ctx, registry.AuthConfig{ServerAddress: host, Username: "AWS", Password: "nobody"})
	if err != nil && unreachablePattern.MatchString(err.Error()) {
		return fmt.Errorf("the Docker Engine at %s %w: it can't reach %s: %w", b.host, ErrOtherLoopback, host, plain(err.Error()))
	}
	return nil
}

// engineError returns ErrNoEngine if the engine is gone, and the engine's own error otherwise.
func (b *Builder) engineError(err error) error {
	for _, gone := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNREFUSED} {
		if errors.Is(err, gone) {
			return fmt.Errorf("%w answers at %s any more: it went away in the middle of the work", ErrNoEngine, b.host)
		}
	}
	var dial *net.OpError
	if client.IsErrConnectionFailed(err) || errors.As(err, &dial) || strings.Contains(err.Error(), "annot connect to the Docker daemon") {
		return fmt.Errorf("%w answers at %s any more", ErrNoEngine, b.host)
	}
	return plain(err.Error())
}

// Host returns the address at which the docker CLI would look for the engine, such as
// unix:///var/run/docker.sock.
func Host() (string, error) {
	file, err := loadConfig()
	if err != nil {
		return "", err
	}
	e, err := findEndpoint(file)
	return e.Host, err
}

// loadConfig reads the docker CLI's configuration, which may be missing.
func loadConfig() (*configfile.ConfigFile, error) {
	file, err := config.Load(config.Dir())
	if err != nil {
		return nil, fmt.Errorf("read docker's configuration: %w", err)
	}
	if !file.ContainsAuth() {
		file.CredentialsStore = credentials.DetectDefaultStore(file.CredentialsStore)
	}
	return file, nil
}

// findEndpoint looks where the docker CLI looks, in its order: DOCKER_HOST, DOCKER_CONTEXT,
// the current context of its configuration, the default socket.
func findEndpoint(file *configfile.ConfigFile) (docker.Endpoint, error) {
	host, name := os.Getenv(client.EnvOverrideHost), cmp.Or(os.Getenv("DOCKER_CONTEXT"), file.CurrentContext, "default")
	if host != "" || name == "default" {
		return environmentEndpoint(host)
	}
	contexts := store.New(config.ContextStoreDir(), store.NewConfig(func() any { return &map[string]any{} },
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} })))
	meta, err := contexts.GetMetadata(name)
	if errdefs.IsNotFound(err) {
		return docker.Endpoint{}, fmt.Errorf("%w: the docker context %q does not exist", ErrNoEngine, name)
	}
	if err != nil {
		return docker.Endpoint{}, fmt.Errorf("read the docker context %q: %w", name, err)
	}
	e, err := docker.EndpointFromContext(meta)
	if err != nil || e.Host == "" {
		return docker.Endpoint{}, fmt.Errorf("%w: the docker context %q names no host", ErrNoEngine, name)
	}
	return docker.WithTLSData(contexts, name, e)
}

// environmentEndpoint returns the endpoint that DOCKER_HOST and the variables for TLS name.
func environmentEndpoint(host string) (docker.Endpoint, error) {
	verify := os.Getenv(client.EnvTLSVerify) != ""
	encrypted := verify || os.Getenv("DOCKER_TLS") != ""
	parsed, err := opts.ParseHost(encrypted, host)
	if err != nil {
		return docker.Endpoint{}, fmt.Errorf("%w at %q: %w", ErrNoEngine, host, err)
	}
	e := docker.Endpoint{EndpointMeta: docker.EndpointMeta{Host: parsed}}
	if !encrypted || !strings.HasPrefix(parsed, "tcp://") {
		return e, nil
	}
	e.SkipTLSVerify = !verify
	dir := cmp.Or(os.Getenv(client.EnvOverrideCertPath), config.Dir())
	if e.TLSData, err = clicontext.TLSDataFromFiles(filepath.Join(dir, "ca.pem"), existing(dir, "cert.pem"), existing(dir, "key.pem")); err != nil {
		return docker.Endpoint{}, fmt.Errorf("read the certificates for the Docker Engine at %s: %w", parsed, err)
	}
	return e, nil
}

// existing returns the path of a file in dir, or "" if there is no such file.
func existing(dir, name string) string {
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}
