package beanstalk

import (
	"fmt"
	"slices"
	"strings"

	"beansprout/pattern"
	"beansprout/spelling"
)

// commonOptions are the most used options by namespace: enough to find a misspelt one, but not
// all that exist.
var commonOptions = map[string][]string{
	nsEnvironment: {"EnvironmentType", "LoadBalancerIsShared", "LoadBalancerType", "ServiceRole"},
	nsGroup:       {"Availability Zones", "Cooldown", "Custom Availability Zones", "EnableCapacityRebalancing", "MaxSize", "MinSize"},
	nsLaunch: {"DisableIMDSv1", "EC2KeyName", "IamInstanceProfile", "ImageId", "InstanceType", "MonitoringInterval", "RootVolumeIOPS",
		"RootVolumeSize", "RootVolumeThroughput", "RootVolumeType", "SSHSourceRestriction", "SecurityGroups"},
	nsInstances:                            {"EnableSpot", "InstanceTypes", "SpotMaxPrice", "SupportedArchitectures"},
	"aws:ec2:vpc":                          {"AssociatePublicIpAddress", "DBSubnets", "ELBScheme", "ELBSubnets", "Subnets", "VPCId"},
	nsCommand:                              {"BatchSize", "BatchSizeType", "DeploymentPolicy", "IgnoreHealthCheck", "Timeout"},
	nsHealth:                               {"ConfigDocument", "EnhancedHealthAuthEnabled", "HealthCheckSuccessThreshold", "SystemType"},
	"aws:elb:loadbalancer":                 {"CrossZone", "ManagedSecurityGroup", "SSLCertificateId", "SecurityGroups"},
	nsBalancer:                             {"AccessLogsS3Bucket", "IdleTimeout", "SecurityGroups", "SharedLoadBalancer"},
	"aws:elasticbeanstalk:application":     {"Application Healthcheck URL"},
	"aws:elasticbeanstalk:cloudwatch:logs": {"DeleteOnTerminate", "RetentionInDays", "StreamLogs"},
	"aws:elasticbeanstalk:managedactions":  {"ManagedActionsEnabled", "PreferredStartTime", "ServiceRoleForManagedUpdates"},
	"aws:elasticbeanstalk:environment:process:default": {"DeregistrationDelay", "HealthCheckInterval", "HealthCheckPath", "HealthCheckTimeout",
		"HealthyThresholdCount", "MatcherHTTPCode", "Port", "Protocol", "StickinessEnabled", "UnhealthyThresholdCount"},
	"aws:elbv2:listener:default": {"DefaultProcess", "ListenerEnabled", "Protocol", "Rules", "SSLCertificateArns", "SSLPolicy"},
}

// maxTypos is how many letters may be wrong in a misspelt name.
const maxTypos = 2

// Misspelt returns the setting that was probably meant, or false when this one is known or none
// is similar.
func (s Setting) Misspelt() (meant Setting, misspelt bool) {
	if s.Namespace == nsVariables || s.Namespace == nsSecrets {
		return s, false
	}
	names, known := commonOptions[s.Namespace]
	for _, prefix := range []string{"aws:elasticbeanstalk:environment:process:", "aws:elbv2:listener:"} {
		if strings.HasPrefix(s.Namespace, prefix) { // the rest is the name of a process or listener
			names, known = commonOptions[prefix+"default"], true
		}
	}
	if !known {
		namespaces := []string{}
		for namespace, names := range commonOptions {
			if slices.Contains(names, s.Name) {
				namespaces = append(namespaces, namespace)
			}
		}
		slices.Sort(namespaces)
		meant = Setting{Namespace: spelling.Within(maxTypos, s.Namespace, namespaces), Name: s.Name}
		return meant, meant.Namespace != ""
	}
	if slices.Contains(names, s.Name) {
		return s, false
	}
	meant = Setting{Namespace: s.Namespace, Name: spelling.Within(maxTypos, s.Name, names)}
	return meant, meant.Name != ""
}

// instanceSizes are the most used sizes, the part of an instance type after the family (EC2 user
// guide, "Amazon EC2 instance type naming conventions").
var (
	instanceSizes = []string{"nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "metal"}
	instanceSize  = pattern.New(`^(nano|micro|small|medium|large|[1-9][0-9]*xlarge|xlarge|metal(-[1-9][0-9]*xl)?)$`)
)

// CheckInstanceType returns an error for an instance type with a size that no family has.
func CheckInstanceType(name string) error {
	_, size, _ := strings.Cut(name, ".")
	if instanceSize.MatchString(size) {
		return nil
	}
	return fmt.Errorf("no instance type of EC2 has the size %q (%s)%s", size, name, nearest(size, instanceSizes))
}

// nearest returns the end of a message about a name that doesn't exist: up to three similar names.
func nearest(name string, all []string) string {
	if len(all) == 0 {
		return ""
	}
	return "; the nearest: " + strings.Join(spelling.Sorted(name, all)[:min(len(all), 3)], ", ")
}
