// Package beanstalk is the door to Elastic Beanstalk: names and values of package envs
// go in, environments, events and verdicts come out, and no type of the SDK leaves it.
package beanstalk

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs"
)

// Client speaks to Elastic Beanstalk in one account and region.
type Client struct {
	api   *eb.Client
	http  *http.Client
	polls *poller
}

// New returns a client that calls AWS through api. The plain HTTP client fetches what AWS
// hands out by presigned URL: logs.
func New(api *eb.Client, plain *http.Client) *Client {
	p := newPoller()
	return &Client{patient(api, p), plain, p}
}

// Environments returns every environment of the application ("" means of all) that isn't
// Terminated, in one DescribeEnvironments, and AWS's own time at that moment. AWS leaves
// out, in silence, what the caller may not see (API reference, DescribeEnvironments).
func (c *Client) Environments(ctx context.Context, application string) ([]envs.Env, time.Time, error) {
	in := &eb.DescribeEnvironmentsInput{}
	if application != "" {
		in.ApplicationName = &application
	}
	rows, now, err := c.describe(ctx, in)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("list environments: %w", err)
	}
	return rows, now, nil
}

// Find returns the living environment of that name. One name can have several rows, all but
// one of them Terminated; environments that are Terminating are returned when no other lives.
// The error wraps envs.ErrNotFound when there is none.
func (c *Client) Find(ctx context.Context, name string) (envs.Env, error) {
	rows, _, err := c.describe(ctx, &eb.DescribeEnvironmentsInput{EnvironmentNames: []string{name}})
	if err != nil {
		return envs.Env{}, fmt.Errorf("find environment %s: %w", name, err)
	}
	var found envs.Env
	for _, e := range rows {
		if e.Name == name && (found.ID == "" || found.State.Gone()) {
			found = e
		}
	}
	if found.ID == "" {
		return found, fmt.Errorf("find environment %s: %w", name, envs.ErrNotFound)
	}
	return found, nil
}

// Get reads one environment by its id, in any state but Terminated. The error wraps
// envs.ErrNotFound when it has gone.
func (c *Client) Get(ctx context.Context, id string) (envs.Env, error) {
	rows, _, err := c.describe(ctx, &eb.DescribeEnvironmentsInput{EnvironmentIds: []string{id}})
	if err != nil {
		return envs.Env{}, fmt.Errorf("read environment %s: %w", id, err)
	}
	for _, e := range rows {
		if e.ID == id {
			return e, nil
		}
	}
	return envs.Env{}, fmt.Errorf("read environment %s: %w", id, envs.ErrNotFound)
}

// Terminated returns the application's environments that were terminated since the given
// time, of which AWS remembers six weeks. Their Updated is the end of their termination.
func (c *Client) Terminated(ctx context.Context, application string, since time.Time) ([]envs.Env, error) {
	rows, _, err := c.rows(ctx, &eb.DescribeEnvironmentsInput{
		ApplicationName: &application, IncludeDeleted: aws.Bool(true), IncludedDeletedBackTo: &since,
	})
	if err != nil {
		return nil, fmt.Errorf("list terminated environments: %w", err)
	}
	return slices.DeleteFunc(rows, func(e envs.Env) bool { return e.State != envs.Terminated || e.Updated.Before(since) }), nil
}

// describe returns the rows that aren't Terminated.
func (c *Client) describe(ctx context.Context, in *eb.DescribeEnvironmentsInput) ([]envs.Env, time.Time, error) {
	in.IncludeDeleted = aws.Bool(false)
	rows, now, err := c.rows(ctx, in)
	return slices.DeleteFunc(rows, func(e envs.Env) bool { return e.State == envs.Terminated }), now, err
}

// rows reads all pages. AWS answers in one piece unless asked for pages, but says nowhere
// that it always will.
func (c *Client) rows(ctx context.Context, in *eb.DescribeEnvironmentsInput) ([]envs.Env, time.Time, error) {
	var rows []envs.Env
	for {
		out, err := c.api.DescribeEnvironments(ctx, in)
		if err != nil {
			return nil, time.Time{}, translate(err)
		}
		for _, d := range out.Environments {
			rows = append(rows, environment(d))
		}
		if aws.ToString(out.NextToken) == "" {
			now, _ := middleware.GetServerTime(out.ResultMetadata)
			return rows, now, nil
		}
		in.NextToken = out.NextToken
	}
}

func environment(d types.EnvironmentDescription) envs.Env {
	return envs.Env{
		ID:          aws.ToString(d.EnvironmentId),
		ARN:         aws.ToString(d.EnvironmentArn),
		Name:        aws.ToString(d.EnvironmentName),
		Application: aws.ToString(d.ApplicationName),
		CNAME:       aws.ToString(d.CNAME),
		State:       envs.State(d.Status),
		Health:      string(d.Health),
		Status:      string(d.HealthStatus),
		Version:     aws.ToString(d.VersionLabel),
		Platform:    aws.ToString(d.PlatformArn),
		Description: aws.ToString(d.Description),
		Created:     aws.ToTime(d.DateCreated),
		Updated:     aws.ToTime(d.DateUpdated),
		Abortable:   aws.ToBool(d.AbortableOperationInProgress),
	}
}

// Tags reads the tags of an environment. The call shares DescribeEnvironments' budget of
// two a second for the whole account.
func (c *Client) Tags(ctx context.Context, e envs.Env) (envs.Tags, error) {
	out, err := c.api.ListTagsForResource(ctx, &eb.ListTagsForResourceInput{ResourceArn: &e.ARN})
	if err != nil {
		return nil, fmt.Errorf("read the tags of environment %s: %w", e.Name, translate(err))
	}
	tags := envs.Tags{}
	for _, t := range out.ResourceTags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

// Fresh reads an environment and its tags now. The error wraps envs.ErrNotFound when it has gone.
func (c *Client) Fresh(ctx context.Context, id string) (envs.Env, envs.Tags, error) {
	e, err := c.Get(ctx, id)
	if err != nil {
		return e, nil, err
	}
	tags, err := c.Tags(ctx, e)
	return e, tags, err
}

// Address returns the CNAME that an environment with this prefix will have, and whether
// the prefix is free in the region. The answer is a hint: only the launch decides.
func (c *Client) Address(ctx context.Context, prefix string) (cname string, free bool, err error) {
	out, err := c.api.CheckDNSAvailability(ctx, &eb.CheckDNSAvailabilityInput{CNAMEPrefix: &prefix})
	if err != nil {
		return "", false, fmt.Errorf("look up the address %s: %w", prefix, translate(err))
	}
	return aws.ToString(out.FullyQualifiedCNAME), aws.ToBool(out.Available), nil
}

// Bucket returns the name of Beanstalk's own bucket in this account and region, created
// where it is missing.
func (c *Client) Bucket(ctx context.Context) (string, error) {
	out, err := c.api.CreateStorageLocation(ctx, &eb.CreateStorageLocationInput{})
	if err != nil {
		return "", fmt.Errorf("find Beanstalk's bucket: %w", translate(err))
	}
	return aws.ToString(out.S3Bucket), nil
}
