package beanstalk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs"
)

// Version is a bundle that is registered, or to be. Bucket must be in the environment's region.
type Version struct {
	Application string
	Label       string
	Description string
	Bucket, Key string    // "" each for AWS's sample application
	Created     time.Time // by AWS's clock
}

// Register makes a bundle known to Beanstalk. Labels are content-addressed, so one that is
// there already is the same version. The error wraps envs.ErrNotFound when the application
// doesn't exist.
func (c *Client) Register(ctx context.Context, v Version) error {
	_, err := c.api.CreateApplicationVersion(ctx, &eb.CreateApplicationVersionInput{
		ApplicationName: &v.Application, VersionLabel: &v.Label, Description: &v.Description,
		SourceBundle: &types.S3Location{S3Bucket: &v.Bucket, S3Key: &v.Key},
	})
	if err = translate(err); err != nil && !errors.Is(err, envs.ErrTaken) {
		return fmt.Errorf("register version %s: %w", v.Label, err)
	}
	return nil
}

// CreateApplication makes an application; one that is there already is success.
func (c *Client) CreateApplication(ctx context.Context, name string) error {
	_, err := c.api.CreateApplication(ctx, &eb.CreateApplicationInput{ApplicationName: &name})
	if err = translate(err); err != nil && !errors.Is(err, envs.ErrTaken) {
		return fmt.Errorf("create application %q: %w", name, err)
	}
	return nil
}

// AllVersions returns all versions of an application; one that doesn't exist has none.
func (c *Client) AllVersions(ctx context.Context, application string) ([]Version, error) {
	in := &eb.DescribeApplicationVersionsInput{ApplicationName: &application, MaxRecords: aws.Int32(1000)}
	var all []Version
	for {
		out, err := c.api.DescribeApplicationVersions(ctx, in)
		if err = translate(err); errors.Is(err, envs.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list the versions of application %q: %w", application, err)
		}
		for _, d := range out.ApplicationVersions {
			all = append(all, registered(d))
		}
		if aws.ToString(out.NextToken) == "" {
			return all, nil
		}
		in.NextToken = out.NextToken
	}
}

func registered(d types.ApplicationVersionDescription) Version {
	v := Version{
		Application: aws.ToString(d.ApplicationName), Label: aws.ToString(d.VersionLabel),
		Description: aws.ToString(d.Description), Created: aws.ToTime(d.DateCreated),
	}
	if b := d.SourceBundle; b != nil {
		v.Bucket, v.Key = aws.ToString(b.S3Bucket), aws.ToString(b.S3Key)
	}
	return v
}

// Versions returns the labels of all versions that were registered for the named environment.
func (c *Client) Versions(ctx context.Context, application, name string) ([]string, error) {
	all, err := c.AllVersions(ctx, application)
	var labels []string
	for _, v := range all {
		if envs.IsVersionOf(v.Label, name) {
			labels = append(labels, v.Label)
		}
	}
	return labels, err
}

// busy is how long AWS may call a version in use by an operation in progress.
const busy = time.Minute

// DeleteVersion takes a version away and leaves its bundle where it is. AWS deletes a
// version even while an environment runs it, so the caller has looked before. A version
// that has gone is success, and one that an operation uses is tried again for a minute.
func (c *Client) DeleteVersion(ctx context.Context, application, label string) error {
	ctx, cancel := context.WithTimeout(ctx, busy)
	defer cancel()
	for p := newPace(); ; {
		_, err := c.api.DeleteApplicationVersion(ctx, &eb.DeleteApplicationVersionInput{ApplicationName: &application, VersionLabel: &label})
		switch err = translate(err); {
		case err == nil || errors.Is(err, envs.ErrNotFound):
			return nil
		case !errors.Is(err, envs.ErrNotReady) || p.pause(ctx) != nil:
			return fmt.Errorf("delete version %s: %w", label, err)
		}
	}
}
