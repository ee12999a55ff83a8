package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"beansprout/test/must"
)

const everything = `# every key there is
application: shop
region: ap-northeast-2
build:
  web:   {prepare: make web, context: .., dockerfile: docker/Dockerfile, target: run, args: {A: 1.10, B: yes, SHA: , EMPTY: ""}, ssh: [default, "deploy.key=../key,/other"], secrets: [{id: settings.xml, file: ../.npmrc}, {id: a/b c, file: /home/.netrc}, {id: token, env: NPM_TOKEN}], platform: linux/arm64, cache_from: ["registry.example.com/shop/web:main", base], network: none, pull: true, warn_size: 1.5GiB}
  proxy: {context: ./proxy}
  plain: {warn_size: 0}
registry: {repository: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/shop, expire_images_after: 2d, scan_on_push: true, immutable_tags: true}
environment:
  saved_configuration: small
  instance_type: t3.small
  instance_profile: shop-instances
  service_role: arn:aws:iam::123456789012:role/team/shop-service
  operations_role: arn:aws:iam::123456789012:role/shop-operations
  options: {"aws:elasticbeanstalk:command": {Timeout: 900}, "aws:autoscaling:asg": {MaxSize: 1}}
  variables: {RAILS_ENV: staging, PORT: 8080, DEBUG: true, OCTAL: 0o17, EMPTY: "", ZERO: 007}
  secrets: {DB: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/db-a1B2c3:password::", KEY: "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/team/key"}
  shared_load_balancer: arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-dev/0123456789abcdef
  check: {path: "/healthz?deep=1", status: [200, 300-399], timeout: 90s}
dockerrun: {template: deploy/run.json, include: [.ebextensions, .platform], values: {memory: 512, ratio: 1.50, name: "x"}}
expire: {after: 1d12h, from: deployed, least: 12h, branches: {remote: "git@github.com:acme/shop.git", after: 30m}, warn_before: 0s, restore_for: 0s, schedule: "CRON_TZ=Asia/Seoul 0 9 * * *", max_deletions: 3}
slack: {channel: "#qa", users: [U012AB3CD, W0KIM]}
pull_request: {comment: false}
ledger: {bucket: shop-ledger}
`

func TestEveryKeyIsTakenIn(t *testing.T) {
	got, err := parse("beansprout.yaml", "/shop", []byte(everything))
	must.Succeed(t, err)
	want := &Config{
		File: "beansprout.yaml", Dir: "/shop", Application: "shop", Region: "ap-northeast-2",
		Build: []Image{
			{Name: "web", Prepare: "make web", Context: "..", Dockerfile: "docker/Dockerfile", Target: "run",
				Args: map[string]string{"A": "1.10", "B": "yes", "EMPTY": ""}, EnvArgs: []string{"SHA"},
				SSH:      []SSH{{ID: "default"}, {ID: "deploy.key", Paths: []string{"/key", "/other"}}},
				Secrets:  []Secret{{ID: "settings.xml", File: "/.npmrc"}, {ID: "a/b c", File: "/home/.netrc"}, {ID: "token", Env: "NPM_TOKEN"}},
				Platform: PlatformARM64, CacheFrom: []string{"registry.example.com/shop/web:main", "base"}, Network: "none", Pull: true, WarnSize: 3 << 29},
			{Name: "proxy", Context: "./proxy", Dockerfile: "Dockerfile", Args: map[string]string{}, Network: "default", WarnSize: 200e6},
			{Name: "plain", Context: ".", Dockerfile: "Dockerfile", Args: map[string]string{}, Network: "default"},
		},
		Registry: Registry{Repository: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/shop", ExpireImagesAfter: 2 * day, ScanOnPush: true, ImmutableTags: true},
		Environment: Environment{
			SavedConfiguration: "small", InstanceType: "t3.small", InstanceProfile: "shop-instances",
			ServiceRole:    "arn:aws:iam::123456789012:role/team/shop-service",
			OperationsRole: "arn:aws:iam::123456789012:role/shop-operations",
			Options: map[string]map[string]string{
				"aws:elasticbeanstalk:command": {"Timeout": "900"},
				"aws:autoscaling:asg":          {"MaxSize": "1"},
			},
			Variables: map[string]string{"RAILS_ENV": "staging", "PORT": "8080", "DEBUG": "true", "OCTAL": "0o17", "EMPTY": "", "ZERO": "007"},
			Secrets: map[string]string{
				"DB":  "arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/db-a1B2c3:password::",
				"KEY": "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/team/key",
			},
			SharedLoadBalancer: "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-dev/0123456789abcdef",
			Check:              Check{Path: "/healthz?deep=1", Status: []StatusRange{{200, 200}, {300, 399}}, Timeout: 90 * second},
		},
		Dockerrun: Dockerrun{Template: "deploy/run.json", Include: []string{".ebextensions", ".platform"},
			Values: map[string]any{"memory": "512", "ratio": "1.50", "name": "x"}},
		Expire: Expire{After: 36 * hour, From: FromDeployed, Least: 12 * hour, Schedule: "CRON_TZ=Asia/Seoul 0 9 * * *", MaxDeletions: 3,
			Branches: Branches{Remote: "git@github.com:acme/shop.git", After: hour / 2}},
		Slack: Slack{Channel: "#qa", Users: []string{"U012AB3CD", "W0KIM"}}, PullRequest: PullRequest{Deployments: true},
		Store: Store{Bucket: "shop-ledger"},
	}
	if !reflect.DeepEqual(placeless(got), placeless(want)) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLeftOutKeysHaveDefaults(t *testing.T) {
	got, err := parse("", "/shop", []byte("application: Web Shop\n"))
	must.Succeed(t, err)
	want := &Config{
		Dir: "/shop", Application: "Web Shop",
		Registry: Registry{ExpireImagesAfter: day},
		Environment: Environment{
			Platform:        "ECS running on 64bit Amazon Linux 2023",
			InstanceProfile: "aws-elasticbeanstalk-ec2-role",
			ServiceRole:     "aws-elasticbeanstalk-service-role",
			Options:         map[string]map[string]string{},
			Variables:       map[string]string{},
			Secrets:         map[string]string{},
			Check:           Check{Path: "/", Status: []StatusRange{{200, 399}}, Timeout: 120 * second},
		},
		Dockerrun: Dockerrun{Template: "Dockerrun.template.json", Values: map[string]any{}},
		Expire: Expire{After: 5 * day, From: FromCreated, Least: day, WarnBefore: day, RestoreFor: 3 * day,
			Branches: Branches{After: hour}, Schedule: "0 * * * *", MaxDeletions: 10},
		PullRequest: PullRequest{Comment: true, Deployments: true},
	}
	if !reflect.DeepEqual(placeless(got), placeless(want)) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	want.Application = ""
	if got := Defaults("/shop"); !reflect.DeepEqual(got, want) {
		t.Errorf("Defaults: got  %+v\nwant %+v", got, want)
	}
}

func TestUnsetWarningIsADayAndAtMostHalfOfTheDaysAndUnsetLeastAtMostAllOfThem(t *testing.T) {
	for after, want := range map[string]Duration{"5d": day, "2d": day, "1d": day / 2, "3s": second * 3 / 2} {
		c, err := parse("f", "/", []byte("application: shop\nexpire: {after: "+after+"}\n"))
		must.Succeed(t, err)
		if c.Expire.WarnBefore != want {
			t.Errorf("after %s: got %v, want %v", after, c.Expire.WarnBefore, want)
		}
		if least := min(day, c.Expire.After); c.Expire.Least != least {
			t.Errorf("after %s: at least %v, want %v", after, c.Expire.Least, least)
		}
	}
}

func TestAnArtifactIsTakenIn(t *testing.T) {
	for _, from := range []string{"platform: a", "copy_from: shop-dev1", "saved_configuration: small"} {
		got, err := parse("f", "/shop", []byte("application: shop\nprepare: mvn package\nartifact: target/app.war\nenvironment: {"+from+"}\n"))
		must.Succeed(t, err)
		if got.Artifact != "target/app.war" || got.Prepare != "mvn package" || got.Environment.Platform == defaultPlatform {
			t.Errorf("%s: got %+v", from, got)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "200MB": 200e6, "200 mb": 200e6, "1k": 1000, "1KiB": 1024, "1.5gib": 3 << 29, "1e3": 1000,
		"": -1, "MB": -1, "-1": -1, "1 MiBs": -1, "99999999999P": -1, "1e300": -1, "NaN": -1, "1.2.3": -1,
	} {
		got, err := parseSize(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
}

func TestFormsOfYAMLThatMeanTheSame(t *testing.T) {
	want, err := parse("f", "/", []byte("application: shop\nbuild:\n  web:\n    prepare: \"make\\nmake test\\n\"\nslack: {channel: \"#qa\"}\n"))
	must.Succeed(t, err)
	for name, text := range map[string]string{
		"byte order mark":   "\ufeffapplication: shop\nbuild: {web: {prepare: \"make\\nmake test\\n\"}}\nslack: {channel: '#qa'}",
		"DOS line ends":     "application: shop\r\nbuild:\r\n  web:\r\n    prepare: |\r\n      make\r\n      make test\r\nslack: {channel: \"#qa\"}\r\n",
		"document marks":    "# shop\n---\napplication: shop\nbuild:\n  web:\n    prepare: |\n      make\n      make test\nslack:\n  channel: '#qa'\n...\n",
		"quoted keys":       "\"application\": 'shop'\n'build': {\"web\": {prepare: \"make\\nmake test\\n\"}}\n\"slack\": {channel: \"#qa\"}\n",
		"empty sections":    "application: shop\nregistry:\nenvironment:\n  options:\nbuild:\n  web:\n    args:\n    secrets:\n    prepare: \"make\\nmake test\\n\"\nexpire: {}\nslack: {channel: \"#qa\"}\n",
		"many keys a line":  "{application: shop, registry: {}, expire: {}, dockerrun: {}, ledger: {}, environment: {}, build: {web: {args: {}, secrets: [], target: \"\", dockerfile: Dockerfile, context: ., prepare: \"make\\nmake test\\n\"}}, slack: {channel: \"#qa\"}}",
		"indented by three": "application: shop\nbuild:\n   web:\n      prepare: |\n         make\n         make test\nslack:\n   channel: \"#qa\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse("f", "/", []byte(text))
			must.Succeed(t, err)
			if !reflect.DeepEqual(placeless(got), placeless(want)) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestCheckOff(t *testing.T) {
	for _, text := range []string{"off", `"off"`} {
		c, err := parse("f", "/", []byte("application: shop\nenvironment: {check: "+text+"}\n"))
		if err != nil || !c.Environment.Check.Off {
			t.Errorf("check: %s: got %+v, %v", text, c, err)
		}
	}
}

func TestCheckAcceptsItsStatuses(t *testing.T) {
	c := Check{Status: []StatusRange{{200, 299}, {401, 401}}}
	for status, want := range map[int]bool{199: false, 200: true, 299: true, 300: false, 400: false, 401: true, 402: false, 500: false} {
		if got := c.Accepts(status); got != want {
			t.Errorf("Accepts(%d) = %v, want %v", status, got, want)
		}
	}
}

func TestLoadReadsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), Name)
	must.Succeed(t, os.WriteFile(path, []byte("application: shop\n"), 0o600))
	c, err := Load(t.Context(), path)
	must.Succeed(t, err)
	if c.File != path || c.Dir != filepath.Dir(path) || c.Application != "shop" {
		t.Errorf("got %+v", c)
	}
}

func TestALineMayHoldManyKeys(t *testing.T) {
	var keys []string
	for i := range 3 * maxDepth {
		keys = append(keys, fmt.Sprintf("V%d: %d", i, i))
	}
	c, err := parse("f", "/", []byte("application: shop\nenvironment: {variables: {"+strings.Join(keys, ", ")+"}}\n"))
	if err != nil || len(c.Environment.Variables) != len(keys) {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestNamesOfRepositories(t *testing.T) {
	for name, want := range map[string]bool{
		"shop": true, "team/shop": true, "my.team/shop_1-x": true, "127.0.0.1:5000/shop": true,
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/shop": true,
		"": false, "a": false, "host.example.com/a": false, "shop:latest": false, "shop@sha256:0": false, "Shop": false,
		"a//b": false, "/shop": false, "shop/": false, "https://host/shop": false, "ho$t.example.com/shop": false, "a..b/shop": false,
		strings.Repeat("x", 256): true, strings.Repeat("x", 257): false,
	} {
		if err := checkRepository.test(name); (err == nil) != want {
			t.Errorf("checkRepository(%q): got %v, want %v", name, err, want)
		}
	}
}

func TestRolesOfASavedConfigurationStayUnlessNamed(t *testing.T) {
	c, err := parse("f", "/", []byte("application: shop\nenvironment: {saved_configuration: small, service_role: mine}\n"))
	must.Succeed(t, err)
	if e := c.Environment; e.InstanceProfile != "" || e.ServiceRole != "mine" || e.Platform != "" {
		t.Errorf("got %+v", e)
	}
}

// placeless is a configuration without where its keys stand, which differs between forms of
// the same.
func placeless(c *Config) *Config {
	copied := *c
	copied.places = nil
	return &copied
}

func TestAtSaysWhereAKeyIsSet(t *testing.T) {
	c, err := parse("f", "/", []byte("application: shop\nbuild: {web: {context: .}}\nexpire:\n  schedule: \"@daily\"\n"))
	must.Succeed(t, err)
	for path, want := range map[string]string{"expire.schedule": "f:4:13", "environment.platform": "f"} {
		if got := c.At(path); got != want {
			t.Errorf("At(%q) = %q, want %q", path, got, want)
		}
	}
}
