package envs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"beansprout/envs/awsapi"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ecr"
	"beansprout/envs/store"
	"beansprout/pattern"
)

// connect makes the clients of the services. Nothing else constructs SDK clients.
func (m *Manager) connect(ctx context.Context, a aws.Config) {
	if a.HTTPClient == nil {
		a.HTTPClient = awshttp.NewBuildableClient()
	}
	buffered := a.Copy()
	buffered.HTTPClient = bufferedBodies{a.HTTPClient}
	m.beanstalk = beanstalk.New(elasticbeanstalk.NewFromConfig(buffered), m.http)
	registry := ecr.New
	if a.BaseEndpoint != nil {
		registry = ecr.NewOwn
	}
	m.images = registry(awsecr.NewFromConfig(buffered))
	m.s3 = &buckets{s3.NewFromConfig(a, quietAboutChecksums)}
	caller := sts.NewFromConfig(buffered)
	question := context.WithoutCancel(ctx) // the Manager lives on when the context of New has ended
	who := askForAll(func() (Caller, error) {
		out, err := caller.GetCallerIdentity(question, &sts.GetCallerIdentityInput{})
		if err != nil {
			return Caller{}, err
		}
		return Caller{aws.ToString(out.Account), aws.ToString(out.Arn)}, nil
	})
	m.caller = func(ctx context.Context) (Caller, error) {
		caller, err := who(ctx)
		if refused := awsapi.Refused(err); refused != nil {
			return Caller{}, refused
		}
		if err != nil {
			return Caller{}, &AccountError{err}
		}
		return caller, nil
	}
	m.store = m.openStore()
}

// Caller is who AWS says the credentials belong to.
type Caller struct{ Account, ARN string }

// AccountError is reported when AWS does not tell which account the credentials belong to.
type AccountError struct{ Err error }

func (e *AccountError) Error() string { return fmt.Sprintf("ask AWS who we are: %v", e.Err) }

func (e *AccountError) Unwrap() error { return e.Err }

// openStore returns what opens the store once, in the bucket that is configured, or else in Beanstalk's
// own, which is created on the first write. Anyone can make a bucket of that name: S3 refuses one that is
// another account's.
func (m *Manager) openStore() func(context.Context) (*store.Store, error) {
	if m.config.Bucket != "" {
		s := store.New(m.s3.api, m.config.Bucket)
		return func(context.Context) (*store.Store, error) { return s, nil }
	}
	var once sync.Once
	var s *store.Store
	return func(ctx context.Context) (*store.Store, error) {
		account, err := m.account(ctx)
		if err != nil {
			return nil, err
		}
		once.Do(func() {
			owned := store.Copy(m.s3.api, smithyhttp.SetHeaderValue("X-Amz-Expected-Bucket-Owner", account))
			s = store.New(owned, bucketName(m.region, account))
			s.Create = func(ctx context.Context) error {
				_, err := m.beanstalk.Bucket(ctx)
				return err
			}
		})
		return s, nil
	}
}

// buckets asks S3 about other buckets than the store's.
type buckets struct{ api *s3.Client }

var beanstalkBucket = pattern.New(`^elasticbeanstalk-([a-z0-9-]+)-([0-9]{12})$`)

// otherRegions returns in which regions besides this one the account has used Beanstalk, which makes
// a bucket in each.
func (b *buckets) otherRegions(ctx context.Context, account, region string) ([]string, error) {
	out, err := b.api.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return nil, fmt.Errorf("list the buckets: %w", err)
	}
	var regions []string
	for _, bucket := range out.Buckets {
		m := beanstalkBucket.FindStringSubmatch(aws.ToString(bucket.Name))
		if m != nil && m[2] == account && m[1] != region {
			regions = append(regions, m[1])
		}
	}
	return regions, nil
}

// digest returns the SHA-256 in hex of an object in any bucket.
func (b *buckets) digest(ctx context.Context, bucket, key string) (string, error) {
	digest, _, err := store.New(b.api, bucket).Digest(ctx, key)
	return digest, err
}

// quietAboutChecksums keeps the SDK from a line on stderr for each object without one.
func quietAboutChecksums(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true }

// bufferedBodies sends a copy of each request's body. The SDK closes the body as soon as
// the answer begins, and net/http then drops the connection under a long answer of a
// server that was quick. For small bodies only.
type bufferedBodies struct{ next aws.HTTPClient }

func (b bufferedBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return b.next.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return b.next.Do(r)
}
