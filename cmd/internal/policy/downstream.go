package policy

import "slices"

// downstream returns the rights with which Beanstalk works: those of environment.operations_role or, if there
// is none, the caller's own. No request log shows them, because the calls are Beanstalk's.
//
// Sources, by the titles of AWS's pages: "AWSElasticBeanstalkRoleCore (Elastic Beanstalk operations role)",
// version of 2024-04-30, and "AWSElasticBeanstalkRoleECS", version of 2023-03-23, whose statements stand here in
// their order. Left out is what no environment of Beansprout's has: databases of RDS. The bucket, the roles that
// are passed on, and account and region are the scope's.
func downstream(s Scope) []statement {
	all := slices.Concat(instances(s), stacks(s), lookups())
	if !s.NoECS {
		all = append(all,
			allow("Clusters", []string{"ecs:CreateCluster", "ecs:DeRegisterTaskDefinition", "ecs:DeleteCluster", "ecs:RegisterTaskDefinition"}, []string{"*"}, nil),
			allow("TagClusters", []string{"ecs:TagResource"}, []string{"*"}, condition{"StringEquals": {"ecs:CreateAction": {"CreateCluster", "RegisterTaskDefinition"}}}))
	}
	passed := s
	passed.OperationsRole = "" // it passes on what the instances and the service take on, not itself
	return append(all, passing(passed)...)
}

// instances are the rights for instances and the groups that scale them.
func instances(s Scope) []statement {
	return []statement{
		allow("TerminateInstances", []string{"ec2:TerminateInstances"}, []string{s.arn("ec2", "instance/*")},
			condition{"StringLike": {"ec2:ResourceTag/aws:cloudformation:stack-id": {s.arn("cloudformation", "stack/awseb-e-*")}}}),
		allow("Network", []string{
			"ec2:AllocateAddress", "ec2:AssociateAddress", "ec2:AuthorizeSecurityGroup*", "ec2:CreateLaunchTemplate*", "ec2:CreateSecurityGroup", "ec2:CreateTags",
			"ec2:DeleteLaunchTemplate*", "ec2:DeleteSecurityGroup", "ec2:DeleteTags", "ec2:DisassociateAddress", "ec2:ReleaseAddress", "ec2:RevokeSecurityGroup*",
		}, []string{"*"}, nil),
		allow("RunInstances", []string{"ec2:RunInstances"}, []string{"*"}, condition{"ArnLike": {"ec2:LaunchTemplate": {s.arn("ec2", "launch-template/*")}}}),
		allow("AutoScaling", []string{
			"autoscaling:*AutoScalingGroup", "autoscaling:*LaunchConfiguration", "autoscaling:*LoadBalancer*", "autoscaling:*Tags", "autoscaling:AttachInstances",
			"autoscaling:DeleteScheduledAction", "autoscaling:DetachInstances", "autoscaling:PutNotificationConfiguration", "autoscaling:PutScalingPolicy",
			"autoscaling:PutScheduledUpdateGroupAction", "autoscaling:ResumeProcesses", "autoscaling:SuspendProcesses",
		}, []string{
			s.arn("autoscaling", "launchConfiguration:*:launchConfigurationName/awseb-e-*"), s.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/awseb-e-*"),
		}, nil),
		allow("ScalingPolicies", []string{"autoscaling:DeletePolicy"}, []string{"*"}, nil),
	}
}

// stacks are the rights for what an environment consists of beside its instances.
func stacks(s Scope) []statement {
	return []statement{
		allow("ServiceLinkedRole", []string{"iam:CreateServiceLinkedRole"},
			[]string{s.role("aws-service-role/elasticbeanstalk.amazonaws.com/AWSServiceRoleForElasticBeanstalk*", "")},
			condition{"StringLike": {"iam:AWSServiceName": {"elasticbeanstalk.amazonaws.com"}}}),
		allow("Objects", []string{"s3:Delete*", "s3:Get*", "s3:Put*"}, s.objects(), nil),
		allow("Buckets", []string{"s3:GetBucket*", "s3:ListBucket", "s3:PutBucketPolicy"}, []string{s.object(s.ownBucket())}, nil),
		allow("Stacks", []string{
			"cloudformation:CancelUpdateStack", "cloudformation:ContinueUpdateRollback", "cloudformation:CreateStack", "cloudformation:DeleteStack",
			"cloudformation:GetTemplate", "cloudformation:ListStackResources", "cloudformation:TagResource", "cloudformation:UntagResource", "cloudformation:UpdateStack",
		}, []string{s.arn("cloudformation", "stack/awseb-e-*")}, nil),
		allow("Alarms", []string{"cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"}, []string{s.arn("cloudwatch", "alarm:awseb-*")}, nil),
		allow("LoadBalancers", []string{
			"elasticloadbalancing:*Tags", "elasticloadbalancing:ConfigureHealthCheck", "elasticloadbalancing:Create*", "elasticloadbalancing:DeRegisterTargets",
			"elasticloadbalancing:Delete*", "elasticloadbalancing:DeregisterInstancesFromLoadBalancer", "elasticloadbalancing:Modify*",
			"elasticloadbalancing:RegisterInstancesWithLoadBalancer", "elasticloadbalancing:RegisterTargets",
			"elasticloadbalancing:SetLoadBalancerPoliciesOfListener", "elasticloadbalancing:SetRulePriorities",
		}, s.balancers(), nil),
	}
}

// lookups are the rights to look, anywhere.
func lookups() []statement {
	return []statement{
		allow("Describe", []string{
			"acm:Describe*", "acm:List*", "autoscaling:Describe*", "cloudformation:Describe*", "ec2:Describe*", "ecs:Describe*", "ecs:List*",
			"elasticloadbalancing:Describe*", "iam:List*", "logs:Describe*", "sns:List*",
		}, []string{"*"}, nil),
	}
}

// objects returns Beanstalk's buckets: its own, of the bundles, and those with its templates.
func (s Scope) objects() []string {
	all := []string{s.object(s.ownBucket() + "/*"), s.object("elasticbeanstalk-env-resources-*/*")}
	if s.Bucket != "" {
		all = append(all, s.object(s.Bucket+"/beansprout/*"))
	}
	return all
}

func (s Scope) balancers() (all []string) {
	for _, resource := range []string{
		"targetgroup/awseb-*", "loadbalancer/awseb-*", "loadbalancer/app/awseb-*/*", "loadbalancer/net/awseb-*/*",
		"listener/awseb-*", "listener/app/awseb-*", "listener/net/awseb-*", "listener-rule/app/awseb-*/*/*/*",
	} {
		all = append(all, s.arn("elasticloadbalancing", resource))
	}
	return all
}
