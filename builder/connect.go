package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/docker/docker/api/types/versions"
	"github.com/docker/docker/client"
	"github.com/docker/go-connections/tlsconfig"
)

// minAPI is the first version of the Engine API with BuildKit in it (Docker 18.09).
const minAPI = "1.39"

// Builder makes images on one Docker Engine.
type Builder struct {
	docker   *client.Client
	platform string
	now      func() time.Time
	pause    time.Duration // after the first try of a push; doubled after the second
}

// Connect finds the engine as the docker CLI does and makes sure that it answers. An
// engine that can't be reached is reported as ErrNoEngine, one without BuildKit as
// ErrTooOld.
func Connect(ctx context.Context) (*Builder, error) {
	e, err := findEndpoint(os.Getenv)
	if err != nil {
		return nil, fmt.Errorf("find the Docker Engine: %w", err)
	}
	docker, err := open(e)
	if err != nil {
		return nil, err
	}
	version, err := docker.ServerVersion(ctx)
	if err != nil {
		_ = docker.Close()
		return nil, unreachable(ctx, docker.DaemonHost(), err)
	}
	if api := docker.ClientVersion(); versions.LessThan(api, minAPI) {
		_ = docker.Close()
		return nil, fmt.Errorf("the Docker Engine at %s %w: it speaks version %s of the API, BuildKit needs %s (Docker 18.09) or later", docker.DaemonHost(), ErrTooOld, api, minAPI)
	}
	return &Builder{docker, version.Os + "/" + version.Arch, time.Now, time.Second}, nil
}

// Platform returns what the engine builds images for unless a Dockerfile says
// otherwise, such as "linux/amd64".
func (b *Builder) Platform() string { return b.platform }

// Close closes the connections to the engine.
func (b *Builder) Close() error { return b.docker.Close() }

func open(e endpoint) (*client.Client, error) {
	if strings.HasPrefix(e.host, "ssh://") {
		return nil, fmt.Errorf("%w over ssh (%s): forward its socket with ssh -L and set DOCKER_HOST to the forwarded one", ErrNoEngine, e.host)
	}
	options := []client.Opt{client.WithAPIVersionNegotiation(), client.WithVersionFromEnv()}
	if e.tls != nil {
		config, err := tlsconfig.Client(tlsconfig.Options{
			CAFile: e.tls.ca, CertFile: e.tls.cert, KeyFile: e.tls.key,
			InsecureSkipVerify: e.tls.unverified, ExclusiveRootPools: true,
		})
		if err != nil {
			return nil, fmt.Errorf("read the certificates for the Docker Engine at %s: %w", e.host, err)
		}
		transport := &http.Transport{TLSClientConfig: config, IdleConnTimeout: 30 * time.Second}
		options = append(options, client.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}))
	}
	if e.host != "" {
		options = append(options, client.WithHost(e.host))
	}
	docker, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, fmt.Errorf("%w at %q: %s", ErrNoEngine, e.host, err)
	}
	return docker, nil
}

// unreachable says in one sentence why the engine at host does not answer.
func unreachable(ctx context.Context, host string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	reason := plain(err.Error())
	switch {
	case errors.Is(err, fs.ErrPermission):
		reason = errors.New("this user may not use its socket; members of its group, often docker, may")
	case strings.HasPrefix(err.Error(), "Cannot connect to the Docker daemon"):
		return fmt.Errorf("%w answers at %s", ErrNoEngine, host)
	}
	return fmt.Errorf("%w answers at %s: %w", ErrNoEngine, host, reason)
}

// engineError tells an engine that has gone from one that says no.
func (b *Builder) engineError(err error) error {
	for _, gone := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNREFUSED} {
		if errors.Is(err, gone) {
			return fmt.Errorf("%w answers at %s any more: it went away in the middle of the work", ErrNoEngine, b.docker.DaemonHost())
		}
	}
	var dial *net.OpError
	if client.IsErrConnectionFailed(err) || errors.As(err, &dial) || strings.Contains(err.Error(), "annot connect to the Docker daemon") {
		return fmt.Errorf("%w answers at %s any more", ErrNoEngine, b.docker.DaemonHost())
	}
	return plain(err.Error())
}
