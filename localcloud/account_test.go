package localcloud

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestADeniedRightIsMissing(t *testing.T) {
	c := start(t, Config{Denied: []string{"elasticbeanstalk:Describe*", "s3:ListAllMyBuckets", "ecr:DescribeRepositories", "iam:*", "ec2:*"}})
	cfg := attempts(t, c, 1)
	eb := elasticbeanstalk.NewFromConfig(cfg)
	_, noApplications := eb.DescribeApplications(t.Context(), &elasticbeanstalk.DescribeApplicationsInput{})
	_, noBuckets := awss3.NewFromConfig(cfg).ListBuckets(t.Context(), &awss3.ListBucketsInput{})
	_, noRepositories := ecr.NewFromConfig(cfg).DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
	for err, want := range map[error]string{noApplications: "AccessDenied", noBuckets: "AccessDenied", noRepositories: "AccessDeniedException"} {
		if code(err) != want || !strings.Contains(err.Error(), ":user/local is not authorized to perform: ") {
			t.Errorf("%v, want %s", err, want)
		}
	}
	r := queryCall(c)
	r.service, r.body = "ec2", url.Values{"Action": {"DescribeAddresses"}, "Version": {"2016-11-15"}}.Encode()
	if resp, body := r.send(t, c); resp.StatusCode != 403 || !strings.Contains(body, "<Code>UnauthorizedOperation</Code>") {
		t.Errorf("EC2: %s %s", resp.Status, body)
	}
	if _, err := eb.CheckDNSAvailability(t.Context(), &elasticbeanstalk.CheckDNSAvailabilityInput{CNAMEPrefix: aws.String("free")}); err != nil {
		t.Errorf("a right that is not denied: %v", err)
	}
	if _, err := eb.DescribeEnvironments(t.Context(), &elasticbeanstalk.DescribeEnvironmentsInput{}); err != nil {
		t.Errorf("a list of environments that may not be seen is empty: %v", err)
	}
}
