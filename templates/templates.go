// Package templates holds the files of this directory, which a user starts from, that the program needs.
package templates

import _ "embed"

//go:embed iam-policy.json
var iamPolicy string

// IAMPolicy returns the IAM policy for the caller of Beansprout. It allows the calls that Beansprout
// makes itself, changes only to environments with its tag, and the roles and the bucket of the default
// settings. Beanstalk's own work needs more: the managed policy AdministratorAccess-AWSElasticBeanstalk
// or, with environment.operations_role, iam:PassRole for that role.
func IAMPolicy() string { return iamPolicy }

//go:embed Jenkinsfile.stage
var jenkinsStage string

// JenkinsStage returns the stage of a declarative Jenkins pipeline that deploys branches. It stands in
// stages { }.
func JenkinsStage() string { return jenkinsStage }

//go:embed github-workflow.yml
var gitHubWorkflow string

// GitHubWorkflow returns the workflow that deploys branches and pull requests: a file of .github/workflows.
func GitHubWorkflow() string { return gitHubWorkflow }

//go:embed gitlab-ci.yml
var gitLabJobs string

// GitLabJobs returns the jobs that deploy branches: a file that .gitlab-ci.yml includes.
func GitLabJobs() string { return gitLabJobs }
