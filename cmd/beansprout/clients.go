package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"beansprout/builder/ecr"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ledger"
	"beansprout/localcloud"
)

// clients are the doors to one account in one region. Nothing else constructs SDK clients.
type clients struct {
	beanstalk *beanstalk.Client
	registry  *ecr.Registry
	plain     *http.Client // knows *.localhost
	region    string

	s3     *s3.Client
	sts    *sts.Client
	number string // the account's, once it is known
}

// awsClients returns clients for AWS, configured as the AWS CLI is, with region winning
// over the AWS configuration when it isn't empty.
func awsClients(ctx context.Context, region string) (*clients, error) {
	options := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer { return retryer(20 * time.Second) }),
		config.WithHTTPClient(httpClient()),
	}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, hint(usageErrorf("no AWS region is set"), "say --region, or region: in beansprout.yaml, or AWS_REGION")
	}
	return newClients(cfg), nil
}

// localClients returns clients for the local cloud. Nothing of the caller's AWS
// configuration takes part.
func localClients(cloud localcloud.Running, region string) *clients {
	return newClients(aws.Config{
		Region:                     region,
		BaseEndpoint:               &cloud.Endpoint,
		Credentials:                credentials.NewStaticCredentialsProvider(cloud.Key, cloud.Secret, ""),
		Retryer:                    func() aws.Retryer { return retryer(time.Second) },
		HTTPClient:                 httpClient(),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	})
}

func newClients(cfg aws.Config) *clients {
	plain := plainClient()
	buffered := cfg.Copy()
	buffered.HTTPClient = bufferedBodies{cfg.HTTPClient}
	return &clients{
		beanstalk: beanstalk.New(elasticbeanstalk.NewFromConfig(buffered), plain),
		registry:  ecr.New(awsecr.NewFromConfig(buffered)),
		plain:     plain,
		region:    cfg.Region,
		s3:        s3.NewFromConfig(cfg, quietAboutChecksums),
		sts:       sts.NewFromConfig(buffered),
	}
}

// quietAboutChecksums keeps the SDK from a line on stderr for each object without one.
func quietAboutChecksums(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true }

// account returns the number of the AWS account that the credentials belong to.
func (c *clients) account(ctx context.Context) (string, error) {
	if c.number != "" {
		return c.number, nil
	}
	out, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if ctx.Err() != nil {
		return "", fmt.Errorf("ask AWS who we are: %w", context.Cause(ctx))
	}
	if err != nil {
		return "", hint(fmt.Errorf("ask AWS who we are: %w", err), "%s", cmp.Or(sayingHint(err), "check the AWS credentials: aws sts get-caller-identity must work; or try --local"))
	}
	c.number = aws.ToString(out.Account)
	return c.number, nil
}

// ledger returns the ledger in the bucket that the configuration names, or else in
// Beanstalk's own, which is created on the first write. Anybody could have made a bucket of
// that name: S3 refuses one that is another account's.
func (c *clients) ledger(ctx context.Context, bucket string) (*ledger.Ledger, error) {
	if bucket != "" {
		return ledger.New(c.s3, bucket), nil
	}
	account, err := c.account(ctx)
	if err != nil {
		return nil, err
	}
	owned := s3.New(c.s3.Options(), s3.WithAPIOptions(smithyhttp.SetHeaderValue("X-Amz-Expected-Bucket-Owner", account)))
	l := ledger.New(owned, fmt.Sprintf("elasticbeanstalk-%s-%s", c.region, account))
	l.Create = func(ctx context.Context) error {
		_, err := c.beanstalk.Bucket(ctx)
		return err
	}
	return l, nil
}

// patient is the SDK's own retryer, which tries ten times, and ten times as often where AWS
// throttles: the context ends that. Beanstalk's client has a patience of its own.
type patient struct{ *retry.Standard }

// retryer is patient, with at most longest between two tries.
func retryer(longest time.Duration) aws.Retryer {
	return patient{retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 100
		o.MaxBackoff = longest
		o.RateLimiter = ratelimit.None
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(unreadable))
	})}
}

// unreadable says that an answer that can't be read is worth another try, as one that never
// came is. The SDK gives up there.
func unreadable(err error) aws.Ternary {
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// RetryDelay implements aws.Retryer.
func (p patient) RetryDelay(attempt int, err error) (time.Duration, error) {
	if attempt >= p.MaxAttempts()/10 && !retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool() {
		return 0, err
	}
	return p.Standard.RetryDelay(attempt, err)
}

func httpClient() aws.HTTPClient {
	return awshttp.NewBuildableClient().WithTimeout(2 * time.Minute).WithTransportOptions(func(t *http.Transport) {
		t.DialContext = dialLocalhost
	})
}

// plainClient follows no redirect: an application's redirect is its answer.
func plainClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = dialLocalhost
	t.Proxy = func(r *http.Request) (*url.URL, error) {
		if isLocalhost(r.URL.Hostname()) {
			return nil, nil
		}
		return http.ProxyFromEnvironment(r)
	}
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dialLocalhost knows that every name under localhost is this machine (RFC 6761), which
// the resolvers of Go and glibc don't.
func dialLocalhost(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	if host, port, err := net.SplitHostPort(address); err == nil && isLocalhost(host) {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return dialer.DialContext(ctx, network, address)
}

func isLocalhost(host string) bool {
	return strings.HasSuffix(strings.TrimSuffix(host, "."), ".localhost")
}

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
