package beanstalk

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
)

func TestVersions(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1", "v2", "v3")
	create := func(label, key string, process bool) (*eb.CreateApplicationVersionOutput, error) {
		return c.CreateApplicationVersion(t.Context(), &eb.CreateApplicationVersionInput{ApplicationName: aws.String("shop"), VersionLabel: &label,
			Process: &process, SourceBundle: &types.S3Location{S3Bucket: aws.String(bucket), S3Key: &key}})
	}
	_, err := create("v1", "shop/v1.zip", false)
	refused(t, err, "InvalidParameterValue", "Application Version v1 already exists.")
	_, err = create("v4", "nothing.zip", false)
	refused(t, err, "InvalidParameterCombination", "Unable to download from S3 location (Bucket: "+bucket+"  Key: nothing.zip). Reason: Not Found")
	out, err := create("good", "shop/v1.zip", true)
	must(t, err)
	if out.ApplicationVersion.Status != "PROCESSING" {
		t.Errorf("created as %s", out.ApplicationVersion.Status)
	}
	c.eventually("processed", func() bool {
		out, err := c.DescribeApplicationVersions(t.Context(), &eb.DescribeApplicationVersionsInput{ApplicationName: aws.String("shop"), VersionLabels: []string{"good"}})
		must(t, err)
		return out.ApplicationVersions[0].Status == "PROCESSED"
	})
	must(t, c.service.within(wireCall(), c.service.db.Update, func(st *state) error {
		versions.put(st, version{Application: "shop", Label: "bad", Status: unusable, Created: time.Now()}, "shop", "bad")
		return nil
	}))
	in := launchInput("shop-x")
	in.VersionLabel = aws.String("bad")
	_, err = c.CreateEnvironment(t.Context(), in)
	refused(t, err, "InvalidParameterValue", "Application version bad is unusable and cannot be used with an environment")

	var labels []string
	for token := (*string)(nil); ; {
		out, err := c.DescribeApplicationVersions(t.Context(), &eb.DescribeApplicationVersionsInput{ApplicationName: aws.String("shop"), MaxRecords: aws.Int32(2), NextToken: token})
		must(t, err)
		for _, v := range out.ApplicationVersions {
			labels = append(labels, *v.VersionLabel)
		}
		if token = out.NextToken; token == nil {
			break
		}
	}
	if len(labels) != 5 || labels[4] != "v1" {
		t.Errorf("in pages, the newest first: %v", labels)
	}
	_, err = c.DeleteApplicationVersion(t.Context(), &eb.DeleteApplicationVersionInput{ApplicationName: aws.String("shop"), VersionLabel: aws.String("v3"), DeleteSourceBundle: aws.Bool(true)})
	must(t, err)
	if _, _, err := c.objects.Get(bucket, "shop/v3.zip"); err == nil {
		t.Error("the bundle is still there")
	}
	_, err = c.DeleteApplicationVersion(t.Context(), &eb.DeleteApplicationVersionInput{ApplicationName: aws.String("shop"), VersionLabel: aws.String("v3")})
	refused(t, err, "InvalidParameterValue", "No Application Version named 'v3' found.")
}

func TestDeleteApplication(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	e := c.launch(launchInput("shop-x"))
	_, err := c.DeleteApplication(t.Context(), &eb.DeleteApplicationInput{ApplicationName: aws.String("shop")})
	refused(t, err, "InvalidParameterValue", "Unable to delete application shop because it has a version that is deployed to a running environment.")
	out, err := c.DeleteApplication(t.Context(), &eb.DeleteApplicationInput{ApplicationName: aws.String("shop"), TerminateEnvByForce: aws.Bool(true)})
	must(t, err)
	c.settled(*e.EnvironmentId)
	request, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	texts := c.told(&eb.DescribeEventsInput{RequestId: &request})
	if texts[len(texts)-1] != "The application has been deleted successfully." {
		t.Errorf("events %q", texts)
	}
	apps, err := c.DescribeApplications(t.Context(), &eb.DescribeApplicationsInput{})
	must(t, err)
	versions, err := c.DescribeApplicationVersions(t.Context(), &eb.DescribeApplicationVersionsInput{})
	must(t, err)
	if len(apps.Applications)+len(versions.ApplicationVersions) != 0 {
		t.Errorf("left: %d applications, %d versions", len(apps.Applications), len(versions.ApplicationVersions))
	}
	if _, ok := c.service.Lookup("shop-x"); ok {
		t.Error("its CNAME still leads somewhere")
	}
}

func TestApplicationWithoutEnvironmentsIsDeletedAtOnce(t *testing.T) {
	c := start(t, t.TempDir())
	c.has("v1")
	_, err := c.DeleteApplication(t.Context(), &eb.DeleteApplicationInput{ApplicationName: aws.String("shop")})
	must(t, err)
	_, err = c.DeleteApplication(t.Context(), &eb.DeleteApplicationInput{ApplicationName: aws.String("shop")})
	refused(t, err, "InvalidParameterValue", "No Application named 'shop' found.")
}
