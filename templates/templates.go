// Package templates holds the files that a user starts from, as they are in this directory.
package templates

import _ "embed"

var (
	//go:embed beansprout.yaml
	config string
	//go:embed Dockerrun.template.json
	dockerrun string
	//go:embed Jenkinsfile.stage
	jenkinsStage string
	//go:embed iam-policy.json
	iamPolicy string
)

// Config returns a beansprout.yaml that says of every key what it is for.
func Config() string { return config }

// Dockerrun returns a Dockerrun.template.json that fits Config.
func Dockerrun() string { return dockerrun }

// JenkinsStage returns the stage of a declarative Jenkinsfile that runs up on feature branches.
func JenkinsStage() string { return jenkinsStage }

// IAMPolicy returns the policy for who runs Beansprout: the calls that it makes itself, changing
// only environments that carry its tag, with the roles and the bucket of the default settings.
// Without environment.operations_role Beanstalk does its own work with the caller's rights, too:
// for that AWS has the managed policy AdministratorAccess-AWSElasticBeanstalk. With one, the
// caller needs iam:PassRole for it.
func IAMPolicy() string { return iamPolicy }
