package policy

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"beansprout/cmd/internal/project/config"
	"beansprout/envs"
)

// Scope is what a policy is narrowed to. An empty field stands for all that there are.
type Scope struct {
	Region, Account string
	Application     string
	Bucket          string // of records and bundles, instead of Beanstalk's own
	Repository      string // a name, or the URI of one in another account or region
	InstanceProfile string // name or ARN, as ServiceRole and OperationsRole; "" is AWS's conventional one
	ServiceRole     string
	OperationsRole  string   // "" is none
	Secrets         []string // ARNs
	NoECS           bool     // the platform is known to run no task of ECS
}

// Of returns the scope of a configuration. Region and account are "" if they are not known.
func Of(cfg *config.Config, region, account string) Scope {
	e := cfg.Environment
	s := Scope{
		Region: cmp.Or(region, cfg.Region), Account: account, Application: cfg.Application, Bucket: cfg.Store.Bucket, Repository: cfg.Registry.Repository,
		InstanceProfile: e.InstanceProfile, ServiceRole: e.ServiceRole, OperationsRole: e.OperationsRole,
		NoECS: e.Platform != "" && !strings.HasPrefix(e.Platform, "ECS "),
	}
	if s.Repository == "" && s.Application != "" {
		s.Repository = envs.DefaultRepository(s.Application)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Secrets)) {
		s.Secrets = append(s.Secrets, e.Secrets[name])
	}
	return s
}

// partition returns the partition of the region, and "*" if there is no region.
func (s Scope) partition() string {
	if s.Region == "" {
		return "*"
	}
	for _, p := range []struct{ prefix, name string }{
		{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"eusc-", "aws-eusc"},
		{"us-iso-", "aws-iso"}, {"us-isob-", "aws-iso-b"}, {"eu-isoe-", "aws-iso-e"}, {"us-isof-", "aws-iso-f"},
	} {
		if strings.HasPrefix(s.Region, p.prefix) {
			return p.name
		}
	}
	return "aws"
}

// arn returns the ARN of resources of a service in the account and region.
func (s Scope) arn(service, resource string) string {
	return strings.Join([]string{"arn", s.partition(), service, cmp.Or(s.Region, "*"), cmp.Or(s.Account, "*"), resource}, ":")
}

// beanstalk returns the ARN of resources of the application.
func (s Scope) beanstalk(kind, rest string) string {
	name := "*"
	if s.Application != "" {
		name = literal(s.Application)
	}
	return s.arn("elasticbeanstalk", kind+"/"+name+rest)
}

// literal writes a name so that IAM sees no wildcard and no variable in it.
func literal(name string) string {
	return strings.NewReplacer("$", "${$}", "*", "${*}", "?", "${?}").Replace(name)
}

// bucket returns the name of the bucket of records and bundles.
func (s Scope) bucket() string {
	if s.Bucket != "" {
		return s.Bucket
	}
	return s.ownBucket()
}

// ownBucket returns the name of Beanstalk's own bucket.
func (s Scope) ownBucket() string {
	switch {
	case s.Region == "" && s.Account == "":
		return "elasticbeanstalk-*"
	case s.Account == "":
		return "elasticbeanstalk-" + s.Region + "-*"
	case s.Region == "":
		return "elasticbeanstalk-*-" + s.Account
	}
	return "elasticbeanstalk-" + s.Region + "-" + s.Account
}

// object returns the ARN of a bucket or of objects.
func (s Scope) object(path string) string { return "arn:" + s.partition() + ":s3:::" + path }

// repository returns the ARN of the repository.
func (s Scope) repository() string {
	name := cmp.Or(s.Repository, "*")
	host, path, isURI := strings.Cut(name, "/")
	parts := strings.Split(host, ".")
	if !isURI || len(parts) < 5 || parts[1] != "dkr" {
		return s.arn("ecr", "repository/"+name)
	}
	s.Account, s.Region = parts[0], parts[3]
	return s.arn("ecr", "repository/"+path)
}

// role returns the ARN of a role by its name or ARN. That of an instance profile is taken to have the
// profile's name.
func (s Scope) role(name, conventional string) string {
	if strings.HasPrefix(name, "arn:") {
		return strings.Replace(name, ":instance-profile/", ":role/", 1)
	}
	return "arn:" + s.partition() + ":iam::" + cmp.Or(s.Account, "*") + ":role/" + cmp.Or(name, conventional)
}
