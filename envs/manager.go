// Package envs is the environment manager: it creates, changes, lists and removes the environments
// that features have on AWS Elastic Beanstalk.
//
// New returns a Manager, which has one method for each operation. What an environment is called,
// which tags it has, whose it is and when it expires are rules without side effects, in name.go,
// tags.go, description.go and days.go. The packages below speak to AWS: beanstalk (environments,
// versions, events), store (S3: a record and a lease for each environment, the bundles) and ecr
// (images, their tags).
package envs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"beansprout/envs/beanstalk"
	"beansprout/envs/ecr"
	"beansprout/envs/store"
)

// Config is what a Manager goes by.
type Config struct {
	HTTP        *http.Client // asks the environments' URLs; nil is http.DefaultClient
	Application string       // "" sees the environments of every application, and deploys to none
	Bucket      string       // of records and bundles; "" is Beanstalk's own
	Repository  Repository
	HTTPS       bool // environments answer by HTTPS alone, as far as is known before one is read
	Days        Days
	Announcers  map[string]Announcer // by name; the record keeps one reference for each
	Displays    map[string]Announcer // likewise, of messages that notify people of nothing: a warning there is no warning
	LeaseWait   func(time.Duration)  // is told how long an operation has waited for a lease of another one; may be nil
	Mask        func(string) string  // takes secrets out of texts that are recorded, announced or reported; may be nil
}

// Repository is where the application's images lie in ECR.
type Repository struct {
	Name      string        // or the URI of a repository in another account or region
	Scan      bool          // this and Immutable are for a repository that is made
	Immutable bool          // its tags can't be moved
	Expire    time.Duration // after which images go that no environment runs; 0 is never. In whole days
	Unused    bool          // the application has no images, so that no right to ECR is needed
}

// A Manager creates, changes and removes the environments of one AWS account and region.
// Its methods may be called concurrently.
type Manager struct {
	config    Config
	region    string
	caller    func(context.Context) (Caller, error) // the answer to a question that is asked once
	beanstalk *beanstalk.Client
	images    *ecr.Registry
	s3        *buckets
	store     func(context.Context) (*store.Store, error)
	http      *http.Client
	warnings  *warnings
	lastShelf *lastShelf
}

// New returns a Manager that calls AWS as a says, with its HTTP client and retries. It begins to ask STS
// for the account, once, since every environment's name depends on it, and does not wait for the answer:
// the first operation reports an *AccountError, as Account does. An endpoint in a is a local cloud's.
func New(ctx context.Context, a aws.Config, c Config) (*Manager, error) {
	if a.Region == "" {
		return nil, errors.New("no AWS region is set")
	}
	m := &Manager{config: c, region: a.Region, http: c.HTTP, warnings: new(warnings), lastShelf: new(lastShelf)}
	if m.http == nil {
		m.http = http.DefaultClient
	}
	if m.config.Mask == nil {
		m.config.Mask = func(s string) string { return s }
	}
	m.connect(ctx, a)
	return m, nil
}

// Account returns the number of the AWS account.
func (m *Manager) Account(ctx context.Context) (string, error) { return m.account(ctx) }

// Caller returns who the credentials belong to.
func (m *Manager) Caller(ctx context.Context) (Caller, error) { return m.caller(ctx) }

func (m *Manager) account(ctx context.Context) (string, error) {
	caller, err := m.caller(ctx)
	return caller.Account, err
}

// Region returns the AWS region.
func (m *Manager) Region() string { return m.region }

// Application returns the application that the Manager deploys to, "" where it sees all.
func (m *Manager) Application() string { return m.config.Application }

// ask begins to ask f, once, and returns what waits for its answer.
func ask[T any](f func() (T, error)) func() (T, error) {
	answer := sync.OnceValues(f)
	go answer()
	return answer
}

// askForAll is ask where each that waits may give up with a context of its own.
func askForAll[T any](f func() (T, error)) func(context.Context) (T, error) {
	answer, answered := sync.OnceValues(f), make(chan struct{})
	go func() { answer(); close(answered) }()
	return func(ctx context.Context) (T, error) {
		select {
		case <-answered:
			return answer()
		case <-ctx.Done():
			var none T
			return none, context.Cause(ctx)
		}
	}
}

// bucketName is that of Beanstalk's own bucket.
func bucketName(region, account string) string {
	return fmt.Sprintf("elasticbeanstalk-%s-%s", region, account)
}
