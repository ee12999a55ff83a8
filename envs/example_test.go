package envs_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/localcloud"
)

func ExampleManager() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "beansprout-")
	check(err)
	defer os.RemoveAll(dir)
	cloud, err := localcloud.Open(ctx, localcloud.Config{Dir: dir}) // stands in for AWS
	check(err)
	defer cloud.Close(ctx)
	key, secret := cloud.Credentials()
	account := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(cloud.Endpoint()),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	}
	manager, err := envs.New(ctx, account, envs.Config{
		Application: "shop", Repository: envs.Repository{Unused: true}, Days: envs.Days{TTL: 5 * 24 * time.Hour, Least: 24 * time.Hour},
	})
	check(err)

	options := envs.Options{By: "kim"}
	result, err := manager.Deploy(ctx, envs.Deployment{
		Feature: "login", Commit: "1a2b3c4", Owner: "Kim", Source: page("Hello"),
		Base: envs.Base{Platform: "Corretto 21 running on 64bit Amazon Linux 2023"},
		Settings: beanstalk.Settings{
			InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role",
		}.List(),
		Check: envs.HealthCheck{Off: true},
	}, options)
	check(err)
	fmt.Println(result.Outcome)

	list, err := manager.List(ctx, envs.Filter{})
	check(err)
	for _, e := range list.Environments {
		fmt.Println(e.Feature, e.State, e.Health, e.Owner, e.Expires.Sub(e.Created).Round(time.Hour))
	}
	e, err := manager.Extend(ctx, result.Environment, 24*time.Hour, options)
	check(err)
	fmt.Println(e.Expires.Sub(e.Created).Round(time.Hour))
	e, err = manager.Protect(ctx, e, "the customer looks at it", options)
	check(err)
	_, err = manager.Remove(ctx, e, envs.RemoveOptions{Options: options})
	protected, _ := errors.AsType[*envs.ProtectedError](err)
	fmt.Println("not removed:", protected.Reason)
	receipt, err := manager.Remove(ctx, e, envs.RemoveOptions{Options: options, Force: true, Purge: true})
	check(err)
	fmt.Println(len(receipt.Removed), "removed:", strings.Fields(receipt.Removed[0])[0])

	// Output:
	// created
	// login Ready Green Kim 120h0m0s
	// 144h0m0s
	// not removed: kim keeps it
	// 3 removed: environment
}

// page is the source of an application that is one file.
type page string

func (p page) Check(context.Context, string) error { return nil }

func (p page) Images(context.Context, envs.Target) ([]envs.Image, error) { return nil, nil }

func (p page) Forecast(context.Context, envs.Target) ([]envs.Image, bool, error) {
	return nil, true, nil
}

func (p page) Bundle(context.Context, []envs.Image, envs.Target) (envs.Bundle, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("index.html")
	check(err)
	fmt.Fprintln(w, p)
	check(z.Close())
	return envs.Bundle{
		File: file{bytes.NewReader(b.Bytes())}, Size: int64(b.Len()),
		Digest: fmt.Sprintf("%x", sha256.Sum256(b.Bytes())), Kind: "zip",
	}, nil
}

type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
