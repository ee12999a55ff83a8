// Package beanstalk reads and changes environments and versions of Elastic Beanstalk, and waits
// for its operations. Its results are environments, events and errors; no type of the SDK leaves it.
package beanstalk

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
)

// Client calls Elastic Beanstalk in one account and region.
type Client struct {
	api   *eb.Client
	http  *http.Client
	polls *poller
}

// New returns a client that calls AWS through api. The plain HTTP client downloads logs from
// presigned URLs.
func New(api *eb.Client, plain *http.Client) *Client {
	p := newPoller()
	return &Client{api: withRetries(api, p), http: plain, polls: p}
}

// In returns a client for another region of the same account.
func (c *Client) In(region string) *Client {
	elsewhere := *c
	elsewhere.api = eb.New(c.api.Options(), func(o *eb.Options) { o.Region = region })
	return &elsewhere
}

// Address returns the CNAME that an environment with this prefix will have, and whether the
// prefix is free in the region. It may be taken before the launch.
func (c *Client) Address(ctx context.Context, prefix string) (cname string, free bool, err error) {
	out, err := c.api.CheckDNSAvailability(ctx, &eb.CheckDNSAvailabilityInput{CNAMEPrefix: &prefix})
	if err != nil {
		return "", false, fmt.Errorf("look up the address %s: %w", prefix, translate(err))
	}
	return aws.ToString(out.FullyQualifiedCNAME), aws.ToBool(out.Available), nil
}

// Bucket returns the name of Beanstalk's own bucket in this account and region. AWS creates it if
// it is missing.
func (c *Client) Bucket(ctx context.Context) (string, error) {
	out, err := c.api.CreateStorageLocation(ctx, &eb.CreateStorageLocationInput{})
	if err != nil {
		return "", fmt.Errorf("find Beanstalk's bucket: %w", translate(err))
	}
	return aws.ToString(out.S3Bucket), nil
}
