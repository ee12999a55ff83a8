package localcloud

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// sdk returns the configuration that users' SDKs load: with checksums on, unlike a bare client.
func sdk(t testing.TB, c *Cloud) aws.Config {
	t.Helper()
	key, secret := c.Credentials()
	cfg, err := config.LoadDefaultConfig(t.Context(),
		config.WithRegion("eu-west-1"),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(key, secret, "")),
		config.WithBaseEndpoint(c.Endpoint()),
		config.WithSharedConfigFiles(nil), config.WithSharedCredentialsFiles(nil))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestIdentityBySDK(t *testing.T) {
	c := start(t, Config{})
	client := sts.NewFromConfig(sdk(t, c))
	who, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:iam::" + c.id.Account + ":user/local"; *who.Account != c.id.Account || *who.Arn != want {
		t.Errorf("account %s, arn %s, want %s, %s", *who.Account, *who.Arn, c.id.Account, want)
	}
	presigned, err := sts.NewPresignClient(client).PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := get(t, presigned.URL); status != 200 || !strings.Contains(body, c.id.Account) {
		t.Errorf("presigned: %d %s", status, body)
	}
}

func TestErrorsReachTheSDK(t *testing.T) {
	c := start(t, Config{})
	cfg := sdk(t, c)
	_, err := elasticbeanstalk.NewFromConfig(cfg).DescribePlatformVersion(t.Context(), &elasticbeanstalk.DescribePlatformVersionInput{PlatformArn: aws.String("arn:x")})
	if code(err) == "" {
		t.Errorf("beanstalk: %v", err)
	}
	_, err = ecr.NewFromConfig(cfg).DescribeImages(t.Context(), &ecr.DescribeImagesInput{RepositoryName: aws.String("nobody")})
	if got := code(err); got != "RepositoryNotFoundException" {
		t.Errorf("ecr: %v", err)
	}
	_, err = ecr.NewFromConfig(cfg).DescribePullThroughCacheRules(t.Context(), &ecr.DescribePullThroughCacheRulesInput{})
	if got := code(err); got != "UnknownOperationException" {
		t.Errorf("unknown operation: %v", err)
	}
	_, err = awss3.NewFromConfig(cfg).GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("nobody"), Key: aws.String("k")})
	if got := code(err); got != "NoSuchBucket" {
		t.Errorf("s3: %v", err)
	}
}

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

func TestObjectsBySDK(t *testing.T) {
	c := start(t, Config{})
	client := awss3.NewFromConfig(sdk(t, c))
	if _, err := client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("bkt"),
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"k", "a b+c/ü", "x//y", "p%2Fq", "../.."} {
		body := make([]byte, 3<<20)
		_, _ = rand.Read(body)
		if _, err := client.PutObject(t.Context(), &awss3.PutObjectInput{Bucket: aws.String("bkt"), Key: &key, Body: bytes.NewReader(body)}); err != nil {
			t.Fatalf("put %q: %v", key, err)
		}
		out, err := client.GetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("bkt"), Key: &key})
		if err != nil {
			t.Fatalf("get %q: %v", key, err)
		}
		if got, err := io.ReadAll(out.Body); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%q: %d bytes, %v", key, len(got), err)
		}
		theirs, err := awss3.NewPresignClient(client).PresignGetObject(t.Context(), &awss3.GetObjectInput{Bucket: aws.String("bkt"), Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		for who, url := range map[string]string{"client's": theirs.URL, "ours": c.objects.URL("bkt", key, time.Minute)} {
			if status, got := get(t, url); status != 200 || got != string(body) {
				t.Errorf("presigned URL, %s, of %q: %d, %d bytes", who, key, status, len(got))
			}
		}
	}
}

func TestPresignedPutNeedsTheSignedKey(t *testing.T) {
	c := start(t, Config{})
	if err := c.objects.EnsureBucket("bkt"); err != nil {
		t.Fatal(err)
	}
	put, err := awss3.NewPresignClient(awss3.NewFromConfig(sdk(t, c))).PresignPutObject(t.Context(),
		&awss3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		url  string
		want int
	}{{put.URL, 200}, {strings.Replace(put.URL, "/bkt/k", "/bkt/other", 1), 403}} {
		r, err := http.NewRequest("PUT", tt.url, strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if resp, body := exchange(t, r); resp.StatusCode != tt.want {
			t.Errorf("PUT %s: %s %s, want %d", tt.url, resp.Status, body, tt.want)
		}
	}
}

func TestOneOfManyConditionalWritersWins(t *testing.T) {
	c := start(t, Config{})
	if err := c.objects.EnsureBucket("bkt"); err != nil {
		t.Fatal(err)
	}
	client := awss3.NewFromConfig(sdk(t, c))
	results := make(chan error)
	const writers = 20
	for i := range writers {
		go func() {
			_, err := client.PutObject(context.Background(), &awss3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("lease"),
				Body: strings.NewReader(fmt.Sprint(i)), IfNoneMatch: aws.String("*")})
			results <- err
		}()
	}
	won := 0
	for range writers {
		switch err := <-results; {
		case err == nil:
			won++
		case code(err) != "PreconditionFailed":
			t.Errorf("loser got %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d writers won", won)
	}
}

func TestStateOutlivesARestart(t *testing.T) {
	c := start(t, Config{})
	ctx := t.Context()
	client := awss3.NewFromConfig(sdk(t, c))
	if _, err := client.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: aws.String("bkt")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutObject(ctx, &awss3.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Body: strings.NewReader("kept")}); err != nil {
		t.Fatal(err)
	}
	url := c.objects.URL("bkt", "k", time.Hour)
	if _, err := elasticbeanstalk.NewFromConfig(sdk(t, c)).CreateApplication(ctx, &elasticbeanstalk.CreateApplicationInput{ApplicationName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	if _, err := ecr.NewFromConfig(sdk(t, c)).CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	stop(t, c)

	c = start(t, Config{Dir: c.cfg.Dir, Port: port(c.api)})
	if status, body := get(t, url); status != 200 || body != "kept" {
		t.Errorf("object: %d %s", status, body)
	}
	apps, err := elasticbeanstalk.NewFromConfig(sdk(t, c)).DescribeApplications(ctx, &elasticbeanstalk.DescribeApplicationsInput{})
	if err != nil || len(apps.Applications) != 1 {
		t.Errorf("applications: %v, %v", apps, err)
	}
	repos, err := ecr.NewFromConfig(sdk(t, c)).DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{})
	if err != nil || len(repos.Repositories) != 1 {
		t.Errorf("repositories: %v, %v", repos, err)
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, body := exchange(t, r)
	return resp.StatusCode, body
}
