package beanstalk

import (
	"slices"
	"strings"
	"time"
)

type listPlatformsIn struct {
	Filters    []filter
	MaxRecords int `aws:"min=1"`
	NextToken  string
}

type platformSummary struct {
	PlatformArn, PlatformOwner, PlatformStatus, PlatformCategory, OperatingSystemName, OperatingSystemVersion string
	PlatformLifecycleState, PlatformVersion, PlatformBranchName, PlatformBranchLifecycleState                 string
	SupportedTierList, SupportedAddonList                                                                     []string
}

type platformsOut struct {
	PlatformSummaryList []platformSummary
	NextToken           string
}

var tiers = []string{"WebServer/Standard", "Worker/SQS/HTTP"}

func (p platform) summary(region string) platformSummary {
	return platformSummary{
		PlatformArn: p.arn(region), PlatformOwner: "AWSElasticBeanstalk", PlatformStatus: "Ready", PlatformCategory: p.Family,
		OperatingSystemName: "Amazon Linux", OperatingSystemVersion: "2023", PlatformLifecycleState: p.lifecycle(), PlatformVersion: p.Version,
		PlatformBranchName: p.Branch, PlatformBranchLifecycleState: "supported", SupportedTierList: tiers,
		SupportedAddonList: []string{"Log/S3", "Monitoring/Healthd", "WorkerDaemon/SQSD"},
	}
}

func listPlatformVersions(st *state, in listPlatformsIn) (out platformsOut, err error) {
	for _, p := range platforms {
		s := p.summary(st.Region)
		ok, err := match(in.Filters, map[string][]string{
			"PlatformName": {p.Branch}, "PlatformVersion": {p.Version}, "PlatformStatus": {s.PlatformStatus}, "PlatformOwner": {s.PlatformOwner},
			"PlatformBranchName": {p.Branch}, "PlatformLifecycleState": {p.lifecycle()}, "PlatformBranchLifecycleState": {"supported"},
			"SupportedTier": tiers, "SupportedAddon": s.SupportedAddonList, "OperatingSystemName": {s.OperatingSystemName},
		})
		if err != nil {
			return out, err
		}
		if ok {
			out.PlatformSummaryList = append(out.PlatformSummaryList, s)
		}
	}
	slices.SortFunc(out.PlatformSummaryList, func(a, b platformSummary) int { return strings.Compare(a.PlatformArn, b.PlatformArn) })
	out.PlatformSummaryList, out.NextToken, err = page(out.PlatformSummaryList, in.MaxRecords, in.NextToken, func(s platformSummary) string { return s.PlatformArn })
	return out, err
}

type branchSummary struct {
	PlatformName, BranchName, LifecycleState string
	BranchOrder                              int
	SupportedTierList                        []string
}

type branchesOut struct {
	PlatformBranchSummaryList []branchSummary
	NextToken                 string
}

func listPlatformBranches(_ *state, in listPlatformsIn) (out branchesOut, err error) {
	for i, p := range platforms {
		if !p.Recommended {
			continue
		}
		ok, err := match(in.Filters, map[string][]string{
			"BranchName": {p.Branch}, "LifecycleState": {"supported"}, "PlatformName": {p.Family}, "TierType": tiers,
		})
		if err != nil {
			return out, err
		}
		if ok {
			out.PlatformBranchSummaryList = append(out.PlatformBranchSummaryList, branchSummary{p.Family, p.Branch, "supported", 100 + i, tiers})
		}
	}
	slices.SortFunc(out.PlatformBranchSummaryList, func(a, b branchSummary) int { return strings.Compare(a.BranchName, b.BranchName) })
	out.PlatformBranchSummaryList, out.NextToken, err = page(out.PlatformBranchSummaryList, in.MaxRecords, in.NextToken, func(b branchSummary) string { return b.BranchName })
	return out, err
}

type describePlatformIn struct{ PlatformArn string }

type describePlatformOut struct{ PlatformDescription platformDescription }

type platformDescription struct {
	platformSummary
	PlatformName, SolutionStackName, Description, Maintainer string
	DateCreated, DateUpdated                                 time.Time
}

func describePlatformVersion(st *state, in describePlatformIn) (out describePlatformOut, err error) {
	if in.PlatformArn == "" {
		return out, missing("You must specify a PlatformArn.")
	}
	p, err := findPlatform("", in.PlatformArn, st.Region)
	if err != nil {
		return out, err
	}
	born := time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)
	out.PlatformDescription = platformDescription{p.summary(st.Region), p.Branch, p.stack(), p.Branch, "AWS Elastic Beanstalk", born, born}
	return out, nil
}
