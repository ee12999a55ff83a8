package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/distribution/reference"
)

// A check refuses a text with an error that says what is wrong, and what would be right.
type check struct {
	test  func(string) error
	words []string // the only texts that pass; nil where others do
	wants string   // of a bool or a number: what is wanted, as in "true or false"
}

// anything passes what the type of the field can have, and what a section or a reader checks itself.
var anything = all()

// want makes a check whose error is message, with the quoted text instead of %s. A message without
// %s does not repeat what may be secret.
func want(ok func(string) bool, message string) check {
	return check{test: func(s string) error {
		if ok(s) {
			return nil
		}
		return errors.New(strings.ReplaceAll(message, "%s", quote(s)))
	}}
}

// match makes a check of the whole text against a pattern.
func match(pattern, message string) check {
	return want(regexp.MustCompile(`^(?:`+pattern+`)$`).MatchString, message)
}

// all makes a check that passes what each of the checks passes.
func all(checks ...check) check {
	return check{test: func(s string) error {
		for _, c := range checks {
			if err := c.test(s); err != nil {
				return err
			}
		}
		return nil
	}}
}

func oneOf(words ...string) check {
	c := want(func(s string) bool { return slices.Contains(words, s) }, "%s won't do; want "+strings.Join(words, " or "))
	c.words = words
	return c
}

// plain makes a check of what is not text in YAML.
func plain(wants string, ok func(string) bool) check {
	c := want(ok, "want "+wants+", not %s")
	c.wants = wants
	return c
}

// number wants a whole number from low to high.
func number(low, high int) check {
	return plain(fmt.Sprintf("a whole number from %d to %d", low, high), func(s string) bool {
		n, err := strconv.Atoi(s)
		return err == nil && low <= n && n <= high
	})
}

// between wants a duration from low to high.
func between(low, high Duration) check {
	return check{test: func(s string) error {
		d, err := ParseDuration(s)
		switch {
		case err != nil:
			return err
		case d < low:
			return fmt.Errorf("%s is too short; want at least %s", s, low)
		case d > high:
			return fmt.Errorf("%s is too long; want at most %s", s, high)
		}
		return nil
	}}
}

// roleName is a part of patterns: the name of an IAM role or instance profile, with its path.
const roleName = `[\w+=,.@/-]{1,128}`

var (
	checkTruth = plain("true or false", regexp.MustCompile(`^(?i:true|false)$`).MatchString)
	checkDays  = all(between(0, year), want(isDays, "want whole days, as in 1d: ECR counts in nothing else"))
	checkLine  = all(want(hasText, "is empty"), match(`[^\n\t]*`, "want one line without tabs"))

	checkLength = check{test: func(s string) error {
		if n := utf8.RuneCountInString(s); n > 100 {
			return fmt.Errorf("has %d characters; want at most 100", n)
		}
		return nil
	}}
	// What CreateApplication takes.
	checkApplication = all(checkLength, match(`[^/]*`, "%s has a slash, which Beanstalk refuses"), checkLine)
	checkRegion      = match(`[a-z]{2,}(-[a-z]+)+-[0-9]+`, "%s won't do; want an AWS region such as ap-northeast-2")
	checkBucket      = match(`[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`, "%s won't do; want the name of an S3 bucket: 3 to 63 of a-z, 0-9, . and -")

	checkImageName = match(`[A-Za-z0-9][A-Za-z0-9_-]{0,63}`, "%s won't do; want up to 64 letters, digits, - and _, a letter or digit first")
	checkArgument  = match(`[^= \t\n]+`, "%s won't do; want one that ARG takes, without spaces and =")
	checkEnv       = match(`[A-Za-z_][A-Za-z0-9_]*`, "%s won't do; want the name of an environment variable")
	checkValueName = match(`[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}`, "%s won't do; want up to 64 letters, digits and _.-, as ${value.NAME} names it")

	// Paths: one that does not depend on where the file's directory is, and one that stays inside.
	checkRelative = all(want(isRelative, "%s is absolute; want a path relative to "+Name), checkLine)
	checkInside   = all(checkRelative, want(filepath.IsLocal, "%s leaves its directory; want a path that stays inside"))
	checkArtifact = all(checkInside, match(`(?s).*\.(war|jar|zip)`, "%s won't do; want a .war, a .jar or a .zip"))
	checkURLPath  = want(isURLPath, "%s is no path of a URL; want one as in /healthz")

	checkSlackUser = match(`[UW][A-Z0-9]{1,63}`, "%s won't do; want the id of a user of Slack as in U012AB3CD, which the user's profile shows (Copy member ID)")

	checkEnvironment  = match(`[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]`, "%s won't do; want the name of an environment")
	checkTemplate     = all(match(`[^/]{0,100}`, "%s won't do; want the name of a saved configuration: at most 100 characters, no slash"), checkLine)
	checkPlatform     = all(want(isBranch, `%s is one version of a platform; want a branch, as in "`+defaultPlatform+`"`), checkLine)
	checkInstanceType = match(`[a-z][a-z0-9-]*\.[a-z0-9-]+`, "%s won't do; want an EC2 instance type such as t3.small")
	checkProfile      = match(`(arn:aws[a-z-]*:iam::[0-9]{12}:instance-profile/)?`+roleName, "%s won't do; want the name or the ARN of an IAM instance profile")
	checkRole         = match(`(arn:aws[a-z-]*:iam::[0-9]{12}:role/)?`+roleName, "%s won't do; want the name or the ARN of an IAM role")
	checkRoleARN      = match(`arn:aws[a-z-]*:iam::[0-9]{12}:role/`+roleName, "%s won't do; want the ARN of a role, as in arn:aws:iam::123456789012:role/NAME")
	checkLoadBalancer = match(`arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/app/[A-Za-z0-9-]+/[0-9a-f]+`,
		"%s won't do; want the ARN of an application load balancer, as in arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/NAME/0123456789abcdef")

	checkNamespace = all(
		want(differs("aws:elasticbeanstalk:application:environment"), "%s holds the environment's variables; write them under environment.variables"),
		want(differs("aws:elasticbeanstalk:application:environmentsecrets"), "%s holds the environment's secrets; write them under environment.secrets"),
		match(`aws:[a-zA-Z0-9]+(:[A-Za-z0-9_.-]+)*`, "%s won't do; want a namespace of options, as in aws:elasticbeanstalk:environment"))
	checkVariable = match(`[A-Za-z0-9_.:/+\\@-]{1,128}`, `%s won't do; want up to 128 letters, digits and _.:/+\-@`) // developer guide, "Environment properties"
	// What Beanstalk takes as the value of an option or a variable.
	checkValue = match(`[^\n]*`, `has a line break, which Beanstalk refuses; want one line (a text that begins with ">-" is folded to one)`)
	// A key of the secret's JSON may follow its name, and for ECS a stage and a version (developer
	// guide, "Using environment secrets"). An empty one is none.
	checkSecret = match(`|arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\w/+=.@-]+(:[^:\s]*){0,3}|ssm:[a-z0-9-]+:[0-9]{12}:parameter/[\w./-]+)`,
		"want the ARN of a secret in Secrets Manager or of a parameter in SSM, as in arn:aws:secretsmanager:us-east-1:123456789012:secret:NAME-a1B2c3")

	checkReference = check{test: func(s string) error {
		if _, err := reference.ParseNormalizedNamed(s); err != nil {
			return fmt.Errorf("%s is no image's name: %w", quote(s), err)
		}
		return nil
	}}
	checkRemote = all(checkLine, want(isRemote, "%s is no address of a git repository; want one as in git@github.com:acme/shop.git or https://github.com/acme/shop.git"),
		want(hasNoPassword, "has a password, which would lie in the file; want a URL without"))
	// ECR's own pattern (API reference, CreateRepository), and a host that may stand in front.
	repositoryPattern = regexp.MustCompile(`^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`)
	hostPattern       = regexp.MustCompile(`^[A-Za-z0-9]+((\.|-+)[A-Za-z0-9]+)*(:[0-9]{1,5})?$`)
	checkRepository   = want(isRepository, "%s won't do; want a repository's name as in team/shop: 2 to 256 of a-z, 0-9 and single ._-/, "+
		"or its URI as in 123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/shop, without a tag")
)

func isDays(s string) bool {
	d, err := ParseDuration(s)
	return err == nil && d%day == 0
}

func hasText(s string) bool { return strings.TrimSpace(s) != "" }

func isRelative(s string) bool { return !filepath.IsAbs(s) }

func isBranch(s string) bool { return !strings.HasPrefix(s, "arn:") }

func differs(from string) func(string) bool { return func(s string) bool { return s != from } }

func isURLPath(s string) bool {
	_, err := url.ParseRequestURI(s)
	return err == nil && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") && !strings.ContainsAny(s, " #\n\t")
}

// scpPattern is git's short form of an SSH address.
var scpPattern = regexp.MustCompile(`^([\w.-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*:[^/:\s-][^:\s]*$`)

// isRemote reports whether s is an address that git can list branches of without running another program.
func isRemote(s string) bool {
	if !strings.Contains(s, "://") {
		return filepath.IsAbs(s) || scpPattern.MatchString(s)
	}
	u, err := url.Parse(s)
	if err != nil || strings.ContainsAny(s, " \n\t") || u.Path == "" {
		return false
	}
	return u.Scheme == "file" || u.Hostname() != "" && slices.Contains([]string{"https", "http", "ssh", "git"}, u.Scheme)
}

func hasNoPassword(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.User == nil {
		return true
	}
	_, has := u.User.Password()
	return !has
}

func isRepository(s string) bool {
	if first, rest, ok := strings.Cut(s, "/"); ok && strings.ContainsAny(first, ".:") && hostPattern.MatchString(first) {
		s = rest
	}
	return 2 <= len(s) && len(s) <= 256 && repositoryPattern.MatchString(s)
}

// quote quotes what a file says, in a length that a message can have.
func quote(s string) string {
	const limit = 100
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
