// Package beanstalk is Elastic Beanstalk on this machine: its operations on the wire, the
// state machine of its environments, and the record of both in one file that survives a
// kill at any moment. What an environment is to run it hands to a [Runner].
package beanstalk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"beansprout/localcloud/engine"
	"beansprout/localcloud/s3"
	"beansprout/localcloud/wire"
)

// The only instance profile and the only service role that exist, by AWS's conventional names.
const (
	InstanceProfile = "aws-elasticbeanstalk-ec2-role"
	ServiceRole     = "aws-elasticbeanstalk-service-role"
)

// Config is what a Service works with.
type Config struct {
	Dir     string // holds beanstalk.db; must exist
	Account string // 12 digits
	Objects *s3.Store
	Runner  Runner
	URLPort int // of the environments' URLs

	// How long transitions take at least; updates of tags and swaps take UpdateTime too.
	CreateTime, UpdateTime, TerminateTime time.Duration

	Quotas Quotas                                     // zero values are AWS's defaults
	Now    func() time.Time                           // nil is time.Now
	Sleep  func(context.Context, time.Duration) error // by the clock of Now; nil is that of time.Now
	Log    *slog.Logger                               // nil is silence
}

// Quotas are how many there may be of each in a region.
type Quotas struct {
	Applications, Versions, Environments, Templates, Platforms int
}

// Runner runs what environments are to run. An error that has a method Reason() string
// tells the cause in one line, which goes into an event.
type Runner interface {
	// Deploy runs d as the environment's next generation, switches to it when it answers
	// and stops the one before; when d already runs it is adopted. On failure, the
	// generation before goes on serving.
	Deploy(ctx context.Context, d engine.Deployment) error
	// Terminate removes everything of the environment; nothing there is success.
	Terminate(ctx context.Context, id string) error
	// Tail returns the last lines of the newest generation's logs, a failed one included.
	Tail(ctx context.Context, id string, lines int) (string, error)
}

// Service is Elastic Beanstalk.
type Service struct {
	Config
	db *bolt.DB

	ctx    context.Context // ends when Close is called
	cancel context.CancelFunc
	wait   sync.WaitGroup // for every goroutine of the service

	slots    chan struct{} // one per deployment that may start at the same time
	mu       sync.Mutex
	attempts map[string]context.CancelFunc // what AbortEnvironmentUpdate interrupts, by environment id
	turns    map[string]*sync.Mutex        // one piece of work per environment at a time, by id
}

// New opens the state in c.Dir and goes on with whatever was under way: transitions are
// carried out to their end, and what was running is started again unless it still runs.
// ctx gives the values for that work; its end does not stop it, [Service.Close] does.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	c.Quotas = c.Quotas.orDefaults()
	db, err := open(filepath.Join(c.Dir, "beanstalk.db"))
	if err != nil {
		return nil, err
	}
	s := &Service{
		Config: c, db: db,
		slots:    make(chan struct{}, 2*runtime.GOMAXPROCS(0)),
		attempts: map[string]context.CancelFunc{},
		turns:    map[string]*sync.Mutex{},
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.resume(); err != nil {
		s.cancel()
		return nil, errors.Join(fmt.Errorf("resume: %w", err), db.Close())
	}
	return s, nil
}

// Close stops all work where it is, for the next New to take up, and waits until it has
// stopped or ctx ends. Environments go on running.
func (s *Service) Close(ctx context.Context) error {
	s.cancel()
	stopped := make(chan struct{})
	go func() {
		s.wait.Wait()
		close(stopped)
	}()
	select {
	case <-stopped:
		return s.db.Close()
	case <-ctx.Done():
		return fmt.Errorf("stop the environments' transitions: %w", ctx.Err())
	}
}

// Handler serves the query protocol to calls prepared by [wire.WithCall].
func (s *Service) Handler() http.Handler {
	return wire.Query("http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/", "2010-12-01", map[string]wire.Operation{
		"CreateApplication":             changes(s, createApplication),
		"DescribeApplications":          reads(s, describeApplications),
		"DeleteApplication":             changes(s, deleteApplication),
		"CreateStorageLocation":         reads(s, createStorageLocation),
		"CreateApplicationVersion":      changes(s, createApplicationVersion),
		"DescribeApplicationVersions":   reads(s, describeApplicationVersions),
		"DeleteApplicationVersion":      changes(s, deleteApplicationVersion),
		"CheckDNSAvailability":          reads(s, checkDNSAvailability),
		"CreateEnvironment":             changes(s, createEnvironment),
		"DescribeEnvironments":          reads(s, describeEnvironments),
		"UpdateEnvironment":             changes(s, updateEnvironment),
		"AbortEnvironmentUpdate":        changes(s, abortEnvironmentUpdate),
		"RebuildEnvironment":            changes(s, rebuildEnvironment),
		"TerminateEnvironment":          changes(s, terminateEnvironment),
		"SwapEnvironmentCNAMEs":         changes(s, swapEnvironmentCNAMEs),
		"DescribeEvents":                reads(s, describeEvents),
		"DescribeEnvironmentResources":  reads(s, describeEnvironmentResources),
		"DescribeEnvironmentHealth":     reads(s, describeEnvironmentHealth),
		"DescribeInstancesHealth":       reads(s, describeInstancesHealth),
		"CreateConfigurationTemplate":   changes(s, createConfigurationTemplate),
		"UpdateConfigurationTemplate":   changes(s, updateConfigurationTemplate),
		"DeleteConfigurationTemplate":   changes(s, deleteConfigurationTemplate),
		"DescribeConfigurationSettings": reads(s, describeConfigurationSettings),
		"RequestEnvironmentInfo":        changes(s, requestEnvironmentInfo),
		"RetrieveEnvironmentInfo":       reads(s, retrieveEnvironmentInfo),
		"ListTagsForResource":           reads(s, listTagsForResource),
		"UpdateTagsForResource":         changes(s, updateTagsForResource),
		"ListAvailableSolutionStacks":   reads(s, listAvailableSolutionStacks),
		"ListPlatformBranches":          reads(s, listPlatformBranches),
		"ListPlatformVersions":          reads(s, listPlatformVersions),
		"DescribePlatformVersion":       reads(s, describePlatformVersion),
		"DescribeAccountAttributes":     reads(s, describeAccountAttributes),
	})
}

// Lookup returns the id of the environment that has the CNAME prefix.
func (s *Service) Lookup(prefix string) (id string, ok bool) {
	err := s.within(wire.Call{}, s.db.View, func(st *state) error {
		id, ok = prefixes.get(st, prefix)
		return nil
	})
	return id, ok && err == nil
}

// cname is the host name that a prefix stands for.
func (s *Service) cname(prefix string) string {
	if prefix == "" {
		return ""
	}
	return prefix + ".localhost:" + strconv.Itoa(s.URLPort)
}
