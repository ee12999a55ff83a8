package localcloud

import (
	"context"
	"slices"
	"strings"

	"beansprout/localcloud/wire"
)

// openQuotas adds Service Quotas.
func (c *Cloud) openQuotas(context.Context) error {
	c.services["servicequotas"] = speaksJSON(wire.CommonJSON("ServiceQuotasV20190624", map[string]wire.Operation{
		"GetServiceQuota":   wire.Op(c.getServiceQuota),
		"ListServiceQuotas": wire.Op(c.listServiceQuotas),
	}))
	return nil
}

// quota is one of Service Quotas' on the wire.
type quota struct {
	ServiceCode, ServiceName, QuotaArn, QuotaCode, QuotaName string
	Value                                                    float64
	Unit                                                     string
	Adjustable, GlobalQuota                                  bool
	QuotaAppliedAtLevel, Description                         string
}

// quotas returns the quotas of the services that have some here, by code and name.
func (c *Cloud) quotas(call wire.Call) []quota {
	const inRegion = "that you can create in this account in the current Region."
	q := c.beanstalk.Quotas
	all := []quota{
		{QuotaCode: "L-D64F1F14", QuotaName: "Application versions", Value: float64(q.Versions), Description: "The maximum number of application versions " + inRegion},
		{QuotaCode: "L-1CEABD17", QuotaName: "Applications", Value: float64(q.Applications), Description: "The maximum number of applications " + inRegion},
		{QuotaCode: "L-9838E43F", QuotaName: "Configuration templates", Value: float64(q.Templates), Description: "The maximum number of configuration templates " + inRegion},
		{QuotaCode: "L-E593A077", QuotaName: "Custom platform versions", Value: float64(q.Platforms), Description: "The maximum number of custom platform versions " + inRegion},
		{QuotaCode: "L-8EFC1C51", QuotaName: "Environments", Value: float64(q.Environments), Description: "The maximum number of environments " + inRegion},
		{QuotaCode: "L-0263D0A3", QuotaName: "EC2-VPC Elastic IPs", Value: float64(q.Addresses), ServiceCode: "ec2", ServiceName: "Amazon Elastic Compute Cloud (Amazon EC2)",
			Description: "The maximum number of Elastic IP addresses that you can allocate for EC2-VPC in this Region."},
	}
	for i := range all {
		if all[i].ServiceCode == "" {
			all[i].ServiceCode, all[i].ServiceName = "elasticbeanstalk", "AWS Elastic Beanstalk"
		}
		all[i].Unit, all[i].Adjustable, all[i].QuotaAppliedAtLevel = "None", true, "ACCOUNT"
		all[i].QuotaArn = wire.ARN("servicequotas", call.Region, call.Account, all[i].ServiceCode+"/"+all[i].QuotaCode)
	}
	return all
}

type quotaNamed struct {
	ServiceCode string `aws:"required,min=1,max=63,pattern=[a-zA-Z][a-zA-Z0-9-]{1,63}"`
	QuotaCode   string `aws:"required,min=1,max=128,pattern=[a-zA-Z][a-zA-Z0-9-]{1,128}"`
}

func (c *Cloud) getServiceQuota(_ context.Context, call wire.Call, in quotaNamed) (out struct{ Quota quota }, err error) {
	of, err := c.quotasOf(call, in.ServiceCode)
	if err != nil {
		return out, err
	}
	i := slices.IndexFunc(of, func(q quota) bool { return q.QuotaCode == in.QuotaCode })
	if i < 0 {
		return out, wire.Errorf("NoSuchResourceException", "The request failed because the specified quota doesn't exist.")
	}
	out.Quota = of[i]
	return out, nil
}

func (c *Cloud) quotasOf(call wire.Call, service string) ([]quota, error) {
	of := slices.DeleteFunc(c.quotas(call), func(q quota) bool { return q.ServiceCode != service })
	if len(of) == 0 {
		return nil, wire.Errorf("NoSuchResourceException", "This service is not available in the current Region. Choose a different Region or a different service.")
	}
	return of, nil
}

type listQuotasIn struct {
	ServiceCode string `aws:"required,min=1,max=63,pattern=[a-zA-Z][a-zA-Z0-9-]{1,63}"`
	NextToken   string `aws:"max=2048,pattern=[a-zA-Z0-9/+]*={0,2}"`
	MaxResults  *int   `aws:"min=1,max=100"`
}

type listQuotasOut struct {
	NextToken string
	Quotas    []quota
}

// listServiceQuotas continues after the quota whose code is the token, without its dash.
func (c *Cloud) listServiceQuotas(_ context.Context, call wire.Call, in listQuotasIn) (out listQuotasOut, err error) {
	rest, err := c.quotasOf(call, in.ServiceCode)
	if err != nil {
		return out, err
	}
	token := func(q quota) string { return strings.ReplaceAll(q.QuotaCode, "-", "") }
	if in.NextToken != "" {
		i := slices.IndexFunc(rest, func(q quota) bool { return token(q) == in.NextToken })
		if i < 0 {
			return out, wire.Errorf("InvalidPaginationTokenException", "Invalid NextToken.")
		}
		rest = rest[i+1:]
	}
	if n := in.MaxResults; n != nil && *n < len(rest) {
		rest, out.NextToken = rest[:*n], token(rest[*n-1])
	}
	out.Quotas = rest
	return out, nil
}
