package policy

import "cmp"

// A right allows one operation of AWS's. Operations are named as the local cloud's request log names them;
// those of the registry's protocol by the action that ECR asks for.
type right struct {
	operation string
	named     string // the action of IAM, if it has another name
	grant     string // Sid of the statement
	janitor   bool   // whether the janitor needs it, too
}

func (r right) action() string { return cmp.Or(r.named, r.operation) }

// grant is a statement of the deployer's and the janitor's policies.
type grant struct {
	sid       string
	resources func(Scope) []string
	condition condition
}

// featureTag is the tag of our environments, whatever its value.
const featureTag = "beansprout:feature"

// grants are in the order of the policy. What only looks is not narrowed: Beanstalk leaves out of a list what
// the caller may not see, and refuses nothing, so a janitor whose rights are too narrow would look idle.
var grants = []grant{
	{"Look", everything, nil},
	{"CreateEnvironmentsThatCarryOurTags", one(func(s Scope) string { return s.beanstalk("environment", "/*") }), condition{"Null": {"aws:RequestTag/" + featureTag: {"false"}}}},
	{"ChangeEnvironmentsThatCarryOurTags", one(func(s Scope) string { return s.beanstalk("environment", "/*") }), condition{"Null": {"aws:ResourceTag/" + featureTag: {"false"}}}},
	{"Versions", func(s Scope) []string {
		return []string{s.beanstalk("application", ""), s.beanstalk("applicationversion", "/*")}
	}, nil},
	{"CopiesOfConfigurations", one(func(s Scope) string { return s.beanstalk("configurationtemplate", "/beansprout-*") }), nil},
	{"StorageLocation", everything, nil},
	{"BundlesAndRecords", one(func(s Scope) string { return s.object(s.bucket() + "/beansprout/*") }), nil},
	{"WhatIsMissingThere", one(func(s Scope) string { return s.object(s.bucket()) }), nil},
	{"RegistryToken", everything, nil},
	{"Images", one(Scope.repository), nil},
}

func everything(Scope) []string { return []string{"*"} }

func one(resource func(Scope) string) func(Scope) []string {
	return func(s Scope) []string { return []string{resource(s)} }
}

// rights is the table. A test compares it with what the program calls in all stories. sts:GetCallerIdentity needs
// no right.
var rights = []right{
	{"elasticbeanstalk:CheckDNSAvailability", "", "Look", true},
	{"elasticbeanstalk:DescribeApplicationVersions", "", "Look", true},
	{"elasticbeanstalk:DescribeApplications", "", "Look", true},
	{"elasticbeanstalk:DescribeConfigurationSettings", "", "Look", false},
	{"elasticbeanstalk:DescribeEnvironments", "", "Look", true},
	{"elasticbeanstalk:DescribeEvents", "", "Look", true},
	{"elasticbeanstalk:ListPlatformBranches", "", "Look", false},
	{"elasticbeanstalk:ListPlatformVersions", "", "Look", false},
	{"elasticbeanstalk:ListTagsForResource", "", "Look", true},
	{"s3:ListBuckets", "s3:ListAllMyBuckets", "Look", true},

	{"elasticbeanstalk:CreateEnvironment", "", "CreateEnvironmentsThatCarryOurTags", false},
	{"elasticbeanstalk:CreateEnvironment", "elasticbeanstalk:AddTags", "CreateEnvironmentsThatCarryOurTags", false},

	{"elasticbeanstalk:AbortEnvironmentUpdate", "", "ChangeEnvironmentsThatCarryOurTags", true},
	{"elasticbeanstalk:RebuildEnvironment", "", "ChangeEnvironmentsThatCarryOurTags", true},
	{"elasticbeanstalk:RequestEnvironmentInfo", "", "ChangeEnvironmentsThatCarryOurTags", true},
	{"elasticbeanstalk:RetrieveEnvironmentInfo", "", "ChangeEnvironmentsThatCarryOurTags", true},
	{"elasticbeanstalk:TerminateEnvironment", "", "ChangeEnvironmentsThatCarryOurTags", true},
	{"elasticbeanstalk:UpdateEnvironment", "", "ChangeEnvironmentsThatCarryOurTags", true},

	{"elasticbeanstalk:CreateApplication", "", "Versions", false},
	{"elasticbeanstalk:CreateApplicationVersion", "", "Versions", false},
	{"elasticbeanstalk:DeleteApplicationVersion", "", "Versions", true},

	{"elasticbeanstalk:CreateConfigurationTemplate", "", "CopiesOfConfigurations", false},
	{"elasticbeanstalk:UpdateConfigurationTemplate", "", "CopiesOfConfigurations", false},

	{"elasticbeanstalk:CreateStorageLocation", "", "StorageLocation", false},

	{"s3:DeleteObject", "", "BundlesAndRecords", true},
	{"s3:GetObject", "", "BundlesAndRecords", true},
	{"s3:HeadObject", "s3:GetObject", "BundlesAndRecords", true},
	{"s3:PutObject", "", "BundlesAndRecords", true},
	{"s3:CreateMultipartUpload", "s3:PutObject", "BundlesAndRecords", false},
	{"s3:UploadPart", "s3:PutObject", "BundlesAndRecords", false},
	{"s3:CompleteMultipartUpload", "s3:PutObject", "BundlesAndRecords", false},

	{"s3:ListObjectsV2", "s3:ListBucket", "WhatIsMissingThere", true},

	{"ecr:GetAuthorizationToken", "", "RegistryToken", false},

	{"ecr:BatchCheckLayerAvailability", "", "Images", false},
	{"ecr:BatchDeleteImage", "", "Images", true},
	{"ecr:BatchGetImage", "", "Images", true},
	{"ecr:CompleteLayerUpload", "", "Images", false},
	{"ecr:CreateRepository", "", "Images", false},
	{"ecr:DeleteLifecyclePolicy", "", "Images", false},
	{"ecr:DescribeRepositories", "", "Images", true},
	{"ecr:GetLifecyclePolicy", "", "Images", true},
	{"ecr:InitiateLayerUpload", "", "Images", false},
	{"ecr:ListImages", "", "Images", true},
	{"ecr:PutImage", "", "Images", true},
	{"ecr:PutLifecyclePolicy", "", "Images", false},
	{"ecr:UploadLayerPart", "", "Images", false},
}
