package account

import (
	"context"
	"errors"
	"net/url"
)

// elasticIPsCode is the quota of elastic IPs in a region (Service Quotas, "EC2-VPC Elastic IPs").
const elasticIPsCode = "L-0263D0A3"

// Addresses returns how many elastic IPs the region has, and how many it may have.
func (c *Client) Addresses(ctx context.Context) (used, limit int, err error) {
	if limit, err = c.quota(ctx, "ec2", elasticIPsCode); err != nil {
		return 0, 0, err
	}
	var out struct {
		Addresses []struct{} `xml:"addressesSet>item"`
	}
	err = c.query(ctx, "ec2", "EC2", "2016-11-15", "DescribeAddresses", url.Values{}, &out)
	return len(out.Addresses), limit, err
}

// quota returns the value of a quota: the account's own, or else AWS's default.
func (c *Client) quota(ctx context.Context, service, code string) (int, error) {
	var out struct{ Quota struct{ Value float64 } }
	in := map[string]string{"ServiceCode": service, "QuotaCode": code}
	ask := func(action string) error {
		return c.json(ctx, "servicequotas", "SERVICE_QUOTAS", "ServiceQuotasV20190624", action, in, &out)
	}
	err := ask("GetServiceQuota")
	if errors.Is(err, ErrMissing) {
		err = ask("GetAWSDefaultServiceQuota")
	}
	return int(out.Quota.Value), err
}
