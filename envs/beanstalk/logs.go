package beanstalk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs"
)

// maxTail bounds what is read of one instance's log tail, in bytes.
const maxTail = 1 << 20

// Tail returns the last lines of the logs of the environment's instances. AWS gathers them
// on request and hands out a presigned URL for a quarter of an hour.
func (c *Client) Tail(ctx context.Context, e envs.Env) (string, error) {
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
	for p := newPace(); ; {
		out, err := c.api.RetrieveEnvironmentInfo(ctx, &eb.RetrieveEnvironmentInfoInput{
			EnvironmentId: &e.ID, InfoType: types.EnvironmentInfoTypeTail,
		})
		if err != nil {
			return fail(translate(err))
		}
		if newest := latest(out.EnvironmentInfo, since.Add(-time.Second)); len(newest) > 0 {
			text, err := c.download(ctx, newest)
			if err != nil {
				return fail(err)
			}
			return text, nil
		}
		if err := p.pause(ctx); err != nil {
			return fail(err)
		}
	}
}

// latest returns the newest tail of each instance that was taken since the request.
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
		text, err := c.get(ctx, aws.ToString(d.Message))
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

// get reads what a presigned URL gives. The URL is a credential: it stays out of errors.
func (c *Client) get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", errors.New("AWS handed out an address that is none")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("download: %w", errors.Unwrap(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("download: S3 answers %s", resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxTail))
	return string(text), err
}
