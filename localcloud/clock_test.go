package localcloud

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"beansprout/test/must"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

const day = 24 * time.Hour

func TestAllDatesFollowTheMovedClock(t *testing.T) {
	for _, ahead := range []time.Duration{5 * day, -5 * day} {
		c := start(t, Config{Offset: ahead})
		cfg := attempts(t, c, 1) // the client's clock is not moved
		near := func(what string, got *time.Time) {
			t.Helper()
			if d := got.Sub(time.Now().Add(ahead)); d.Abs() > time.Minute {
				t.Errorf("%s is off by %s with a clock moved by %s", what, d, ahead)
			}
		}
		app, err := elasticbeanstalk.NewFromConfig(cfg).CreateApplication(t.Context(), &elasticbeanstalk.CreateApplicationInput{ApplicationName: aws.String("shop")})
		if err != nil {
			t.Fatal(err)
		}
		near("an application", app.Application.DateCreated)
		repo, err := ecr.NewFromConfig(cfg).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("shop")})
		if err != nil {
			t.Fatal(err)
		}
		near("a repository", repo.Repository.CreatedAt)
		if err := errors.Join(c.objects.EnsureBucket("bkt"), c.objects.Put("bkt", "k", nil)); err != nil {
			t.Fatal(err)
		}
		head, err := awss3.NewFromConfig(cfg).HeadObject(t.Context(), &awss3.HeadObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k")})
		if err != nil {
			t.Fatal(err)
		}
		near("an object", head.LastModified)
	}
}

// The SDK corrects its clock by the last Date that it got.
func TestOneClientThroughManyMoves(t *testing.T) {
	c := start(t, Config{})
	client := ecr.NewFromConfig(attempts(t, c, 1))
	for _, d := range []time.Duration{0, 5 * day, 5 * day, -3 * day, time.Hour, -7 * day} {
		c.Advance(d)
		if _, err := client.DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{}); err != nil {
			t.Errorf("after a move by %s: %v", d, err)
		}
	}
}

func TestAdvanceExpiresTokens(t *testing.T) {
	c := start(t, Config{})
	token := c.registry.Token()
	for _, want := range []int{200, 403} {
		r, err := http.NewRequest("GET", c.Endpoint()+"/v2/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("AWS", token)
		if resp, _ := exchange(t, r); resp.StatusCode != want {
			t.Errorf("%s, want %d", resp.Status, want)
		}
		c.Advance(13 * time.Hour)
	}
}

func TestAdvanceEndsTransitions(t *testing.T) {
	c := start(t, Config{CreateTime: time.Hour})
	eb := elasticbeanstalk.NewFromConfig(attempts(t, c, 1))
	if _, err := eb.CreateApplication(t.Context(), &elasticbeanstalk.CreateApplicationInput{ApplicationName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	if _, err := eb.CreateEnvironment(t.Context(), &elasticbeanstalk.CreateEnvironmentInput{
		ApplicationName: aws.String("shop"), EnvironmentName: aws.String("shop-login"), SolutionStackName: aws.String(stackOf(t, eb, "ECS")),
		OptionSettings: []ebtypes.ConfigurationOptionSetting{{Namespace: aws.String("aws:autoscaling:launchconfiguration"),
			OptionName: aws.String("IamInstanceProfile"), Value: aws.String("aws-elasticbeanstalk-ec2-role")}},
	}); err != nil {
		t.Fatal(err)
	}
	status := func() ebtypes.EnvironmentStatus {
		out, err := eb.DescribeEnvironments(t.Context(), &elasticbeanstalk.DescribeEnvironmentsInput{})
		if err != nil {
			t.Fatal(err)
		}
		return out.Environments[0].Status
	}
	c.Advance(30 * time.Minute)
	if got := status(); got != "Launching" {
		t.Errorf("half way: %s", got)
	}
	c.Advance(30 * time.Minute)
	must.Wait(t, "Ready in the end", func() bool { return status() == "Ready" })
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if err := newClock(time.Now, 0).Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}
