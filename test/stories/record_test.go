package stories

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"beansprout/test/lab"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"
)

// record ENVIRONMENT [FIELD JSON]...: sets fields of the environment's record, as instances may
// that can write to the bucket; prints the record, and keeps it as RECORD.
func editRecord(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	api, bucket := storyBucket(ts)
	key := aws.String("beansprout/ledger/" + args[0] + ".json")
	object, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: key})
	ts.Check(err)
	defer object.Body.Close()
	text, err := io.ReadAll(object.Body)
	ts.Check(err)
	record := map[string]json.RawMessage{}
	ts.Check(json.Unmarshal(text, &record))
	for i := 1; i < len(args); i += 2 {
		record[args[i]] = json.RawMessage(args[i+1])
	}
	text, err = json.Marshal(record)
	ts.Check(err)
	if len(args) > 1 {
		_, err = api.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: key, Body: bytes.NewReader(text)})
		ts.Check(err)
	}
	ts.Setenv("RECORD", string(text))
	fmt.Fprintln(ts.Stdout(), string(text))
}

// storyBucket returns the bucket in which records are, and a client for it.
func storyBucket(ts *testscript.TestScript) (api *s3.Client, bucket string) {
	cloud := runningCloud(ts)
	api = s3.NewFromConfig(lab.Config(cloud), func(o *s3.Options) { o.UsePathStyle = true })
	return api, "elasticbeanstalk-" + lab.Region + "-" + cloud.Account
}

func awaitObject(ctx context.Context, ts *testscript.TestScript, key string) {
	api, bucket := storyBucket(ts)
	for {
		_, err := api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &bucket, Key: &key})
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			ts.Fatalf("the bucket has no object %s: %v", key, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// options APPLICATION ENVIRONMENT [NAMESPACE NAME VALUE]: sets an option by hand; prints all as
// NAMESPACE:NAME=VALUE and the description.
func editOptions(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
	defer cancel()
	api := storyBeanstalk(ts)
	if len(args) > 2 {
		_, err := api.UpdateEnvironment(ctx, &elasticbeanstalk.UpdateEnvironmentInput{
			EnvironmentName: &args[1], OptionSettings: []types.ConfigurationOptionSetting{{Namespace: &args[2], OptionName: &args[3], Value: &args[4]}},
		})
		ts.Check(err)
		awaitReady(ctx, ts, args[1])
	}
	out, err := api.DescribeConfigurationSettings(ctx, &elasticbeanstalk.DescribeConfigurationSettingsInput{ApplicationName: &args[0], EnvironmentName: &args[1]})
	ts.Check(err)
	for _, set := range out.ConfigurationSettings {
		fmt.Fprintln(ts.Stdout(), "description="+aws.ToString(set.Description))
		for _, o := range set.OptionSettings {
			fmt.Fprintf(ts.Stdout(), "%s:%s=%s\n", *o.Namespace, *o.OptionName, aws.ToString(o.Value))
		}
	}
}
