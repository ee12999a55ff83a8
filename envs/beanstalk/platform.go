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
		return "", fmt.Errorf("look up platform %q: %w%s", branch, envs.ErrNotFound, c.similar(ctx, branch))
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

// similar returns the names of platform branches that share words with the one that
// wasn't found, as the tail of a sentence.
func (c *Client) similar(ctx context.Context, branch string) string {
	out, err := c.api.ListPlatformBranches(ctx, &eb.ListPlatformBranchesInput{})
	if err != nil {
		return ""
	}
	var best []string
	most := 0
	for _, b := range out.PlatformBranchSummaryList {
		name := aws.ToString(b.BranchName)
		switch n := shared(branch, name); {
		case n > most:
			most, best = n, []string{name}
		case n == most && n > 0:
			best = append(best, name)
		}
	}
	if len(best) == 0 {
		return ""
	}
	return "; the nearest: " + strings.Join(best[:min(len(best), 3)], ", ")
}

// shared counts the words that two names have in common.
func shared(a, b string) int {
	words := map[string]bool{}
	for _, w := range strings.Fields(strings.ToLower(a)) {
		words[w] = true
	}
	n := 0
	for _, w := range strings.Fields(strings.ToLower(b)) {
		if words[w] {
			n++
		}
	}
	return n
}
