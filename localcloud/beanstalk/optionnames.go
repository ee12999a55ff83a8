package beanstalk

import (
	"slices"
	"strings"

	"beansprout/pattern"
)

// optionNames lists the options of each namespace (developer guide, "General options for all
// environments"). A namespace that ends in ":" stands for all that begin with it. A namespace that is
// not listed may have any option.
var optionNames = map[string]string{
	"aws:autoscaling:asg": "Availability Zones|Cooldown|Custom Availability Zones|EnableCapacityRebalancing|MaxSize|MinSize",
	"aws:autoscaling:launchconfiguration": "AssociatePublicIpAddress|BlockDeviceMappings|DisableDefaultEC2SecurityGroup|DisableIMDSv1|EC2KeyName|" +
		"IamInstanceProfile|ImageId|InstanceType|LaunchTemplateTagPropagationEnabled|MonitoringInterval|RootVolumeIOPS|RootVolumeSize|" +
		"RootVolumeThroughput|RootVolumeType|SSHSourceRestriction|SecurityGroups",
	"aws:autoscaling:scheduledaction": "DesiredCapacity|EndTime|MaxSize|MinSize|Recurrence|StartTime|Suspend",
	"aws:autoscaling:trigger": "BreachDuration|EvaluationPeriods|LowerBreachScaleIncrement|LowerThreshold|MeasureName|Period|Statistic|Unit|" +
		"UpperBreachScaleIncrement|UpperThreshold",
	"aws:autoscaling:updatepolicy:rollingupdate": "MaxBatchSize|MinInstancesInService|PauseTime|RollingUpdateEnabled|RollingUpdateType|Timeout",
	"aws:ec2:instances": "EnableSpot|InstanceTypes|SpotAllocationStrategy|SpotFleetOnDemandAboveBasePercentage|SpotFleetOnDemandBase|" +
		"SpotMaxPrice|SupportedArchitectures",
	"aws:ec2:vpc":                                        "AssociatePublicIpAddress|DBSubnets|ELBScheme|ELBSubnets|Subnets|VPCId",
	"aws:elasticbeanstalk:application":                   "Application Healthcheck URL",
	"aws:elasticbeanstalk:control":                       "DefaultSSHPort|LaunchTimeout|LaunchType|RollbackLaunchOnFailure",
	"aws:elasticbeanstalk:command":                       "BatchSize|BatchSizeType|DeploymentPolicy|IgnoreHealthCheck|Timeout",
	"aws:elasticbeanstalk:hostmanager":                   "LogPublicationControl",
	"aws:elasticbeanstalk:monitoring":                    "Automatically Terminate Unhealthy Instances",
	"aws:elasticbeanstalk:sns:topics":                    "Notification Endpoint|Notification Protocol|Notification Topic ARN|Notification Topic Name",
	"aws:elasticbeanstalk:xray":                          "XRayEnabled",
	"aws:elasticbeanstalk:cloudwatch:logs":               "DeleteOnTerminate|RetentionInDays|StreamLogs",
	"aws:elasticbeanstalk:cloudwatch:logs:health":        "DeleteOnTerminate|HealthStreamingEnabled|RetentionInDays",
	"aws:elasticbeanstalk:environment":                   "EnvironmentType|ExternalExtensionsS3Bucket|ExternalExtensionsS3Key|LoadBalancerIsShared|LoadBalancerType|ServiceRole",
	"aws:elasticbeanstalk:environment:proxy":             "ProxyServer",
	"aws:elasticbeanstalk:healthreporting:system":        "ConfigDocument|EnhancedHealthAuthEnabled|HealthCheckSuccessThreshold|SystemType",
	"aws:elasticbeanstalk:managedactions":                "ManagedActionsEnabled|PreferredStartTime|ServiceRoleForManagedUpdates",
	"aws:elasticbeanstalk:managedactions:platformupdate": "InstanceRefreshEnabled|UpdateLevel",
	"aws:elasticbeanstalk:trafficsplitting":              "EvaluationTime|NewVersionPercent",
	"aws:elasticbeanstalk:environment:process:": "DeregistrationDelay|HealthCheckInterval|HealthCheckPath|HealthCheckTimeout|HealthyThresholdCount|" +
		"MatcherHTTPCode|Port|Protocol|StickinessEnabled|StickinessLBCookieDuration|StickinessType|UnhealthyThresholdCount",
	"aws:elasticbeanstalk:sqsd": "ConnectTimeout|ErrorVisibilityTimeout|HttpConnections|HttpPath|InactivityTimeout|MaxRetries|MimeType|" +
		"RetentionPeriod|VisibilityTimeout|WorkerQueueURL",
	"aws:elb:healthcheck": "HealthyThreshold|Interval|Target|Timeout|UnhealthyThreshold",
	"aws:elb:loadbalancer": "CrossZone|LoadBalancerHTTPPort|LoadBalancerHTTPSPort|LoadBalancerPortProtocol|LoadBalancerSSLPortProtocol|" +
		"ManagedSecurityGroup|SSLCertificateId|SecurityGroups",
	"aws:elb:listener":  "InstancePort|InstanceProtocol|ListenerEnabled|ListenerProtocol|PolicyNames|SSLCertificateId",
	"aws:elb:listener:": "InstancePort|InstanceProtocol|ListenerEnabled|ListenerProtocol|PolicyNames|SSLCertificateId",
	"aws:elb:policies": "ConnectionDrainingEnabled|ConnectionDrainingTimeout|ConnectionSettingIdleTimeout|LoadBalancerPorts|" +
		"Stickiness Cookie Expiration|Stickiness Policy",
	"aws:elbv2:listener:":     "DefaultProcess|ListenerEnabled|Protocol|Rules|SSLCertificateArns|SSLPolicy",
	"aws:elbv2:listenerrule:": "HostHeaders|PathPatterns|Priority|Process",
	"aws:elbv2:loadbalancer": "AccessLogsS3Bucket|AccessLogsS3Enabled|AccessLogsS3Prefix|IdleTimeout|IpAddressType|ManagedSecurityGroup|" +
		"SecurityGroups|SharedLoadBalancer",
	"aws:rds:dbinstance": "DBAllocatedStorage|DBDeletionPolicy|DBEngine|DBEngineVersion|DBInstanceClass|DBPassword|DBSnapshotIdentifier|" +
		"DBUser|HasCoupledDatabase|MultiAZDatabase",
}

// exists reports whether AWS knows the option. Case matters.
func (o option) exists() bool {
	for _, ns := range namespaces {
		if ns != o.Namespace && !(strings.HasSuffix(ns, ":") && strings.HasPrefix(o.Namespace, ns)) {
			continue
		}
		names, listed := optionNames[ns]
		return o.OptionName != "" && (!listed || slices.Contains(strings.Split(names, "|"), o.OptionName))
	}
	return false
}

// instanceSizes matches EC2's instance types by their sizes (EC2 user guide, "Instance type naming
// conventions").
var instanceSizes = pattern.New(`^[a-z][a-z0-9-]*\.(nano|micro|small|medium|large|[1-9][0-9]*xlarge|xlarge|metal(-[1-9][0-9]*xl)?)$`)

// wrongInstance returns why a list of instance types is invalid, and "" if it is valid.
func wrongInstance(value string) string {
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.TrimSpace(name); !instanceSizes.MatchString(name) {
			family, _, _ := strings.Cut(name, ".")
			var allowed []string
			for _, size := range []string{"nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"} {
				allowed = append(allowed, family+"."+size)
			}
			return "Value is not one of the allowed values: [" + strings.Join(allowed, ", ") + "]"
		}
	}
	return ""
}
