package beanstalk

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs"
)

// Platform returns the ARN of the newest recommended version of a platform branch such as
// "ECS running on 64bit Amazon Linux 2023". AWS lets superseded versions be used only by
// accounts that used them in the last 30 days, so none is ever named in a configuration.
// The error wraps envs.ErrNotFound and names the branches that come nearest.
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
		return "", fmt.Errorf("look up platform %q: %w%s", branch, envs.ErrNotFound, nearest(branch, c.branches(ctx)))
	}
	return *newest.PlatformArn, nil
}

// newer says whether version a, numbers with dots between, comes after b.
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

// branches returns the names of all platform branches, none where they can't be had: they
// only go into a message.
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
