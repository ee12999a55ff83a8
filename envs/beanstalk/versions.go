package beanstalk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs/awsapi"
)

// Version is a bundle that is registered or to be registered. Bucket must be in the environment's
// region.
type Version struct {
	Application string
	Label       string
	Description string
	Bucket, Key string    // "" each for AWS's sample application
	Created     time.Time // by AWS's clock
}

// Register registers a bundle and returns the version. If the label exists, it returns the existing
// version, which may have another bundle. The error wraps awsapi.ErrNotFound when the application
// doesn't exist.
func (c *Changer) Register(ctx context.Context, v Version) (Version, error) {
	_, err := c.client.api.CreateApplicationVersion(ctx, &eb.CreateApplicationVersionInput{
		ApplicationName: &v.Application, VersionLabel: &v.Label, Description: &v.Description,
		SourceBundle: &types.S3Location{S3Bucket: &v.Bucket, S3Key: &v.Key},
	})
	err = translate(err)
	if errors.Is(err, awsapi.ErrTaken) {
		return c.client.Version(ctx, v.Application, v.Label)
	}
	if err != nil {
		return v, fmt.Errorf("register version %s: %w", v.Label, err)
	}
	return v, nil
}

// Version returns the version of an application with that label. The error wraps awsapi.ErrNotFound
// when there is none.
func (c *Client) Version(ctx context.Context, application, label string) (Version, error) {
	found, err := c.versions(ctx, &eb.DescribeApplicationVersionsInput{ApplicationName: &application, VersionLabels: []string{label}})
	if err == nil && len(found) == 0 {
		err = awsapi.ErrNotFound
	}
	if err != nil {
		return Version{}, fmt.Errorf("look for version %s: %w", label, err)
	}
	return found[0], nil
}

// CreateApplication creates an application. It succeeds when the application exists.
func (c *Changer) CreateApplication(ctx context.Context, name string) error {
	_, err := c.client.api.CreateApplication(ctx, &eb.CreateApplicationInput{ApplicationName: &name})
	if err = translate(err); err != nil && !errors.Is(err, awsapi.ErrTaken) {
		return fmt.Errorf("create application %q: %w", name, err)
	}
	return nil
}

// AllVersions returns all versions of an application, none when it doesn't exist.
func (c *Client) AllVersions(ctx context.Context, application string) ([]Version, error) {
	all, err := c.versions(ctx, &eb.DescribeApplicationVersionsInput{ApplicationName: &application})
	if err != nil && !errors.Is(err, awsapi.ErrNotFound) {
		return nil, fmt.Errorf("list the versions of application %q: %w", application, err)
	}
	return all, nil
}

// Applications returns which applications have a version of each label.
func (c *Client) Applications(ctx context.Context, labels []string) (map[string][]string, error) {
	all, err := c.versions(ctx, &eb.DescribeApplicationVersionsInput{VersionLabels: labels})
	if err != nil {
		return nil, fmt.Errorf("look for versions of the same label: %w", err)
	}
	found := map[string][]string{}
	for _, v := range all {
		found[v.Label] = append(found[v.Label], v.Application)
	}
	return found, nil
}

// versions reads all pages.
func (c *Client) versions(ctx context.Context, in *eb.DescribeApplicationVersionsInput) (all []Version, err error) {
	in.MaxRecords = aws.Int32(1000)
	for {
		out, err := c.api.DescribeApplicationVersions(ctx, in)
		if err != nil {
			return nil, translate(err)
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

// HasApplication reports whether AWS knows the application.
func (c *Client) HasApplication(ctx context.Context, application string) (bool, error) {
	out, err := c.api.DescribeApplications(ctx, &eb.DescribeApplicationsInput{ApplicationNames: []string{application}})
	if err != nil {
		return false, fmt.Errorf("look for application %q: %w", application, translate(err))
	}
	return len(out.Applications) > 0, nil
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

// versionBusyTimeout is how long AWS may report that an operation in progress uses a version.
const versionBusyTimeout = time.Minute

// DeleteVersion deletes a version, but not its bundle. AWS deletes a version even while an
// environment runs it, so the caller must check that before. DeleteVersion succeeds when the
// version is gone, and tries for a minute while an operation uses it.
func (c *Changer) DeleteVersion(ctx context.Context, application, label string) error {
	ctx, cancel := context.WithTimeout(ctx, versionBusyTimeout)
	defer cancel()
	for p := newPollInterval(); ; {
		_, err := c.client.api.DeleteApplicationVersion(ctx, &eb.DeleteApplicationVersionInput{ApplicationName: &application, VersionLabel: &label})
		switch err = translate(err); {
		case err == nil || errors.Is(err, awsapi.ErrNotFound):
			return nil
		case !errors.Is(err, awsapi.ErrNotReady) || p.pause(ctx) != nil:
			return fmt.Errorf("delete version %s: %w", label, err)
		}
	}
}
