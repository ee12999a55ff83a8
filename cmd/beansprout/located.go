package main

import (
	"cmp"

	"beansprout/cmd/beansprout/config"
	"beansprout/envs/beanstalk"
)

// ownKeys are the keys of beansprout.yaml that become options of Beanstalk's.
var ownKeys = map[string]string{
	"aws:ec2:instances:InstanceTypes":                        "environment.instance_type",
	"aws:autoscaling:launchconfiguration:IamInstanceProfile": "environment.instance_profile",
	"aws:elasticbeanstalk:environment:ServiceRole":           "environment.service_role",
	"aws:elasticbeanstalk:environment:LoadBalancerIsShared":  "environment.shared_load_balancer",
	"aws:elasticbeanstalk:environment:LoadBalancerType":      "environment.shared_load_balancer",
	"aws:elbv2:loadbalancer:SharedLoadBalancer":              "environment.shared_load_balancer",
}

// namespaceKeys are those for whole namespaces.
var namespaceKeys = map[string]string{
	"aws:elasticbeanstalk:application:environment":        "environment.variables",
	"aws:elasticbeanstalk:application:environmentsecrets": "environment.secrets",
}

// located adds to an error about an option that Beanstalk rejects where the file sets it.
func located(cfg *config.Config, err error) error {
	s, ok := beanstalk.Rejected(err)
	if !ok {
		return err
	}
	within := namespaceKeys[s.Namespace]
	for _, path := range []string{
		"environment.options." + s.Namespace + "." + s.Name,
		within + "." + s.Name, within, ownKeys[s.String()], "environment.copy_from", "environment.saved_configuration",
	} {
		if at := cfg.At(path); path != "" && at != cfg.File {
			return usageErrorf("%s: %s: %w", at, path, err)
		}
	}
	return hint(err, "%s doesn't set %s; environment.options may", cmp.Or(cfg.File, config.Name), s)
}
