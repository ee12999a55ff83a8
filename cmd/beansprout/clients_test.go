package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/smithy-go"

	"beansprout/localcloud"
	"beansprout/localcloud/cloudtest"
)

// TestLongAnswersArriveAtTheFirstAttempt asks a server that answers at once, and at length. A
// lost answer would be asked for again, in silence: the server counts.
func TestLongAnswersArriveAtTheFirstAttempt(t *testing.T) {
	const reads, long = 40, 1 << 18 // without the copies one in four is lost
	answer := fmt.Sprintf(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
		`<Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, strings.Repeat("9", long))
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	c := localClients(localcloud.Running{Endpoint: server.URL, Key: "key", Secret: "secret"}, localRegion)
	for i := range reads {
		c.number = "" // which is remembered
		if account, err := c.account(t.Context()); err != nil || len(account) != long {
			t.Fatalf("read %d: %d digits, %v; want %d", i+1, len(account), err, long)
		}
	}
	if n := asked.Load(); n != reads {
		t.Errorf("the server was asked %d times for %d reads: %d answers were lost", n, reads, n-reads)
	}
}

// TestThousandEnvironmentsAreReadAtTheFirstAttempt reads them with the clients that the verbs
// use, 10 times, in the soak 200 times.
func TestThousandEnvironmentsAreReadAtTheFirstAttempt(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	environments, reads := 1000, 10
	if os.Getenv("BEANSPROUT_SOAK") == "1" {
		reads = 200
	}
	cloud, _ := crowdedCloud(t, environments, nil)
	client := localClients(runningOf(cloud), localRegion).beanstalk
	for i := range reads {
		rows, _, err := client.Environments(t.Context(), "")
		if err != nil || len(rows) != environments {
			t.Fatalf("read %d: %d environments, %v; want %d", i+1, len(rows), err, environments)
		}
	}
	asked := 0
	for _, call := range cloud.Calls() {
		if call.Action == "DescribeEnvironments" {
			asked++
		}
	}
	if asked != reads {
		t.Errorf("the cloud was asked %d times for %d reads: %d answers were lost", asked, reads, asked-reads)
	}
	t.Logf("%d reads of %d environments, %d calls", reads, environments, asked)
}

// crowdedCloud opens a local cloud without Docker that has n environments, and returns the
// directory in which --local finds it.
func crowdedCloud(t *testing.T, n int, dress func(i int, row map[string]any)) (*localcloud.Cloud, string) {
	t.Helper()
	dir := t.TempDir()
	cloud := openCloud(t, dir)
	launchOnly(t, cloud)
	if err := cloud.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := cloudtest.Multiply(dir, n, dress); err != nil {
		t.Fatal(err)
	}
	return openCloud(t, dir), dir
}

func openCloud(t *testing.T, dir string) *localcloud.Cloud {
	t.Helper()
	cloud, err := localcloud.Open(t.Context(), localcloud.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cloud.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return cloud
}

func runningOf(cloud *localcloud.Cloud) localcloud.Running {
	key, secret := cloud.Credentials()
	return localcloud.Running{Endpoint: cloud.Endpoint(), Key: key, Secret: secret}
}

// launchOnly makes the only environment of a cloud and waits until it is Ready.
func launchOnly(t *testing.T, cloud *localcloud.Cloud) {
	t.Helper()
	running := runningOf(cloud)
	eb := elasticbeanstalk.NewFromConfig(aws.Config{
		Region: localRegion, BaseEndpoint: &running.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(running.Key, running.Secret, ""),
	})
	if _, err := eb.CreateApplication(t.Context(), &elasticbeanstalk.CreateApplicationInput{ApplicationName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	stacks, err := eb.ListAvailableSolutionStacks(t.Context(), &elasticbeanstalk.ListAvailableSolutionStacksInput{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := eb.CreateEnvironment(t.Context(), &elasticbeanstalk.CreateEnvironmentInput{
		ApplicationName: aws.String("shop"), EnvironmentName: aws.String("shop-seed"), SolutionStackName: &stacks.SolutionStacks[0],
		OptionSettings: []types.ConfigurationOptionSetting{{
			Namespace: aws.String("aws:autoscaling:launchconfiguration"), OptionName: aws.String("IamInstanceProfile"),
			Value: aws.String("aws-elasticbeanstalk-ec2-role"),
		}},
	}); err != nil {
		t.Fatal(err)
	}
	for {
		out, err := eb.DescribeEnvironments(t.Context(), &elasticbeanstalk.DescribeEnvironmentsInput{})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Environments) == 1 && out.Environments[0].Status == types.EnvironmentStatusReady {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestTheRetryerIsPatientWithThrottlesAlone(t *testing.T) {
	r := retryer(time.Second)
	throttled, broken := &smithy.GenericAPIError{Code: "ThrottlingException"}, io.ErrUnexpectedEOF
	if d, err := r.RetryDelay(50, throttled); err != nil || d > time.Second {
		t.Errorf("after 50 throttles: %s, %v", d, err)
	}
	if _, err := r.RetryDelay(9, broken); err != nil {
		t.Errorf("after 9 broken answers: %v", err)
	}
	if _, err := r.RetryDelay(10, broken); !errors.Is(err, broken) {
		t.Errorf("after 10 broken answers: %v", err)
	}
}
