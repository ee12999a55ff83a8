// Package ecr is ECR on this machine. Control answers AWS's calls about repositories and images,
// Registry answers docker push and docker pull. Both use the same state, which is in one directory
// and survives a kill at any time.
//
// The handler of the registry is ours. The control API holds mutability, tags, push dates and
// lifecycle, so each manifest must be looked up there. go-containerregistry's handler keeps manifests
// in memory: each would exist twice, be replayed at the start and be corrected after each deletion,
// and uploads, blobs and missing layers would need our code, too. Only its v1 package is used, to
// read manifests.
//
// A repository belongs to a region, but the registry's paths do not name it (AWS has it in the host
// name). The token does: a token from GetAuthorizationToken opens the repositories of the region
// that was asked, so one name may exist in several regions.
package ecr

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"beansprout/localcloud/wire"
)

// Config configures a Service.
type Config struct {
	Dir     string           // of the state; created if missing
	Account string           // 12 digits
	Host    func() string    // host:port of the registry, as in repositoryUri and proxyEndpoint
	Now     func() time.Time // nil = time.Now
	Log     *slog.Logger     // nil = no log
}

// Service is one account's ECR in all regions.
type Service struct {
	Config
	store  *store
	blobs  *blobs
	secret []byte // signs tokens
	stop   chan struct{}
	loop   sync.WaitGroup
}

// New opens the state in c.Dir. It applies the lifecycle policies and frees unused blobs, then and
// every hour until Close. It fails if another process holds the state.
func New(c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: c, stop: make(chan struct{})}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open ECR state %q: %w", c.Dir, err)
	}
	s.tidy()
	s.loop.Go(s.keepTidy)
	return s, nil
}

func (s *Service) open() (err error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	if s.blobs, err = openBlobs(s.Dir); err != nil {
		return err
	}
	s.store, s.secret, err = openStore(s.Dir)
	return err
}

// Close stops the hourly work and releases the state. Later requests fail.
func (s *Service) Close() error {
	close(s.stop)
	s.loop.Wait()
	return s.store.db.Close()
}

// Control returns the handler of AWS's calls. Requests must carry a [wire.Call].
func (s *Service) Control() http.Handler {
	return wire.JSON("AmazonEC2ContainerRegistry_V20150921", map[string]wire.Operation{
		"BatchDeleteImage":      own(s, s.batchDeleteImage),
		"BatchGetImage":         own(s, s.batchGetImage),
		"CreateRepository":      own(s, s.createRepository),
		"DeleteLifecyclePolicy": own(s, s.deleteLifecyclePolicy),
		"DeleteRepository":      own(s, s.deleteRepository),
		"DescribeImages":        own(s, s.describeImages),
		"DescribeRepositories":  own(s, s.describeRepositories),
		"GetAuthorizationToken": wire.Op(s.getAuthorizationToken),
		"GetLifecyclePolicy":    own(s, s.getLifecyclePolicy),
		"ListImages":            own(s, s.listImages),
		"ListTagsForResource":   wire.Op(s.listTagsForResource),
		"PutImage":              own(s, s.putImage),
		"PutImageTagMutability": own(s, s.putImageTagMutability),
		"PutLifecyclePolicy":    own(s, s.putLifecyclePolicy),
		"TagResource":           wire.Op(s.tagResource),
		"UntagResource":         wire.Op(s.untagResource),
	})
}
