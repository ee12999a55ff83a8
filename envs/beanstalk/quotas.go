package beanstalk

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// Usage is how many there are of something in the region, in all applications, and how many there
// may be.
type Usage struct{ Used, Limit int }

// Left returns how many more there may be.
func (u Usage) Left() int { return max(0, u.Limit-u.Used) }

// Quotas are what Beanstalk limits in a region.
type Quotas struct{ Applications, Environments, Versions, SavedConfigurations Usage }

// Quotas returns Beanstalk's quotas, and how much of each is used.
func (c *Client) Quotas(ctx context.Context) (q Quotas, err error) {
	limits, err := c.api.DescribeAccountAttributes(ctx, &eb.DescribeAccountAttributesInput{})
	if err != nil || limits.ResourceQuotas == nil {
		return q, fmt.Errorf("read Beanstalk's quotas: %w", translate(err))
	}
	set := func(u *Usage, quota *types.ResourceQuota) {
		if quota != nil {
			u.Limit = int(aws.ToInt32(quota.Maximum))
		}
	}
	set(&q.Applications, limits.ResourceQuotas.ApplicationQuota)
	set(&q.Environments, limits.ResourceQuotas.EnvironmentQuota)
	set(&q.Versions, limits.ResourceQuotas.ApplicationVersionQuota)
	set(&q.SavedConfigurations, limits.ResourceQuotas.ConfigurationTemplateQuota)
	return q, c.countUsage(ctx, &q)
}

// countUsage counts what the quotas limit.
func (c *Client) countUsage(ctx context.Context, q *Quotas) error {
	applications, err := c.api.DescribeApplications(ctx, &eb.DescribeApplicationsInput{})
	if err != nil {
		return fmt.Errorf("count applications: %w", translate(err))
	}
	q.Applications.Used = len(applications.Applications)
	for _, a := range applications.Applications {
		q.SavedConfigurations.Used += len(a.ConfigurationTemplates)
	}
	versions, err := c.versions(ctx, &eb.DescribeApplicationVersionsInput{})
	if err != nil {
		return fmt.Errorf("count versions: %w", err)
	}
	q.Versions.Used = len(versions)
	_, err = c.EachEnvironment(ctx, "", func(Env) { q.Environments.Used++ })
	return err
}
