package project

import (
	"cmp"
	"errors"
	"fmt"

	"beansprout/cmd/internal/project/config"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
)

// An Error is a mistake in what a project is made from: its directory, its beansprout.yaml, a file
// or a variable that the latter names.
type Error struct {
	Kind Kind // None where Err says all
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

func errorf(format string, args ...any) error { return &Error{Err: fmt.Errorf(format, args...)} }

// Kind tells apart the mistakes that have a remedy of their own.
type Kind int

// The kinds.
const (
	None       Kind = iota
	NoFile          // there is no beansprout.yaml
	NoFeature       // no feature is named, and the checkout is on no branch
	NoTemplate      // the Dockerrun template can't be read
	NoArtifact      // the artifact doesn't exist
)

// AppleDoubleError is reported for a file that macOS made beside another, and that Beanstalk would
// read as configuration.
type AppleDoubleError struct {
	Beside string
	Err    error
}

func (e *AppleDoubleError) Error() string { return e.Err.Error() }

func (e *AppleDoubleError) Unwrap() error { return e.Err }

// BundleError is reported when what dockerrun.include names can't be packed.
type BundleError struct{ Err error }

func (e *BundleError) Error() string { return e.Err.Error() }

func (e *BundleError) Unwrap() error { return e.Err }

// OptionError is reported when AWS refuses an option that the file doesn't set.
type OptionError struct {
	File    string // "beansprout.yaml" where there is none
	Setting beanstalk.Setting
	Err     error
}

func (e *OptionError) Error() string { return e.Err.Error() }

func (e *OptionError) Unwrap() error { return e.Err }

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

// fieldKeys are the keys of beansprout.yaml that become fields of an envs.Deployment.
var fieldKeys = map[string]string{
	"Base.Platform":           "environment.platform",
	"Base.SavedConfiguration": "environment.saved_configuration",
	"Base.CopyFrom":           "environment.copy_from",
}

// Locate adds to an error about a field or an option that AWS rejects where the file sets it.
func (p *Project) Locate(err error) error {
	if field, ok := errors.AsType[*envs.FieldError](err); ok && fieldKeys[field.Field] != "" {
		path := fieldKeys[field.Field]
		return errorf("%s: %s: %w", p.Config.At(path), path, err)
	}
	if _, ok := errors.AsType[*envs.ArchitectureError](err); ok {
		return fmt.Errorf("%w (%s)", err, p.instancesAt())
	}
	if s, ok := beanstalk.Rejected(err); ok {
		return p.locateOption(s, err)
	}
	return err
}

func (p *Project) locateOption(s beanstalk.Setting, err error) error {
	within := namespaceKeys[s.Namespace]
	for _, path := range []string{
		"environment.options." + s.Namespace + "." + s.Name,
		within + "." + s.Name, within, ownKeys[s.String()], "environment.copy_from", "environment.saved_configuration",
	} {
		if at := p.Config.At(path); path != "" && at != p.Config.File {
			return errorf("%s: %s: %w", at, path, err)
		}
	}
	return &OptionError{cmp.Or(p.Config.File, config.Name), s, err}
}

// checkInstances refuses instance types that can't exist, and those of several architectures: one
// image runs on all of them.
func (p *Project) checkInstances() error {
	types := configured(p.settings).InstanceTypes()
	for _, t := range types {
		if err := beanstalk.CheckInstanceType(t); err != nil {
			return errorf("%s: %w", p.instancesAt(), err)
		}
	}
	for _, t := range types[min(1, len(types)):] {
		if a, b := beanstalk.Architecture(types[0]), beanstalk.Architecture(t); a != b {
			return errorf("%s: the instance types are of several architectures: %s is %s, %s is %s", p.instancesAt(), types[0], a, t, b)
		}
	}
	return nil
}

// instancesAt is where the file says what the instances are.
func (p *Project) instancesAt() string {
	return p.Config.At("environment.options.aws:ec2:instances.InstanceTypes",
		"environment.options.aws:autoscaling:launchconfiguration.InstanceType", "environment.instance_type")
}
