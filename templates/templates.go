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
