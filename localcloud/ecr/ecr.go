// Package ecr is ECR on this machine. AWS calls about repositories and images come in at
// Control, docker push and docker pull at Registry; both work on the same state, which
// lives in one directory and survives a kill at any moment.
//
// The registry is a handler of our own. Mutability, tags, push dates and lifecycle are
// facts of the control API, so every manifest must be looked up there anyway; inside
// go-containerregistry's handler, which keeps manifests in memory, each would exist twice,
// be replayed at start and be corrected after every deletion, and uploads, blobs and
// missing layers need code of ours besides. What is left for it is the reading of files.
// Its v1 package reads the manifests.
//
// A repository belongs to a region, but the registry's paths name none (AWS's have it in
// the host name). The token does: a token from GetAuthorizationToken opens the repositories
// of the region that was asked, so one name may exist in several regions.
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

// Config says where an ECR keeps its state and how it is reached.
type Config struct {
	Dir     string           // state; created when missing
	Account string           // 12 digits
	Host    func() string    // host:port of the registry, as in repositoryUri and proxyEndpoint
	Now     func() time.Time // nil = time.Now
	Log     *slog.Logger     // nil = silence
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

// New opens the state in c.Dir, carries out what is due, and keeps doing so every hour
// until Close. It fails when another process holds the state.
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

// Close stops the hourly work and releases the state. Requests that come later fail.
func (s *Service) Close() error {
	close(s.stop)
	s.loop.Wait()
	return s.store.db.Close()
}

// Control answers the AWS calls; requests must carry a [wire.Call].
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
