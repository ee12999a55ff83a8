package policy

import "strings"

// instance returns what the instances of an environment do with their profile.
//
// Sources, by the titles of AWS's pages: "AmazonEC2ContainerRegistryPullOnly" for the images;
// "AWSElasticBeanstalkWebTier" for the bucket and the health, of which this leaves out what no instance of
// Beansprout's does (X-Ray, CloudWatch Logs, Bedrock, and writing anywhere but into the logs);
// "AWSElasticBeanstalkMulticontainerDocker" for the agent of ECS; "Fetching secrets from AWS Secrets Manager
// and AWS Systems Manager Parameter Store" for environment.secrets. S3 answers that an object is missing, and
// not that it is forbidden, only to who may list the bucket.
func instance(s Scope) []statement {
	all := []statement{
		allow("RegistryToken", []string{"ecr:GetAuthorizationToken"}, []string{"*"}, nil),
		allow("PullImages", []string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}, []string{s.repository()}, nil),
		allow("ReadBundles", []string{"s3:GetObject"}, s.readable(), nil),
		allow("PublishLogs", []string{"s3:PutObject"}, []string{s.object(s.ownBucket() + "/resources/environments/logs/*")}, nil),
		allow("ReportHealth", []string{"elasticbeanstalk:PutInstanceStatistics"}, []string{s.beanstalk("application", ""), s.beanstalk("environment", "/*")}, nil),
	}
	if !s.NoECS {
		all = append(all,
			allow("RunTasks", []string{
				"ecs:DeregisterContainerInstance", "ecs:DescribeContainerInstances", "ecs:DescribeTasks", "ecs:DiscoverPollEndpoint", "ecs:Poll",
				"ecs:RegisterContainerInstance", "ecs:StartTask", "ecs:StartTelemetrySession", "ecs:StopTask", "ecs:Submit*",
			}, []string{"*"}, nil),
			allow("TagTasks", []string{"ecs:TagResource"}, []string{"*"},
				condition{"StringEquals": {"ecs:CreateAction": {"RegisterContainerInstance", "StartTask"}}}))
	}
	return append(all, s.reading()...)
}

// readable returns what Beanstalk has its instances read: its own bucket, and that of the bundles.
func (s Scope) readable() []string {
	all := []string{s.object(s.ownBucket() + "/*")}
	if s.Bucket != "" {
		all = append(all, s.object(s.Bucket+"/beansprout/*"))
	}
	return all
}

// reading returns the statements for the secrets.
func (s Scope) reading() (all []statement) {
	for _, kind := range []struct{ service, sid, action string }{
		{"secretsmanager", "ReadSecrets", "secretsmanager:GetSecretValue"}, {"ssm", "ReadParameters", "ssm:GetParameters"},
	} {
		var arns []string
		for _, arn := range s.Secrets {
			if strings.Contains(arn, ":"+kind.service+":") {
				arns = append(arns, arn)
			}
		}
		if arns != nil {
			all = append(all, allow(kind.sid, []string{kind.action}, arns, nil))
		}
	}
	return all
}
