package config

import (
	"fmt"
	"strings"
	"testing"

	"beansprout/test/must"
)

// under returns a file whose third line sets a key in a section.
func under(section, line string) string {
	return "application: shop\n" + section + ":\n  " + line + "\n"
}

var refusals = []struct{ name, text, want string }{
	{"misspelt key", "aplication: shop\n", `f:1:1: unknown key "aplication"; did you mean application?`},
	{"misspelt key in a section", under("environment", "instancetype: t3.small"),
		`f:3:3: unknown key "instancetype" in environment; did you mean instance_type?`},
	{"unknown key", under("ledger", "zzz: 1"), `f:3:3: unknown key "zzz" in ledger; known are bucket`},
	{"unknown key after wide characters", "application: shop\nslack: {channel: 한국, 채널: a}\n", `f:2:22: unknown key "채널" in slack; known are channel, users`},
	{"path of a key as a key", "application: shop\nenvironment.url: http\n", `f:2:1: unknown key "environment.url"; did you mean environment?`},
	{"path of a key in a section", under("environment", "check.path: /"), `f:3:3: unknown key "check.path" in environment; known are check, copy_from, instance_profile, instance_type, operations_role, options, platform, saved_configuration, secrets, service_role, shared_load_balancer, url, variables`},
	{"nothing", "", `f:1:1: application is missing; it names the Elastic Beanstalk application, as in "application: shop"`},
	{"comments alone", "# application: shop\n", `f:1:1: application is missing; it names the Elastic Beanstalk application, as in "application: shop"`},
	{"no keys", "application\n", `f:1:1: the file must hold keys with values, as in "application: shop", not text`},
	{"a list", "- application: shop\n", `f:1:1: the file must hold keys with values, as in "application: shop", not a list`},

	{"number for text", "application: 2048\n", `f:1:14: application: want text, not a number; write "2048"`},
	{"truth for text", "application: true\n", `f:1:14: application: want text, not true or false; write "true"`},
	{"no value", "application:\n", `f:1:1: application: has no value; put it in quotes if it is empty or begins with #`},
	{"user of Slack by name", under("slack", "users: [kim]"), `f:3:11: slack.users[0]: "kim" won't do; want the id of a user of Slack as in U012AB3CD, which the user's profile shows (Copy member ID)`},
	{"value in a comment", under("slack", "channel: #qa"), `f:3:3: slack.channel: has no value; put it in quotes if it is empty or begins with #`},
	{"value in a comment in brackets", "application: shop\nslack: {channel: #qa}\n", `f:2:16: a key here has no value; put text that begins with # in quotes`},
	{"keys for text", "application:\n  name: shop\n", `f:2:3: application: want a single value, not keys with values`},
	{"list for text", "application: [shop]\n", `f:1:14: application: want a single value, not a list`},
	{"text for keys", "application: shop\nregistry: shop\n", `f:2:11: registry: want keys with values, not text`},
	{"text for a list", under("dockerrun", "include: .platform"), `f:3:12: dockerrun.include: want a list, not text`},
	{"number in a list", under("dockerrun", "include: [a, 1]"), `f:3:16: dockerrun.include[1]: want text, not a number; write "1"`},
	{"list for a variable", under("environment", "variables: {A: [b]}"), `f:3:18: environment.variables.A: want a single value, not a list`},
	{"quoted number", under("expire", `max_deletions: "10"`), `f:3:18: expire.max_deletions: want a whole number from 1 to 1000, not "10"`},

	{"slash in the application", "application: a/b\n", `f:1:14: application: "a/b" has a slash, which Beanstalk refuses`},
	{"slash in folded text", "application: >-\n  a\n  /b\n", `f:1:14: application: "a /b" has a slash, which Beanstalk refuses`},
	{"long application", "application: " + strings.Repeat("ü", 101) + "\n", `f:1:14: application: has 101 characters; want at most 100`},
	{"empty application", `application: ""`, `f:1:14: application: is empty`},
	{"region", "application: shop\nregion: Seoul\n", `f:2:9: region: "Seoul" won't do; want an AWS region such as ap-northeast-2`},
	{"name of an image", under("build", "we b: {}"),
		`f:3:3: build.we b: the name "we b" won't do; want up to 64 letters, digits, - and _, a letter or digit first`},
	{"absolute context", under("build", "web: {context: /src}"), `f:3:18: build.web.context: "/src" is absolute; want a path relative to beansprout.yaml`},
	{"Dockerfile outside", under("build", "web: {dockerfile: ../Dockerfile}"),
		`f:3:21: build.web.dockerfile: "../Dockerfile" leaves its directory; want a path that stays inside`},
	{"template outside", under("dockerrun", "template: a/../../b"), `f:3:13: dockerrun.template: "a/../../b" leaves its directory; want a path that stays inside`},
	{"absolute template", under("dockerrun", "template: /etc/passwd"), `f:3:13: dockerrun.template: "/etc/passwd" is absolute; want a path relative to beansprout.yaml`},
	{"include outside", under("dockerrun", "include: [..]"), `f:3:13: dockerrun.include[0]: ".." leaves its directory; want a path that stays inside`},
	{"secret from nowhere", under("build", "web: {secrets: [{id: a}]}"),
		`f:3:19: build.web.secrets[0]: want an id, and either a file or an env, as in {id: npmrc, file: .npmrc}`},
	{"secret from everywhere", under("build", "web: {secrets: [{id: a, file: b, env: C}]}"),
		`f:3:19: build.web.secrets[0]: want an id, and either a file or an env, as in {id: npmrc, file: .npmrc}`},
	{"environment variable of a secret", under("build", "web: {secrets: [{id: a, env: $C}]}"),
		`f:3:32: build.web.secrets[0].env: "$C" won't do; want the name of an environment variable`},
	{"secret without an id", under("build", `web: {secrets: [{id: "", env: C}]}`), `f:3:24: build.web.secrets[0].id: is empty`},
	{"name of an argument", under("build", `web: {args: {"A B": 1}}`), `f:3:16: build.web.args.A B: the name "A B" won't do; want one that ARG takes, without spaces and =`},
	{"list for an argument", under("build", `web: {args: {A: [1]}}`), `f:3:19: build.web.args.A: want a single value, not a list`},
	{"agent without an id", under("build", `web: {ssh: ["=key"]}`), `f:3:15: build.web.ssh[0]: the id is empty; want default, an id, or an id with a path, as in deploy=/run/agent.sock`},
	{"agent without a path", under("build", `web: {ssh: ["a="]}`), `f:3:15: build.web.ssh[0]: the path behind a= is empty`},
	{"agent twice", under("build", `web: {ssh: [a, a=b]}`), `f:3:18: build.web.ssh[1]: the id "a" is there twice`},
	{"platform of an image", under("build", "web: {platform: linux/386}"), `f:3:19: build.web.platform: "linux/386" won't do; want linux/amd64 or linux/arm64`},
	{"image for its layers", under("build", "web: {cache_from: [a, Shop]}"), `f:3:25: build.web.cache_from[1]: "Shop" is no image's name: invalid reference format: repository name (library/Shop) must be lowercase`},
	{"network", under("build", "web: {network: bridge}"), `f:3:18: build.web.network: "bridge" won't do; want default or none or host`},
	{"pull", under("build", "web: {pull: always}"), `f:3:15: build.web.pull: want true or false, not "always"`},
	{"pull of nothing", under("build", "web: {pull: }"), `f:3:9: build.web.pull: has no value; put it in quotes if it is empty or begins with #`},
	{"size", under("build", "web: {warn_size: large}"), `f:3:20: build.web.warn_size: "large" is no size; want one such as 200MB or 1.5GiB`},
	{"scan", under("registry", "scan_on_push: 1"), `f:3:17: registry.scan_on_push: want true or false, not "1"`},
	{"repository", under("registry", "repository: Shop"), `f:3:15: registry.repository: "Shop" won't do; want a repository's name as in team/shop: 2 to 256 of a-z, 0-9 and single ._-/, or its URI as in 123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/shop, without a tag`},
	{"half a day of images", under("registry", "expire_images_after: 36h"), `f:3:24: registry.expire_images_after: want whole days, as in 1d: ECR counts in nothing else`},
	{"platform version", under("environment", "platform: arn:aws:x"),
		`f:3:13: environment.platform: "arn:aws:x" is one version of a platform; want a branch, as in "ECS running on 64bit Amazon Linux 2023"`},
	{"saved configuration", under("environment", "saved_configuration: a/b"),
		`f:3:24: environment.saved_configuration: "a/b" won't do; want the name of a saved configuration: at most 100 characters, no slash`},
	{"instance type", under("environment", "instance_type: big"), `f:3:18: environment.instance_type: "big" won't do; want an EC2 instance type such as t3.small`},
	{"instance profile", under("environment", "instance_profile: a b"), `f:3:21: environment.instance_profile: "a b" won't do; want the name or the ARN of an IAM instance profile`},
	{"service role", under("environment", "service_role: arn:aws:iam::1:role/x"),
		`f:3:17: environment.service_role: "arn:aws:iam::1:role/x" won't do; want the name or the ARN of an IAM role`},
	{"operations role", under("environment", "operations_role: x"),
		`f:3:20: environment.operations_role: "x" won't do; want the ARN of a role, as in arn:aws:iam::123456789012:role/NAME`},
	{"namespace", under("environment", "options: {foo: {A: b}}"),
		`f:3:13: environment.options.foo: the name "foo" won't do; want a namespace of options, as in aws:elasticbeanstalk:environment`},
	{"variables as options", under("environment", `options: {"aws:elasticbeanstalk:application:environment": {A: b}}`),
		`f:3:13: environment.options.aws:elasticbeanstalk:application:environment: the name "aws:elasticbeanstalk:application:environment" holds the environment's variables; write them under environment.variables`},
	{"secrets as options", under("environment", `options: {"aws:elasticbeanstalk:application:environmentsecrets": {A: b}}`),
		`f:3:13: environment.options.aws:elasticbeanstalk:application:environmentsecrets: the name "aws:elasticbeanstalk:application:environmentsecrets" holds the environment's secrets; write them under environment.secrets`},
	{"secret in the clear", under("environment", "secrets: {A: hunter2}"),
		`f:3:16: environment.secrets.A: want the ARN of a secret in Secrets Manager or of a parameter in SSM, as in arn:aws:secretsmanager:us-east-1:123456789012:secret:NAME-a1B2c3`},
	{"secret and variable", under("environment", "{variables: {A: b}, secrets: {A: \"arn:aws:ssm:us-east-1:123456789012:parameter/a\"}}"),
		`f:3:36: environment.secrets.A: is a variable, too; keep one of them`},
	{"load balancer", under("environment", "shared_load_balancer: arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/a/1"),
		`f:3:25: environment.shared_load_balancer: "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/net/a/1" won't do; want the ARN of an application load balancer, as in arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/NAME/0123456789abcdef`},
	{"load balancer of a single instance", under("environment", "{shared_load_balancer: \"arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/a/1\", options: {\"aws:elasticbeanstalk:environment\": {EnvironmentType: SingleInstance}}}"),
		`f:3:166: environment.options.aws:elasticbeanstalk:environment.EnvironmentType: environment.shared_load_balancer decides that; leave this out`},
	{"options without a namespace", under("environment", "options: {\"aws:x\": b}"), `f:3:22: environment.options.aws:x: want keys with values, not text`},
	{"name of a variable", under("environment", "variables: {A=B: c}"),
		`f:3:15: environment.variables.A=B: the name "A=B" won't do; want up to 128 letters, digits and _.:/+\-@`},
	{"name of a variable with a comma", under("environment", "variables: {\"A,B\": c}"),
		`f:3:15: environment.variables.A,B: the name "A,B" won't do; want up to 128 letters, digits and _.:/+\-@`},
	{"name of a variable in another script", under("environment", "variables: {변수: c}"),
		`f:3:15: environment.variables.변수: the name "변수" won't do; want up to 128 letters, digits and _.:/+\-@`},
	{"name and value of a variable", under("environment", "variables: {A=B: \"c\\n\"}"),
		`f:3:15: environment.variables.A=B: the name "A=B" won't do; want up to 128 letters, digits and _.:/+\-@` + "\n" +
			`f:3:20: environment.variables.A=B: has a line break, which Beanstalk refuses; want one line (a text that begins with ">-" is folded to one)`},
	{"truth in quotes", under("build", `web: {pull: "true"}`), `f:3:15: build.web.pull: want true or false, not "true"`},
	{"variable of two lines", under("environment", "variables:\n    A: |\n      one\n      two"),
		`f:4:8: environment.variables.A: has a line break, which Beanstalk refuses; want one line (a text that begins with ">-" is folded to one)`},
	{"variable with a carriage return", under("environment", `variables: {A: "x\ry"}`),
		`f:3:18: environment.variables.A: has the control character U+000D`},
	{"variable with an escape", under("environment", `variables: {A: "\e[2J"}`), `f:3:18: environment.variables.A: has the control character U+001B`},
	{"option of two lines", under("environment", `options: {"aws:autoscaling:asg": {MaxSize: "1\n"}}`),
		`f:3:46: environment.options.aws:autoscaling:asg.MaxSize: has a line break, which Beanstalk refuses; want one line (a text that begins with ">-" is folded to one)`},
	{"option with a zero byte", under("environment", `options: {"aws:autoscaling:asg": {MaxSize: "1\0"}}`),
		`f:3:46: environment.options.aws:autoscaling:asg.MaxSize: has the control character U+0000`},
	{"secret with a line break", under("environment", `secrets: {A: "arn:aws:ssm:us-east-1:123456789012:parameter/a\n"}`),
		`f:3:16: environment.secrets.A: want the ARN of a secret in Secrets Manager or of a parameter in SSM, as in arn:aws:secretsmanager:us-east-1:123456789012:secret:NAME-a1B2c3`},
	{"secret with a control character", under("environment", `secrets: {A: "arn:aws:secretsmanager:us-east-1:123456789012:secret:n:\a"}`),
		`f:3:16: environment.secrets.A: has the control character U+0007`},
	{"variables of 4,097 bytes", under("environment", "variables: {AB: "+strings.Repeat("x", 4094)+"}"),
		`f:3:14: environment.variables: the variables have 4097 bytes as name=value; Beanstalk takes 4096`},
	{"check", under("environment", "check: no"),
		`f:3:10: environment.check: want off, or keys as in {path: /healthz, status: 200-399, timeout: 2m}, not text`},
	{"path of the check", under("environment", "check: {path: healthz}"), `f:3:17: environment.check.path: "healthz" is no path of a URL; want one as in /healthz`},
	{"fragment in the check", under("environment", "check: {path: /x#y}"), `f:3:17: environment.check.path: "/x#y" is no path of a URL; want one as in /healthz`},
	{"host in the check", under("environment", "check: {path: //evil/x}"), `f:3:17: environment.check.path: "//evil/x" is no path of a URL; want one as in /healthz`},
	{"status of the check", under("environment", "check: {status: 99}"),
		`f:3:19: environment.check.status: "99" is no HTTP status; want one from 100 to 599, or a range as in 200-399`},
	{"statuses reversed", under("environment", "check: {status: [200, 399-300]}"), `f:3:25: environment.check.status[1]: "399-300" ends before it begins; want 300-399`},
	{"list of lists of statuses", under("environment", "check: {status: [[200]]}"), `f:3:20: environment.check.status[0]: want a single value, not a list`},
	{"no statuses", under("environment", "check: {status: []}"), `f:3:19: environment.check.status: want at least one HTTP status, as in 200-399`},
	{"no time for the check", under("environment", "check: {timeout: 0s}"), `f:3:20: environment.check.timeout: 0s is too short; want at least 1s`},
	{"placeholder", under("dockerrun", "values: {a}b: c}"), `f:3:14: value is not allowed in this context`},
	{"name of a value", under("dockerrun", `values: {"a}": c}`),
		`f:3:12: dockerrun.values.a}: the name "a}" won't do; want up to 64 letters, digits and _.-, as ${value.NAME} names it`},
	{"bucket", under("ledger", "bucket: A"), `f:3:11: ledger.bucket: "A" won't do; want the name of an S3 bucket: 3 to 63 of a-z, 0-9, . and -`},

	{"expired at birth", under("expire", "after: 0s"), `f:3:10: expire.after: 0s is too short; want at least 1s`},
	{"a century", under("expire", "after: 36500d"), `f:3:10: expire.after: 36500d is too long; want at most 3650d`},
	{"no unit", under("expire", "after: 5"), `f:3:10: expire.after: "5" has no unit; want a duration such as 5d, 36h, 1d12h or 30s`},
	{"negative", under("expire", "after: -5d"), `f:3:10: expire.after: "-5d" is negative; want a duration such as 5d, 36h, 1d12h or 30s`},
	{"in words", under("expire", "after: one week"), `f:3:10: expire.after: "one week" is no duration; want a duration such as 5d, 36h, 1d12h or 30s`},
	{"warned before birth", under("expire", "warn_before: 5d"), `f:3:16: expire.warn_before: 5d is not before the end of the environment's 5d; want less than expire.after`},
	{"longer at least than at all", under("expire", "least: 6d"), `f:3:10: expire.least: 6d is longer than the environment's 5d; want at most expire.after`},
	{"branches of nothing", under("expire", "branches: {after: 1h}"), `f:3:13: expire.branches: remote is missing; want the URL of the repository, as in {remote: git@github.com:acme/shop.git}`},
	{"a password in the remote", under("expire", "branches: {remote: 'https://kim:s3cret@example.com/shop'}"), `f:3:22: expire.branches.remote: has a password, which would lie in the file; want a URL without`},
	{"a program as remote", under("expire", "branches: {remote: 'ext::sh -c id'}"),
		`f:3:22: expire.branches.remote: "ext::sh -c id" is no address of a git repository; want one as in git@github.com:acme/shop.git or https://github.com/acme/shop.git`},
	{"an option as remote", under("expire", "branches: {remote: '--upload-pack=id:x'}"),
		`f:3:22: expire.branches.remote: "--upload-pack=id:x" is no address of a git repository; want one as in git@github.com:acme/shop.git or https://github.com/acme/shop.git`},
	{"from", under("expire", "from: birth"), `f:3:9: expire.from: "birth" won't do; want created or deployed`},
	{"schedule", under("expire", `schedule: " "`), `f:3:13: expire.schedule: is empty`},
	{"no deletions", under("expire", "max_deletions: 0"), `f:3:18: expire.max_deletions: want a whole number from 1 to 1000, not "0"`},

	{"build and artifact", "application: shop\nbuild: {web: {}}\nartifact: a.war\nenvironment: {platform: a}\n", `f:3:1: build and artifact exclude each other; keep one of them`},
	{"artifact and template", "application: shop\nartifact: a.war\ndockerrun: {template: a}\nenvironment: {platform: a}\n", `f:3:1: artifact and dockerrun exclude each other; keep one of them`},
	{"artifact of another kind", "application: shop\nartifact: a.tar.gz\n", `f:2:11: artifact: "a.tar.gz" won't do; want a .war, a .jar or a .zip`},
	{"artifact outside", "application: shop\nartifact: ../a.war\n", `f:2:11: artifact: "../a.war" leaves its directory; want a path that stays inside`},
	{"artifact without a platform", "application: shop\nartifact: a.war\n",
		`f:2:11: artifact: nothing says what runs it; want environment.platform, as in "Tomcat 11 with Corretto 21 running on 64bit Amazon Linux 2023" for a war or "Corretto 21 running on 64bit Amazon Linux 2023" for a jar, or copy_from or saved_configuration`},
	{"war in containers", "application: shop\nartifact: a.war\nenvironment: {platform: ECS running on 64bit Amazon Linux 2023}\n",
		`f:3:25: environment.platform: "ECS running on 64bit Amazon Linux 2023" runs containers alone; want what runs "a.war", as in "Tomcat 11 with Corretto 21 running on 64bit Amazon Linux 2023" for a war or "Corretto 21 running on 64bit Amazon Linux 2023" for a jar`},
	{"prepare without an artifact", "application: shop\nprepare: make\n", `f:2:1: prepare goes with artifact; an image has its own, as in build.NAME.prepare`},
	{"two sources", under("environment", "{platform: a, saved_configuration: b}"),
		`f:3:17: environment.platform and environment.saved_configuration exclude each other; keep one of them`},
	{"several, in the order of the file", "region: x\nexpire: {after: 1, from: 2}\n",
		"f:1:9: region: \"x\" won't do; want an AWS region such as ap-northeast-2\n" +
			"f:2:17: expire.after: \"1\" has no unit; want a duration such as 5d, 36h, 1d12h or 30s\n" +
			"f:2:26: expire.from: want text, not a number; write \"2\""},

	{"key twice", "application: shop\n\"application\": shop\n", `f:2:1: the key "application" is there twice, first in line 1`},
	{"anchor", "application: &a shop\n", `f:1:14: anchors (&) are not understood here; write the value wherever it is needed`},
	{"alias", "application: *a\n", `f:1:14: aliases (*) are not understood here; write the value out, or put it in quotes if it is text`},
	{"merge key", "<<: {application: shop}\n", `f:1:1: merge keys (<<) are not understood here; write the keys out`},
	{"tag", "application: !!str 1\n", `f:1:14: tags (!) are not understood here; put the value in quotes if it is text`},
	{"directive", "%YAML 1.2\n---\napplication: shop\n", `f:1:1: directives (%) are not understood here; leave the line out`},
	{"key with a question mark", "? application\n: shop\n", `f:1:1: keys are written as "key: value" here, without "?"`},
	{"second document", "application: shop\n---\napplication: shop\n", `f:2:1: a second document begins here (---); the file holds one`},
	{"second document after an end", "application: shop\n...\nregion: x\n", `f:3:1: a second document begins here; the file holds one`},
	{"tab", "application: shop\nexpire:\n\tafter: 5d\n", `f:3:1: a tab can't indent in YAML; use spaces`},
	{"quote without an end", "application: 'shop\n", `f:1:14: could not find end character of single-quoted text`},
	{"two keys on a line", "application: a: b\n", `f:1:14: a key can't stand here; indent it as its neighbours are, or put text that holds ": " in quotes`},
	{"UTF-16", "\xff\xfea\x00", `f:1:1: the file is UTF-16; save it as UTF-8`},
	{"Latin-1", "# x\napplication: sh\xfcp\n", `f:2:16: the byte 0xFC is not UTF-8; save the file as UTF-8`},
	{"control character", "application: a\x1b[31m\n", `f:1:15: the file has the control character U+001B`},
	{"escaped control character", `application: "a\x1b[31m"`, `f:1:14: application: has the control character U+001B`},
	{"control character in a key", "application: shop\n\"a\\x1b\": b\n", `f:2:1: the key "a\x1b" has a control character`},
	{"brackets without end", strings.Repeat("[", 60000), `f:1:17: this is nested too deeply`},
	{"brackets after ends", strings.Repeat("]", 30000) + strings.Repeat("[", 30000), `f:1:30017: this is nested too deeply`},
	{"dashes without end", strings.Repeat("- ", 30000), `f:1:33: this is nested too deeply`},
}

func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			c, err := parse("f", "/", []byte(r.text))
			if err == nil {
				t.Fatalf("got %+v, want an error", c)
			}
			if got := err.Error(); got != r.want {
				t.Errorf("\ngot  %s\nwant %s", got, r.want)
			}
		})
	}
}

func TestValuesMayHaveWhatBeanstalkTakes(t *testing.T) {
	for _, value := range []string{"a=b,c=d", "x\ty", "postgres://u:p@h/db?a=1&b=2", `{"json": "it's"}`, "한글", ""} {
		c, err := parse("f", "/", []byte(under("environment", fmt.Sprintf("variables: {A.b:/+-@_9: %q}", value))))
		if err != nil || c.Environment.Variables["A.b:/+-@_9"] != value {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestVariablesMayHave4096Bytes(t *testing.T) {
	text := under("environment", "variables: {AB: "+strings.Repeat("x", 4093)+"}")
	_, err := parse("f", "/", []byte(text))
	must.Succeed(t, err)
}

func TestProblemsAreCounted(t *testing.T) {
	var text strings.Builder
	for i := range 25 {
		text.WriteString(strings.Repeat("x", i+20) + ": 1\n")
	}
	_, err := parse("f", "/", []byte(text.String()))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxProblems+1 || lines[maxProblems] != "f: 5 more" {
		t.Errorf("got %d lines, the last is %q", len(lines), lines[len(lines)-1])
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(everything))
	for _, r := range refusals {
		f.Add([]byte(r.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4<<10 {
			return
		}
		c, err := parse("f", "/", text)
		if (c == nil) == (err == nil) {
			t.Fatalf("got %v and %v", c, err)
		}
		if err != nil {
			return
		}
		if c.Application == "" || c.Expire.After <= 0 || c.Expire.MaxDeletions < 1 || len(c.Build) > 0 && c.Artifact != "" {
			t.Errorf("accepted %+v", c)
		}
	})
}
