// Package beanstalk is Elastic Beanstalk on this machine: its operations on the wire and the state
// machine of its environments. One file holds the state and survives a kill at any time. A [Runner]
// runs the environments.
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
	records "beansprout/localcloud/table"
	"beansprout/localcloud/wire"
)

// Roles says which instance profiles and roles exist.
type Roles interface {
	HasProfile(name string) bool
	HasRole(name string) bool
}

// Config configures a Service.
type Config struct {
	Dir     string // holds beanstalk.db; must exist
	Account string // 12 digits
	Objects *s3.Store
	Runner  Runner
	Roles   Roles
	Hidden  bool // the caller may not describe environments: AWS answers with an empty list
	URLPort int  // of the environments' URLs

	// The least time that transitions take. Updates of tags and swaps take UpdateTime, too.
	CreateTime, UpdateTime, TerminateTime time.Duration

	// SeparateUpdates refuses a version and options in one UpdateEnvironment, as the API reference
	// says that AWS does.
	SeparateUpdates bool
	ListDelay       time.Duration // how long DescribeEnvironments lacks a new environment

	Quotas Quotas                                     // zero values are AWS's defaults
	Now    func() time.Time                           // nil is time.Now
	Sleep  func(context.Context, time.Duration) error // by the clock of Now; nil is that of time.Now
	Log    *slog.Logger                               // nil is no log
}

// Quotas limits how many there may be of each in a region.
type Quotas struct {
	Applications, Versions, Environments, Templates, Platforms int
	// Addresses is that of elastic IPs, of which a single instance has one. It is raised to that of
	// environments unless it is set.
	Addresses int
}

// Runner runs environments. If an error has a method Reason() string, that is the cause in one line
// for an event.
type Runner interface {
	// Deploy runs d as the environment's next generation, switches to it when it answers and stops
	// the one before. It adopts a d that already runs. If it fails, the generation before still
	// serves.
	Deploy(ctx context.Context, d engine.Deployment) error
	// Terminate removes all of the environment. It succeeds if there is nothing.
	Terminate(ctx context.Context, id string) error
	// Tail returns the last lines of the newest generation's logs, and those of the last
	// deployment if it failed.
	Tail(ctx context.Context, id string, lines int) (running, failed string, err error)
}

// Service is Elastic Beanstalk.
type Service struct {
	Config
	db *bolt.DB

	ctx    context.Context // ends when Close is called
	cancel context.CancelFunc
	wait   sync.WaitGroup // for all goroutines of the service

	slots    chan struct{} // one per deployment that may start at the same time
	mu       sync.Mutex
	attempts map[string]context.CancelFunc // for AbortEnvironmentUpdate to interrupt, by environment id
	turns    map[string]*sync.Mutex        // allow one piece of work per environment at a time, by id
}

// New opens the state in c.Dir and continues the work in it: it completes transitions, and starts
// the environments again that no longer run. The work uses the values of ctx but does not end with
// it; [Service.Close] ends it.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	c.Quotas = c.Quotas.orDefaults()
	db, err := records.Open(filepath.Join(c.Dir, "beanstalk.db"), buckets...)
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

// Close stops all work, which the next New continues, and waits until it has stopped or ctx ends. The
// environments still run.
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

// Handler returns the handler of the query protocol. Requests must come from [wire.WithCall].
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

// cname returns the host name for a prefix.
func (s *Service) cname(prefix string) string {
	if prefix == "" {
		return ""
	}
	return prefix + ".localhost:" + strconv.Itoa(s.URLPort)
}
