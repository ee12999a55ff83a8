// Package awsconfig reads the configuration of AWS as the AWS CLI does, also where a profile wants the
// code of an MFA device, and makes that of a local cloud.
package awsconfig

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/smithy-go"

	"beansprout/localcloud"
)

// ErrNoRegion is reported when nothing names a region.
var ErrNoRegion = errors.New("no AWS region is set")

// Load returns the configuration of AWS that the AWS CLI would have, with region winning over it when
// it isn't empty. The error wraps ErrNoRegion when there is none. wait returns when no code of an MFA
// device is being asked for: the process must not end before.
func Load(ctx context.Context, region string) (cfg aws.Config, wait func(), err error) {
	asking := &asker{}
	options := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer { return retryer(20 * time.Second) }),
		config.WithHTTPClient(httpClient()),
		config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
			o.TokenProvider = func() (string, error) { return asking.ask(ctx, aws.ToString(o.SerialNumber)) }
		}),
	}
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	cfg, err = config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, asking.wait, fmt.Errorf("read the AWS configuration: %w", err)
	}
	cfg.HTTPClient = trusting{cfg.HTTPClient}
	if cfg.Region == "" {
		return cfg, asking.wait, ErrNoRegion
	}
	return cfg, asking.wait, nil
}

// Local returns the configuration of a local cloud. Nothing of the caller's AWS configuration takes part.
func Local(cloud localcloud.Running, region string) aws.Config {
	return aws.Config{
		Region:                     region,
		BaseEndpoint:               &cloud.Endpoint,
		Credentials:                credentials.NewStaticCredentialsProvider(cloud.Key, cloud.Secret, ""),
		Retryer:                    func() aws.Retryer { return retryer(time.Second) },
		HTTPClient:                 httpClient(),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
}

// untilCancelled is the SDK's own retryer, which tries ten times, and ten times as often where AWS
// throttles: the context ends that. Beanstalk's client has a retryer of its own.
type untilCancelled struct{ *retry.Standard }

// retryer returns an untilCancelled that waits at most longest between two tries.
func retryer(longest time.Duration) aws.Retryer {
	return untilCancelled{retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 100
		o.MaxBackoff = longest
		o.RateLimiter = ratelimit.None
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(unreadable))
	})}
}

// unreadable makes the SDK retry after an answer that cannot be read, as it does without an answer.
func unreadable(err error) aws.Ternary {
	if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// tokenTries is how often the token of a CI is shown. The SDK tries again when STS does not accept it, because
// STS may not have fetched the keys of the CI yet; mostly IAM does not know the CI.
const tokenTries = 3

// RetryDelay implements aws.Retryer.
func (p untilCancelled) RetryDelay(attempt int, err error) (time.Duration, error) {
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "InvalidIdentityToken" && attempt >= tokenTries {
		return 0, err
	}
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

// Plain returns a client for the URLs of environments, also of a local cloud. It follows no redirect: an
// application's redirect is its answer.
func Plain() *http.Client {
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
