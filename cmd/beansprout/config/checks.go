package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/distribution/reference"
)

// check says what is wrong with a string, and what would be right.
type check func(string) error

// maxVariables is how many bytes all variables may have as name=value (developer guide,
// "Environment properties").
const maxVariables = 4096

const roleName = `[\w+=,.@/-]{1,128}`

var (
	namePattern        = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	valuePattern       = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)
	envPattern         = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	regionPattern      = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	environmentPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]$`)
	instancePattern    = regexp.MustCompile(`^[a-z][a-z0-9-]*\.[a-z0-9-]+$`)
	namespacePattern   = regexp.MustCompile(`^aws:[a-zA-Z0-9]+(:[A-Za-z0-9_.-]+)*$`)
	arnPattern         = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/` + roleName + `$`)
	// A key of the secret's JSON may stand behind its name, and for ECS a stage and a version
	// (developer guide, "Using environment secrets").
	secretPattern   = regexp.MustCompile(`^arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\w/+=.@-]+(:[^:\s]*){0,3}|ssm:[a-z0-9-]+:[0-9]{12}:parameter/[\w./-]+)$`)
	balancerPattern = regexp.MustCompile(`^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/app/[A-Za-z0-9-]+/[0-9a-f]+$`)
	bucketPattern   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	// ECR's own pattern (API reference, CreateRepository).
	repositoryPattern = regexp.MustCompile(`^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`)
	hostPattern       = regexp.MustCompile(`^[A-Za-z0-9]+((\.|-+)[A-Za-z0-9]+)*(:[0-9]{1,5})?$`)
)

func matching(pattern *regexp.Regexp, want string) check {
	return func(s string) error {
		if !pattern.MatchString(s) {
			return fmt.Errorf("%s won't do; %s", quote(s), want)
		}
		return nil
	}
}

func oneOf(words ...string) check {
	return func(s string) error {
		for _, w := range words {
			if s == w {
				return nil
			}
		}
		return fmt.Errorf("%s won't do; want %s", quote(s), strings.Join(words, " or "))
	}
}

func anything(string) error { return nil }

// checkLine wants text on one line.
func checkLine(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return errors.New("is empty")
	case strings.ContainsAny(s, "\n\t"):
		return errors.New("want one line without tabs")
	}
	return nil
}

func checkName(s string) error {
	return matching(namePattern, "want up to 64 letters, digits, - and _, a letter or digit first")(s)
}

func checkValueName(s string) error {
	return matching(valuePattern, "want up to 64 letters, digits and _.-, as ${value.NAME} names it")(s)
}

// checkApplication wants what CreateApplication takes.
func checkApplication(s string) error {
	if n := utf8.RuneCountInString(s); n > 100 {
		return fmt.Errorf("has %d characters; want at most 100", n)
	}
	if strings.Contains(s, "/") {
		return fmt.Errorf("%s has a slash, which Beanstalk refuses", quote(s))
	}
	return checkLine(s)
}

func checkTemplate(s string) error {
	if utf8.RuneCountInString(s) > 100 || strings.Contains(s, "/") {
		return fmt.Errorf("%s won't do; want the name of a saved configuration: at most 100 characters, no slash", quote(s))
	}
	return checkLine(s)
}

func checkPlatform(s string) error {
	if strings.HasPrefix(s, "arn:") {
		return fmt.Errorf(`%s is one version of a platform; want a branch, as in "%s"`, quote(s), defaultPlatform)
	}
	return checkLine(s)
}

// checkRole wants the name or the ARN of a role or an instance profile.
func checkRole(kind string) check {
	pattern := regexp.MustCompile(`^(arn:aws[a-z-]*:iam::[0-9]{12}:` + kind + `/)?` + roleName + `$`)
	return matching(pattern, "want the name or the ARN of an IAM "+strings.ReplaceAll(kind, "-", " "))
}

func checkARN(s string) error {
	return matching(arnPattern, "want the ARN of a role, as in arn:aws:iam::123456789012:role/NAME")(s)
}

func checkNamespace(s string) error {
	switch s {
	case "aws:elasticbeanstalk:application:environment":
		return fmt.Errorf("%q holds the environment's variables; write them under environment.variables", s)
	case "aws:elasticbeanstalk:application:environmentsecrets":
		return fmt.Errorf("%q holds the environment's secrets; write them under environment.secrets", s)
	}
	return matching(namespacePattern, "want a namespace of options, as in aws:elasticbeanstalk:environment")(s)
}

func checkVariable(s string) error {
	if strings.ContainsAny(s, "=\n\t ") || s == "" || len(s) > 128 {
		return fmt.Errorf("%s won't do; want up to 128 characters without spaces and =", quote(s))
	}
	return nil
}

// checkSecret doesn't repeat what may be the secret itself.
func checkSecret(s string) error {
	if !secretPattern.MatchString(s) {
		return errors.New("want the ARN of a secret in Secrets Manager or of a parameter in SSM, as in arn:aws:secretsmanager:us-east-1:123456789012:secret:NAME-a1B2c3")
	}
	return nil
}

func checkLoadBalancer(s string) error {
	return matching(balancerPattern, "want the ARN of an application load balancer, as in arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/NAME/0123456789abcdef")(s)
}

func checkBucket(s string) error {
	return matching(bucketPattern, "want the name of an S3 bucket: 3 to 63 of a-z, 0-9, . and -")(s)
}

// checkRepository wants a name, or a host and a name.
func checkRepository(s string) error {
	name := s
	if first, rest, ok := strings.Cut(s, "/"); ok && strings.ContainsAny(first, ".:") && hostPattern.MatchString(first) {
		name = rest
	}
	if len(name) < 2 || len(name) > 256 || !repositoryPattern.MatchString(name) {
		return fmt.Errorf("%s won't do; want a repository's name as in team/shop: 2 to 256 of a-z, 0-9 and single ._-/, "+
			"or its URI as in 123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/shop, without a tag", quote(s))
	}
	return nil
}

// checkRelative wants a path that means the same wherever the directory of the file lies.
func checkRelative(s string) error {
	if filepath.IsAbs(s) {
		return fmt.Errorf("%s is absolute; want a path relative to %s", quote(s), Name)
	}
	return checkLine(s)
}

// checkInside wants a path that doesn't leave its directory.
func checkInside(s string) error {
	if err := checkRelative(s); err != nil {
		return err
	}
	if !filepath.IsLocal(s) {
		return fmt.Errorf("%s leaves its directory; want a path that stays inside", quote(s))
	}
	return nil
}

// checkArtifact wants a file that Beanstalk takes as a bundle.
func checkArtifact(s string) error {
	if err := checkInside(s); err != nil {
		return err
	}
	switch filepath.Ext(s) {
	case ".war", ".jar", ".zip":
		return nil
	}
	return fmt.Errorf("%s won't do; want a .war, a .jar or a .zip", quote(s))
}

func checkReference(s string) error {
	if _, err := reference.ParseNormalizedNamed(s); err != nil {
		return fmt.Errorf("%s is no image's name: %w", quote(s), err)
	}
	return nil
}
