package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/distribution/reference"
)

// A check refuses a text with an error that says what is wrong, and what would be right.
type check struct {
	test  func(string) error
	words []string // the only texts that pass; nil where others do
	wants string   // of a bool or a number: what is wanted, as in "true or false"
	rules []schema // the same as test, for the schema, as far as it can say that
}

// anything passes what the type of the field can have, and what a section or a reader checks itself.
var anything = all()

// want makes a check whose error is message, with the quoted text instead of %s. A message without
// %s does not repeat what may be secret.
func want(ok func(string) bool, message string, rules ...schema) check {
	return check{rules: rules, test: func(s string) error {
		if ok(s) {
			return nil
		}
		return errors.New(strings.ReplaceAll(message, "%s", quote(s)))
	}}
}

// match makes a check of the whole text against a pattern, which must mean the same in Go and in
// JavaScript.
func match(pattern, message string) check {
	return find(`^(?:`+pattern+`)$`, message)
}

// find makes a check that looks for a pattern anywhere in the text.
func find(pattern, message string) check {
	return want(lazily(pattern), message, matching(pattern, message))
}

// without makes a check that refuses a text in which there is the pattern.
func without(pattern, message string) check {
	found := lazily(pattern)
	return want(func(s string) bool { return !found(s) }, message, schema{"not": matching(pattern, "")})
}

// lazily compiles a pattern when it is needed: few are, and most runs of the program read no file.
func lazily(pattern string) func(string) bool {
	compiled := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
	return func(s string) bool { return compiled().MatchString(s) }
}

// all makes a check that passes what each of the checks passes.
func all(checks ...check) check {
	var rules []schema
	for _, c := range checks {
		rules = append(rules, c.rules...)
	}
	return check{rules: rules, test: func(s string) error {
		for _, c := range checks {
			if err := c.test(s); err != nil {
				return err
			}
		}
		return nil
	}}
}

func oneOf(words ...string) check {
	c := want(func(s string) bool { return slices.Contains(words, s) }, "%s won't do; want "+strings.Join(words, " or "), schema{"enum": words})
	c.words = words
	return c
}

// plain makes a check of what is not text in YAML.
func plain(wants string, ok func(string) bool, rules ...schema) check {
	c := want(ok, "want "+wants+", not %s", rules...)
	c.wants = wants
	return c
}

// number wants a whole number from low to high.
func number(low, high int) check {
	return plain(fmt.Sprintf("a whole number from %d to %d", low, high), func(s string) bool {
		n, err := strconv.Atoi(s)
		return err == nil && low <= n && n <= high
	}, schema{"minimum": low, "maximum": high})
}

// between wants a duration from low to high.
func between(low, high Duration) check {
	var rules []schema
	if low > 0 {
		rules = []schema{matching(`[1-9]`, fmt.Sprintf("want at least %s", low))}
	}
	return check{rules: rules, test: func(s string) error {
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
	checkTruth = plain("true or false", func(s string) bool { return strings.EqualFold(s, "true") || strings.EqualFold(s, "false") })
	checkDays  = all(between(0, year), want(isDays, "want whole days, as in 1d: ECR counts in nothing else"))
	checkLine  = all(find(`[^`+spaces+`]`, "is empty"), match(`[^\n\t]*`, "want one line without tabs"))

	checkLength = check{rules: []schema{{"maxLength": 100}}, test: func(s string) error {
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
	checkRelative = all(without(`^/`, "%s is absolute; want a path relative to "+Name), checkLine)
	checkInside   = all(checkRelative, want(filepath.IsLocal, "%s leaves its directory; want a path that stays inside",
		schema{"not": schema{"pattern": `^(?:\./+)*\.\.(?:/|$)`}}))
	checkArtifact = all(checkInside, find(`\.(?:war|jar|zip)$`, "%s won't do; want a .war, a .jar or a .zip"))
	checkURLPath  = match(urlPath, "%s is no path of a URL; want one as in /healthz")

	checkSlackUser = match(`[UW][A-Z0-9]{1,63}`, "%s won't do; want the id of a user of Slack as in U012AB3CD, which the user's profile shows (Copy member ID)")

	checkEnvironment  = match(`[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]`, "%s won't do; want the name of an environment")
	checkTemplate     = all(match(`[^/]{0,100}`, "%s won't do; want the name of a saved configuration: at most 100 characters, no slash"), checkLine)
	checkPlatform     = all(without(`^arn:`, `%s is one version of a platform; want a branch, as in "`+defaultPlatform+`"`), checkLine)
	checkInstanceType = match(`[a-z][a-z0-9-]*\.[a-z0-9-]+`, "%s won't do; want an EC2 instance type such as t3.small")
	checkProfile      = match(`(arn:aws[a-z-]*:iam::[0-9]{12}:instance-profile/)?`+roleName, "%s won't do; want the name or the ARN of an IAM instance profile")
	checkRole         = match(`(arn:aws[a-z-]*:iam::[0-9]{12}:role/)?`+roleName, "%s won't do; want the name or the ARN of an IAM role")
	checkRoleARN      = match(`arn:aws[a-z-]*:iam::[0-9]{12}:role/`+roleName, "%s won't do; want the ARN of a role, as in arn:aws:iam::123456789012:role/NAME")
	checkLoadBalancer = match(`arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:loadbalancer/app/[A-Za-z0-9-]+/[0-9a-f]+`,
		"%s won't do; want the ARN of an application load balancer, as in arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/NAME/0123456789abcdef")

	checkNamespace = all(
		without(`^aws:elasticbeanstalk:application:environment$`, "%s holds the environment's variables; write them under environment.variables"),
		without(`^aws:elasticbeanstalk:application:environmentsecrets$`, "%s holds the environment's secrets; write them under environment.secrets"),
		match(`aws:[a-zA-Z0-9]+(:[A-Za-z0-9_.-]+)*`, "%s won't do; want a namespace of options, as in aws:elasticbeanstalk:environment"))
	checkVariable = match(`[A-Za-z0-9_.:/+\\@-]{1,128}`, `%s won't do; want up to 128 letters, digits and _.:/+\-@`) // developer guide, "Environment properties"
	// What Beanstalk takes as the value of an option or a variable.
	checkValue = match(`[^\n]*`, `has a line break, which Beanstalk refuses; want one line (a text that begins with ">-" is folded to one)`)
	// A key of the secret's JSON may follow its name, and for ECS a stage and a version (developer
	// guide, "Using environment secrets"). An empty one is none.
	checkSecret = match(`|arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\w/+=.@-]+(:[^: \t\n]*){0,3}|ssm:[a-z0-9-]+:[0-9]{12}:parameter/[\w./-]+)`,
		"want the ARN of a secret in Secrets Manager or of a parameter in SSM, as in arn:aws:secretsmanager:us-east-1:123456789012:secret:NAME-a1B2c3")

	checkReference = check{rules: []schema{
		matching(`^(?:(?:`+host+`|\[[a-fA-F0-9:]+\])(?::[0-9]+)?/)?`+component+`(?:/`+component+`)*(?::\w[\w.-]{0,127})?(?:@sha(?:256:[a-f0-9]{64}|384:[a-f0-9]{96}|512:[a-f0-9]{128}))?$`, "want the name of an image"),
		{"not": schema{"pattern": `^[a-f0-9]{64}$`}},
	}, test: func(s string) error {
		if _, err := reference.ParseNormalizedNamed(s); err != nil {
			return fmt.Errorf("%s is no image's name: %w", quote(s), err)
		}
		return nil
	}}
	checkRemote = all(checkLine,
		without(`://[^/@:]*:[^/@]*@`, "has a password, which would lie in the file; want a URL without"),
		match(remote, "%s is no address of a git repository; want one as in git@github.com:acme/shop.git or https://github.com/acme/shop.git"))
	checkRepository = want(isRepository, "%s won't do; want a repository's name as in team/shop: 2 to 256 of a-z, 0-9 and single ._-/, "+
		"or its URI as in 123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/shop, without a tag", repositoryRules())
)

// Patterns, and parts of them.
const (
	// spaces are the characters that Unicode calls white space: what neither Go nor JavaScript has a class for that the other shares.
	spaces = "\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
	// urlPath is what url.ParseRequestURI takes as a path with a query.
	urlPath = `/(?:(?:[^\x00-\x20\x7f#/?%]|%[0-9A-Fa-f]{2})(?:[^\x00-\x20\x7f#?%]|%[0-9A-Fa-f]{2})*)?(?:\?[^\x00-\x20\x7f#]*)?`
	// remote is an address that git can list branches of without running another program: a path, git's
	// short form of an SSH address, or a URL.
	remote = `/[^\n\t]*|(?:[\w.-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*:[^/: \t\n-][^: \t\n]*` +
		`|(?:[Ff][Ii][Ll][Ee]://[^ \t\n/?#%]*|(?:[Hh][Tt][Tt][Pp][Ss]?|[Ss][Ss][Hh]|[Gg][Ii][Tt])://(?:[^ \t\n/@:?#%]+@)?(?:[^ \t\n/@:?#%\[\]]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?)` +
		`/(?:[^ \t\n%]|%[0-9A-Fa-f]{2})*`
	host      = `[A-Za-z0-9]+(?:(?:\.|-+)[A-Za-z0-9]+)*`
	component = `[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*`
	// ECR's own pattern (API reference, CreateRepository), and a host that may stand in front.
	repositoryName = `^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$`
	registryHost   = `^(?:` + host + `:[0-9]{1,5}|[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*\.` + host + `(?::[0-9]{1,5})?)/`
)

func isDays(s string) bool {
	d, err := ParseDuration(s)
	return err == nil && d%day == 0
}

var isRepositoryName, hasRegistryHost = lazily(repositoryName), lazily(registryHost)

func isRepository(s string) bool {
	if hasRegistryHost(s) {
		_, s, _ = strings.Cut(s, "/")
	}
	return 2 <= len(s) && len(s) <= 256 && isRepositoryName(s)
}

func repositoryRules() schema {
	afterHost := registryHost + strings.TrimPrefix(repositoryName, "^")
	return schema{
		"if":   schema{"pattern": registryHost},
		"then": schema{"allOf": []schema{{"pattern": afterHost}, {"pattern": `^[^/]*/[^\n]{2,256}$`}}},
		"else": schema{"pattern": repositoryName, "minLength": 2, "maxLength": 256},
	}
}

// quote quotes what a file says, in a length that a message can have.
func quote(s string) string {
	const limit = 100
	if r := []rune(s); len(r) > limit {
		s = string(r[:limit]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
