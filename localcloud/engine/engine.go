// Package engine runs what is deployed to the local cloud: it turns a bundle into containers on the
// Docker Engine and a URL that answers. Each deployment is one generation: its containers on a
// network of its own. The next generation starts beside it and takes over the URL when it answers.
// Only then is the one before drained and removed.
//
// The labels of containers, networks and volumes record what exists, so that after a kill the next
// process finds everything again.
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/client"
)

// Config configures an Engine.
type Config struct {
	Cloud    string        // id of the local cloud, with which everything made here is labelled
	Host     string        // the Docker Engine, e.g. unix:///var/run/docker.sock; "" = DOCKER_HOST, else the usual socket
	Registry string        // host:port of the cloud's own image registry
	Token    func() string // password of the registry's user AWS; nil = pull without
	Dir      string        // for unpacked bundles and logs of failed generations; created if missing
	Deadline time.Duration // how long a generation may take to answer; 0 = 2 min
	Drain    time.Duration // how long requests to the generation before may take to end; 0 = 10 s
	Log      *slog.Logger  // nil = no log

	// Gap stops the running generation before the next one starts, as AWS's deployment policy
	// AllAtOnce does: the URL answers 503 until the next one answers, and nothing answers if that
	// fails. A bundle that cannot be read is refused before anything is stopped.
	Gap bool

	// ComposeGap does the same to bundles with a docker-compose.yml, and is how long it takes at least
	// until the next generation starts; 0 = they take over without a gap. On AWS one instance has one
	// port 80, which two versions cannot publish.
	ComposeGap time.Duration
}

// Deployment is what an environment will run next.
type Deployment struct {
	Environment string            // id, e-...
	Name        string            // of the environment
	Version     string            // label
	Bundle      io.ReaderAt       // the zip, or a lone Dockerrun.aws.json
	Size        int64             // of Bundle in bytes; 0 = the sample application
	Foreign     bool              // for a platform without containers, which is not run here
	Compose     bool              // for a platform that runs a docker-compose.yml, instead of a Dockerrun.aws.json of version 2
	Variables   map[string]string // aws:elasticbeanstalk:application:environment
	HealthPath  string            // "" = "/"
	Port        int               // of the instance, where requests are sent to; 0 = 80
	Deadline    time.Duration     // how long a generation may take to answer; 0 = the engine's default
}

// Failure is a deployment that failed. The generation before it, if any, still runs, unless
// Config.Gap has stopped it. Any other error of Deploy means that the deployment was interrupted.
type Failure struct {
	cause string
	down  bool
}

// Error returns the cause.
func (f *Failure) Error() string { return f.cause }

// Reason returns the cause in one line, in AWS's words where these are known.
func (f *Failure) Reason() string { return f.cause }

// Down reports whether after the failure nothing answers the environment's URL.
func (f *Failure) Down() bool { return f.down }

// ErrClosed is reported by a closed Engine.
var ErrClosed = errors.New("the local engine is closed")

// callTimeout limits each short call to the Docker Engine, which may hang.
const callTimeout = 30 * time.Second

// Engine runs deployments on a Docker Engine. It is safe for concurrent use.
type Engine struct {
	Config
	sites
	*life
	docker  *client.Client // for short calls, limited by timeout
	streams *client.Client // for pulls, logs and waits, limited by their contexts
	slots   chan struct{}  // one per generation that may start at the same time
	timeout time.Duration  // of each short call
	port    func() (int, error)
}

// New connects to the Docker Engine. It must be a Linux engine that shares this machine's loopback,
// because it pulls from the cloud's registry and publishes ports there. The Engine works until
// Close, even if ctx ends.
func New(ctx context.Context, c Config) (*Engine, error) {
	return connect(ctx, c, callTimeout)
}

func connect(ctx context.Context, c Config, timeout time.Duration) (*Engine, error) {
	if c.Cloud == "" || c.Dir == "" {
		return nil, errors.New("make a local engine: it needs the cloud's id and a directory")
	}
	c.Deadline = cmp.Or(c.Deadline, 2*time.Minute)
	c.Drain = cmp.Or(c.Drain, 10*time.Second)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	e := &Engine{Config: c, life: begin(ctx), slots: make(chan struct{}, 2*runtime.NumCPU()), timeout: timeout, port: freePort}
	var err error
	if e.docker, err = dial(c.Host, client.WithTimeout(timeout)); err != nil {
		return nil, fmt.Errorf("find the Docker Engine: %w", err)
	}
	if e.streams, err = dial(c.Host); err != nil {
		return nil, fmt.Errorf("find the Docker Engine: %w", err)
	}
	if err := e.suits(ctx); err != nil {
		return nil, err
	}
	if e.Dir, err = filepath.Abs(c.Dir); err != nil {
		return nil, fmt.Errorf("find the engine's directory: %w", err)
	}
	if err := os.MkdirAll(e.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the engine's directory: %w", err)
	}
	return e, nil
}

func dial(host string, opts ...client.Opt) (*client.Client, error) {
	opts = append(opts, client.FromEnv, client.WithAPIVersionNegotiation())
	if host != "" {
		opts = append(opts, client.WithHost(host))
	}
	return client.NewClientWithOpts(opts...)
}

// suits refuses an engine that cannot be reached or has another loopback.
func (e *Engine) suits(ctx context.Context) error {
	host := e.docker.DaemonHost()
	if !local(host) {
		return fmt.Errorf("the Docker Engine at %s %w", host, ErrOtherLoopback)
	}
	info, err := e.docker.Info(ctx)
	if err != nil {
		return fmt.Errorf("reach the Docker Engine: %w", err)
	}
	if info.OSType != "linux" || info.OperatingSystem == "Docker Desktop" {
		return fmt.Errorf("the Docker Engine at %s (%s) %w", host, info.OperatingSystem, ErrOtherLoopback)
	}
	return nil
}

// ErrOtherLoopback is reported for an engine whose loopback is not this process's: it is on another
// machine or in a virtual machine, or this process is in a container.
var ErrOtherLoopback = errors.New("does not share this machine's loopback")

// CheckReach has the engine log in to the registry, and reports ErrOtherLoopback if that fails.
// Another program that answers at that address does not know the token.
func (e *Engine) CheckReach(ctx context.Context) error {
	_, err := e.docker.RegistryLogin(ctx, registry.AuthConfig{ServerAddress: e.Registry, Username: "AWS", Password: e.Token()})
	if err != nil {
		return fmt.Errorf("the Docker Engine at %s %w: it can't reach the local cloud at %s: %w", e.docker.DaemonHost(), ErrOtherLoopback, e.Registry, err)
	}
	return nil
}

func local(host string) bool {
	u, err := url.Parse(host)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "unix" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}
