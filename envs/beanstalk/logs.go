package beanstalk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

// maxTailBytes is how much of one instance's log tail is read.
const maxTailBytes = 1 << 20

// tailSpread is how long after the first tail those of other instances may arrive.
const tailSpread = 5 * time.Second

// Tail returns the last lines of the logs of the environment's instances, or only of those with
// the given ids. AWS collects them on request and provides presigned URLs, valid for 15 minutes.
func (c *Client) Tail(ctx context.Context, e Env, only ...string) (string, error) {
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("fetch the logs of environment %s: %w", e.Name, err)
	}
	asked, err := c.api.RequestEnvironmentInfo(ctx, &eb.RequestEnvironmentInfoInput{
		EnvironmentId: &e.ID, InfoType: types.EnvironmentInfoTypeTail,
	})
	if err != nil {
		return fail(translate(err))
	}
	since, _ := middleware.GetServerTime(asked.ResultMetadata)
	var first time.Time
	for p := newPollInterval(); ; {
		out, err := c.api.RetrieveEnvironmentInfo(ctx, &eb.RetrieveEnvironmentInfoInput{
			EnvironmentId: &e.ID, InfoType: types.EnvironmentInfoTypeTail,
		})
		if err != nil {
			return fail(translate(err))
		}
		newest := latest(out.EnvironmentInfo, since.Add(-time.Second))
		if wanted := ofInstances(newest, only); len(wanted) > 0 {
			text, err := c.download(ctx, wanted)
			if err != nil {
				return fail(err)
			}
			return text, nil
		}
		switch {
		case len(newest) == 0:
		case first.IsZero():
			first = time.Now()
		case time.Since(first) > tailSpread:
			return fail(fmt.Errorf("AWS has none of %s, which may be gone", strings.Join(only, ", ")))
		}
		if err := p.pause(ctx); err != nil {
			return fail(err)
		}
	}
}

// ofInstances returns the tails of these instances, or all tails when no instances are given.
func ofInstances(tails []types.EnvironmentInfoDescription, instances []string) []types.EnvironmentInfoDescription {
	if len(instances) == 0 {
		return tails
	}
	return slices.DeleteFunc(slices.Clone(tails), func(d types.EnvironmentInfoDescription) bool {
		return !slices.Contains(instances, aws.ToString(d.Ec2InstanceId))
	})
}

// latest returns the newest tail of each instance since the request.
func latest(all []types.EnvironmentInfoDescription, since time.Time) []types.EnvironmentInfoDescription {
	at := map[string]int{}
	var newest []types.EnvironmentInfoDescription
	for _, d := range all {
		if aws.ToTime(d.SampleTimestamp).Before(since) {
			continue
		}
		instance := aws.ToString(d.Ec2InstanceId)
		i, ok := at[instance]
		switch {
		case !ok:
			at[instance] = len(newest)
			newest = append(newest, d)
		case aws.ToTime(d.SampleTimestamp).After(aws.ToTime(newest[i].SampleTimestamp)):
			newest[i] = d
		}
	}
	return newest
}

func (c *Client) download(ctx context.Context, tails []types.EnvironmentInfoDescription) (string, error) {
	var b strings.Builder
	for _, d := range tails {
		text, err := c.fetch(ctx, aws.ToString(d.Message))
		if err != nil {
			return "", err
		}
		if len(tails) > 1 {
			fmt.Fprintf(&b, "== %s\n", aws.ToString(d.Ec2InstanceId))
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// fetch downloads from a presigned URL. The URL is a credential and must not be in errors.
func (c *Client) fetch(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", errors.New("AWS sent an invalid URL")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("download: %w", errors.Unwrap(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("download: S3 answers %s", resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxTailBytes))
	return string(text), err
}
