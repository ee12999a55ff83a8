// Package localcloud is AWS on this machine, for demonstrations and tests: Elastic Beanstalk, ECR
// with its registry, S3, IAM, STS, Service Quotas, Elastic Load Balancing, Auto Scaling and the EC2 that they need
// answer their real wire protocols on one loopback port, and the URLs of the environments and the load
// balancers, http://NAME.localhost:PORT, on another. Environments
// run as containers on the local Docker Engine. All state is in one directory and survives a kill
// at any time.
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
	"sync"
	"time"

	"beansprout/localcloud/autoscaling"
	"beansprout/localcloud/beanstalk"
	"beansprout/localcloud/ec2"
	"beansprout/localcloud/ecr"
	"beansprout/localcloud/elb"
	"beansprout/localcloud/engine"
	"beansprout/localcloud/fault"
	"beansprout/localcloud/iam"
	"beansprout/localcloud/instance"
	"beansprout/localcloud/s3"
)

// Config configures a cloud.
type Config struct {
	Dir           string // of the state; created if missing
	Port, URLPort int    // of the API and of the environments' URLs; 0 = any free port

	// The least time that transitions of environments take.
	CreateTime, UpdateTime, TerminateTime time.Duration

	StartTime time.Duration // how long an application may take to answer; 0 = 2 min

	SeparateUpdates bool          // a version and options in one update are refused
	ListDelay       time.Duration // how long DescribeEnvironments lacks a new environment

	HealthSpeed   int           // divides the intervals of the load balancers' health checks, by 1000 at most; 0 = 20
	DeregisterLag time.Duration // how long a deregistered target still gets new requests

	Docker  bool             // run environments as containers; else they pretend to run
	Host    string           // of the Docker Engine, e.g. unix:///var/run/docker.sock; "" = DOCKER_HOST, else the usual socket
	Pretend *engine.Pretend  // how they pretend; nil = every deployment succeeds
	Log     *slog.Logger     // nil = no log
	Now     func() time.Time // nil = time.Now
	Gap     bool             // stop the running version before the next one starts, as AWS's AllAtOnce does
	// ComposeGap does the same to what a docker-compose.yml runs, and is the least time between the two;
	// 0 = they take over without a gap.
	ComposeGap time.Duration
	Offset     time.Duration // how far the cloud's clock is ahead of Now at the start

	Watch func(Entry) // told of each answered call, one at a time; nil = nothing

	NoRoles bool     // a new state has no roles and no instance profiles, as a new AWS account
	Denied  []string // actions for which the user has no right, such as ecr:PutImage or ecr:*

	Quotas    beanstalk.Quotas // zero values are AWS's defaults
	Faults    []fault.Rule     // of calls that fail from the start on
	Describes fault.Rate       // above which Beanstalk's describes together are throttled; zero = never
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
	iam       *iam.Service
	beanstalk *beanstalk.Service
	fleet     *instance.Fleet
	ec2       *ec2.Service
	balancers *elb.Service
	scaling   *autoscaling.Service
	watching  sync.Mutex // held while Config.Watch runs
	services  map[string]service
	closers   []func(context.Context) error // of the open parts, in the order of opening
}

// Open starts the cloud in cfg.Dir and returns when it answers. One process at a time may hold a
// directory.
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
		c.hold, c.fits, c.listen, c.identify, c.openLog, c.openObjects, c.openRegistry, c.openRunner, c.openGlobals, c.openBeanstalk, c.openInstances, c.openBalancers, c.openScaling, c.openQuotas, c.openControl, c.serve, c.checkReach, c.publish,
	} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, c.Close(context.WithoutCancel(ctx)))
		}
	}
	return c, nil
}

// Close stops answering, and stops and removes the containers. The state stays, and the next Open
// starts the containers again.
func (c *Cloud) Close(ctx context.Context) error {
	var errs []error
	for _, closer := range slices.Backward(c.closers) {
		errs = append(errs, closer(ctx))
	}
	c.closers = nil
	return errors.Join(errs...)
}

// Endpoint returns the value for AWS_ENDPOINT_URL: http://127.0.0.1:PORT.
func (c *Cloud) Endpoint() string { return "http://" + c.api.Addr().String() }

// URLPort returns the port of the environments' URLs.
func (c *Cloud) URLPort() int { return port(c.urls) }

// Credentials returns the only key pair that the cloud accepts.
func (c *Cloud) Credentials() (key, secret string) { return c.id.Key, c.id.Secret }

// Calls returns the answered requests, oldest first: the last 10,000 at most.
func (c *Cloud) Calls() []Entry { return c.requests.entries() }

// onClose registers how to close a part that was just opened.
func (c *Cloud) onClose(closer func(context.Context) error) { c.closers = append(c.closers, closer) }

// ErrOtherLoopback is reported if the Docker Engine and this process have different loopbacks.
var ErrOtherLoopback = engine.ErrOtherLoopback

// checkReach returns an error if the engine does not reach the registry.
func (c *Cloud) checkReach(ctx context.Context) error {
	if e, ok := c.runner.(*engine.Engine); ok {
		return e.CheckReach(ctx)
	}
	return nil
}

// hold takes the directory for this process alone.
func (c *Cloud) hold(context.Context) error {
	if err := os.MkdirAll(c.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("create the local cloud's directory: %w", err)
	}
	release, err := lock(c.cfg.Dir)
	if err != nil {
		return err
	}
	c.onClose(func(context.Context) error { return release() })
	return removed(filepath.Join(c.cfg.Dir, runningFile)) // a killed cloud leaves it
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
