// Package localcloud is AWS on this machine: Elastic Beanstalk, ECR with its registry, S3,
// STS and a little IAM answer their real wire protocols on one loopback port, and the URLs
// of the environments, http://PREFIX.localhost:PORT, on another. Environments run as
// containers on the local Docker Engine. All state lies in one directory and survives a
// kill at any moment.
package localcloud

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"beansprout/localcloud/beanstalk"
	"beansprout/localcloud/ecr"
	"beansprout/localcloud/engine"
	"beansprout/localcloud/fault"
	"beansprout/localcloud/s3"
)

// Config is what a cloud needs.
type Config struct {
	Dir           string // state; created when missing
	Port, URLPort int    // of the API and of the environments' URLs; 0 = any free port

	// How long transitions of environments take at least.
	CreateTime, UpdateTime, TerminateTime time.Duration

	Docker  bool             // false: environments only pretend to run
	Pretend *engine.Pretend  // how they pretend; nil = every deployment succeeds
	Log     *slog.Logger     // nil = silence
	Now     func() time.Time // nil = time.Now
	Gap     bool             // every switch stops the version before first, as AWS's AllAtOnce
	Offset  time.Duration    // how far the cloud's clock is ahead of Now at the start

	Quotas    beanstalk.Quotas // zero values are AWS's defaults
	Faults    []fault.Rule     // what goes wrong from the start on
	Describes fault.Rate       // of Beanstalk's describes together, before they are throttled; zero = never
}

// Cloud is a running local cloud.
type Cloud struct {
	cfg       Config
	id        identity
	clock     *clock
	faults    *fault.Set
	api, urls net.Listener
	requests  *requestLog
	objects   *s3.Store
	registry  *ecr.Service
	runner    runner
	beanstalk *beanstalk.Service
	services  map[string]service
	closers   []func(context.Context) error // of what is open, in the order of opening
}

// Open starts the cloud in cfg.Dir and returns when it answers. One process may hold a
// directory at a time.
func Open(ctx context.Context, cfg Config) (*Cloud, error) {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	clock := newClock(cfg.Now, cfg.Offset)
	cfg.Now = clock.Now
	c := &Cloud{cfg: cfg, clock: clock, faults: fault.New(cfg.Describes), services: map[string]service{}}
	if err := c.Inject(cfg.Faults...); err != nil {
		return nil, err
	}
	for _, open := range []func(context.Context) error{
		c.hold, c.listen, c.identify, c.openLog, c.openObjects, c.openRegistry, c.openRunner, c.openBeanstalk, c.openGlobals, c.openControl, c.serve, c.publish,
	} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, c.Close(context.WithoutCancel(ctx)))
		}
	}
	return c, nil
}

// Close stops answering, and stops and removes the containers. The state stays: the next
// Open starts them again.
func (c *Cloud) Close(ctx context.Context) error {
	var errs []error
	for _, closer := range slices.Backward(c.closers) {
		errs = append(errs, closer(ctx))
	}
	c.closers = nil
	return errors.Join(errs...)
}

// Endpoint is what AWS_ENDPOINT_URL must be: http://127.0.0.1:PORT.
func (c *Cloud) Endpoint() string { return "http://" + c.api.Addr().String() }

// URLPort is the port of the environments' URLs.
func (c *Cloud) URLPort() int { return port(c.urls) }

// Credentials are the only key pair that the cloud accepts.
func (c *Cloud) Credentials() (key, secret string) { return c.id.Key, c.id.Secret }

// Calls returns the newest answered requests, oldest first, at most 10,000.
func (c *Cloud) Calls() []Entry { return c.requests.entries() }

// onClose remembers how to close what was just opened.
func (c *Cloud) onClose(closer func(context.Context) error) { c.closers = append(c.closers, closer) }

// hold makes the directory ours alone.
func (c *Cloud) hold(context.Context) error {
	if err := os.MkdirAll(c.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("create the local cloud's directory: %w", err)
	}
	release, err := lock(c.cfg.Dir)
	if err != nil {
		return err
	}
	c.onClose(func(context.Context) error { return release() })
	return removed(filepath.Join(c.cfg.Dir, runningFile)) // a killed cloud left it
}

func (c *Cloud) identify(context.Context) (err error) {
	c.id, err = identify(c.cfg.Dir)
	return err
}

func (c *Cloud) openLog(context.Context) (err error) {
	if c.requests, err = openRequestLog(c.cfg.Dir); err != nil {
		return err
	}
	c.onClose(func(context.Context) error { return c.requests.close() })
	return nil
}

func (c *Cloud) host() string { return c.api.Addr().String() }

func (c *Cloud) endpoint() *url.URL { return &url.URL{Scheme: "http", Host: c.host()} }
