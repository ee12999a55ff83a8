package beanstalk

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs/awsapi"
	"beansprout/pattern"
)

// Platform returns the ARN of the newest recommended version of a platform branch such as
// "ECS running on 64bit Amazon Linux 2023". A configuration never names a version, because AWS
// lets only accounts that used a superseded version in the last 30 days use it again. The error
// wraps awsapi.ErrNotFound and lists the nearest branches.
func (c *Client) Platform(ctx context.Context, branch string) (string, error) {
	pages := eb.NewListPlatformVersionsPaginator(c.api, &eb.ListPlatformVersionsInput{Filters: []types.PlatformFilter{
		{Type: aws.String("PlatformBranchName"), Operator: aws.String("="), Values: []string{branch}},
		{Type: aws.String("PlatformLifecycleState"), Operator: aws.String("="), Values: []string{"recommended"}},
	}})
	var newest types.PlatformSummary
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("look up platform %q: %w", branch, translate(err))
		}
		for _, p := range page.PlatformSummaryList {
			if newest.PlatformArn == nil || newer(aws.ToString(p.PlatformVersion), aws.ToString(newest.PlatformVersion)) {
				newest = p
			}
		}
	}
	if newest.PlatformArn == nil {
		return "", fmt.Errorf("look up platform %q: %w%s", branch, awsapi.ErrNotFound, nearest(branch, c.branches(ctx)))
	}
	return *newest.PlatformArn, nil
}

// newer reports whether version a, numbers separated by dots, is higher than b.
func newer(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return x > y
		}
	}
	return len(as) > len(bs)
}

// branches returns the names of all platform branches, fewer after an error: they are only for a
// message.
func (c *Client) branches(ctx context.Context) []string {
	var names []string
	pages := eb.NewListPlatformBranchesPaginator(c.api, &eb.ListPlatformBranchesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return names
		}
		for _, b := range page.PlatformBranchSummaryList {
			names = append(names, aws.ToString(b.BranchName))
		}
	}
	return names
}

// The architectures of instances, as Docker calls them.
const (
	AMD64 = "amd64"
	ARM64 = "arm64"
)

// family splits an instance family into series, generation and attributes ("c7gn" is c, 7, gn).
var family = pattern.New(`^[a-z]+([0-9]+)([a-z]*)`)

// Architecture returns the architecture of the processors of an EC2 instance type. Graviton
// families have a g among the attributes after the generation (EC2 user guide, "Naming
// conventions"); a1, Apple's and Grace's don't follow that rule. Unknown types are amd64.
func Architecture(instanceType string) string {
	name, _, _ := strings.Cut(strings.ToLower(instanceType), ".")
	switch {
	case name == "a1", strings.HasPrefix(name, "mac") && name != "mac1", strings.Contains(name, "-gb"):
		return ARM64
	}
	if m := family.FindStringSubmatch(name); m != nil && strings.Contains(m[2], "g") {
		return ARM64
	}
	return AMD64
}
