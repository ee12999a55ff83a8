// Package engine runs what is deployed to the local cloud. A bundle goes in; containers
// on the Docker Engine and an answering URL come out. Each deployment is one generation: its
// containers on a network of its own. The next generation is started beside it, takes over
// the URL when it answers, and only then the one before is drained and removed.
//
// What exists is read from labels on containers, networks and volumes, never from
// memory alone, so a process that was killed finds everything again.
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

	"github.com/docker/docker/client"
)

// Config says where an Engine works and how patient it is.
type Config struct {
	Cloud    string        // id of the local cloud: the label of everything made here
	Host     string        // the Docker Engine, e.g. unix:///var/run/docker.sock; "" = DOCKER_HOST, else the usual socket
	Registry string        // host:port of the cloud's own image registry
	Token    func() string // password of the registry's user AWS; nil = pull without
	Dir      string        // unpacked bundles and logs of failed generations; created when missing
	Deadline time.Duration // how long a generation may take to answer; 0 = 20 s
	Drain    time.Duration // how long requests to the generation before may take to end; 0 = 10 s
	Log      *slog.Logger  // nil = no log

	// Gap stops the generation before a new one first, as AWS's deployment policy AllAtOnce does: the
	// URL answers 503 until the new one answers, and when that fails nothing answers any more. A
	// bundle that cannot be read is refused before anything is stopped.
	Gap bool
}

// Deployment is what an environment is to run next.
type Deployment struct {
	Environment string            // id, e-...
	Name        string            // of the environment
	Version     string            // label
	Bundle      io.ReaderAt       // the zip, or a lone Dockerrun.aws.json
	Size        int64             // of Bundle in bytes; 0 = the sample application
	Foreign     bool              // for a platform without containers, which is not run here
	Variables   map[string]string // aws:elasticbeanstalk:application:environment
	HealthPath  string            // "" = "/"
	Deadline    time.Duration     // how long a generation may take to answer; 0 = the engine's default
}

// Failure is a deployment that did not come to run. The generation before it, if any, goes on,
// unless Config.Gap had it stopped. Any other error of Deploy means that it was interrupted, not
// that it failed.
type Failure struct {
	cause string
	down  bool
}

// Error returns the cause.
func (f *Failure) Error() string { return f.cause }

// Reason is the cause in one line, in AWS's words where AWS has words for it.
func (f *Failure) Reason() string { return f.cause }

// Down says whether the failure left nothing behind the environment's URL.
func (f *Failure) Down() bool { return f.down }

// ErrClosed is reported by an Engine that was closed.
var ErrClosed = errors.New("the local engine is closed")

// callTimeout bounds every short call to the Docker Engine: one that hangs must not hang us.
const callTimeout = 30 * time.Second

// Engine runs deployments on a Docker Engine. It is safe for concurrent use.
type Engine struct {
	Config
	sites
	*life
	docker  *client.Client // calls that end soon; each is bounded
	streams *client.Client // pulls, logs, waits; bounded by their contexts
	slots   chan struct{}  // one per generation that may be starting at a time
	timeout time.Duration  // of each short call
	port    func() (int, error)
}

// New connects to the Docker Engine. It must be a Linux engine that shares this machine's
// loopback: it pulls from the cloud's registry there and publishes ports there. The Engine does
// not end with ctx but with Close.
func New(ctx context.Context, c Config) (*Engine, error) {
	return connect(ctx, c, callTimeout)
}

func connect(ctx context.Context, c Config, timeout time.Duration) (*Engine, error) {
	if c.Cloud == "" || c.Dir == "" {
		return nil, errors.New("make a local engine: it needs the cloud's id and a directory")
	}
	c.Deadline = cmp.Or(c.Deadline, 20*time.Second)
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

// suits refuses an engine that is out of reach or lives on another loopback.
func (e *Engine) suits(ctx context.Context) error {
	info, err := e.docker.Info(ctx)
	if err != nil {
		return fmt.Errorf("reach the Docker Engine: %w", err)
	}
	host := e.docker.DaemonHost()
	if info.OSType != "linux" || info.OperatingSystem == "Docker Desktop" || !local(host) {
		return fmt.Errorf("the Docker Engine at %s (%s) does not share this machine's loopback: the local cloud needs a Linux engine on this machine",
			host, info.OperatingSystem)
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
