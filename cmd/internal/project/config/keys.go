package config

import "slices"

// A key is one line of the table: a key of beansprout.yaml, and everything that is known about it.
type key struct {
	path     string // NAME in it is any name that the file chooses, [] any element of a list
	into     any    // a pointer to a field, whose type says what the value is; a reader; or nil for a section
	check    check  // what a single value, or each of a list, must be
	fallback string // the default as the file would spell it, or in words: "(required)"
	doc      string // for docs/configuration.md, in Markdown
}

// table returns all keys. Values are read into c, those of build.NAME into i, and those of an image's
// secret into s.
func table(c *Config, i *Image, s *Secret) []key {
	return slices.Concat(projectKeys(c), imageKeys(i), secretKeys(s), bundleKeys(c), environmentKeys(&c.Environment), lifeKeys(c))
}

func projectKeys(c *Config) []key {
	return []key{
		{"application", &c.Application, checkApplication, "(required)", "the Beanstalk application, which `up` creates when it is missing"},
		{"region", &c.Region, checkRegion, "(that of the AWS configuration)", "the AWS region; `--region` wins"},
		{"build", images(&c.Build), anything, "", "the images: `{NAME: ...}`, for `${image.NAME}` in the template; what a compose file builds needs no entry, and one of the same name wins"},
	}
}

func imageKeys(i *Image) []key {
	return []key{
		{"build.NAME.prepare", &i.Prepare, anything, "", "the application's own build: a shell command that runs in the directory of the file before the image is built, while it holds a lock on the directory"},
		{"build.NAME.context", &i.Context, checkRelative, ".", "the directory that the Dockerfile sees"},
		{"build.NAME.dockerfile", &i.Dockerfile, checkInside, "Dockerfile", "relative to `context`, inside it"},
		{"build.NAME.target", &i.Target, anything, "(the last stage)", "the stage to build"},
		{"build.NAME.args", args(i), anything, "", "build arguments: `{NAME: VALUE}`; one without a value (`{SHA: }`) has that of the environment variable, and is left out when that is not set"},
		{"build.NAME.ssh", &i.SSH, agents(), "", "for `RUN --mount=type=ssh`: `[default]` forwards the agent of `SSH_AUTH_SOCK`, `ID=SOCKET` another agent, `ID=KEY,KEY` keys in files"},
		{"build.NAME.platform", &i.Platform, oneOf(PlatformAMD64, PlatformARM64), "(that of the environment's instances)", "what the image is built for"},
		{"build.NAME.cache_from", &i.CacheFrom, checkReference, "", "`[IMAGE, ...]` whose layers may be reused"},
		{"build.NAME.network", &i.Network, oneOf("default", "none", "host"), "default", "the network of `RUN`"},
		{"build.NAME.pull", &i.Pull, checkTruth, "false", "`true` looks for newer base images even if the engine has some"},
		{"build.NAME.warn_size", &i.WarnSize, anything, "200MB", "size of the context from which a build reports what makes it large, such as `1.5GiB`; `0` for never"},
		{"build.NAME.secrets", secrets(i), anything, "", "for `RUN --mount=type=secret`: `[{id: npmrc, file: .npmrc}]` or `[{id: token, env: NPM_TOKEN}]`"},
	}
}

func secretKeys(s *Secret) []key {
	return []key{
		{"build.NAME.secrets[].id", &s.ID, checkLine, "", "the id that the Dockerfile uses; any that BuildKit takes, such as `settings.xml`"},
		{"build.NAME.secrets[].file", &s.File, checkLine, "", "a file, anywhere, of at most 500 kB"},
		{"build.NAME.secrets[].env", &s.Env, checkEnv, "", "instead of `file`: an environment variable"},
	}
}

func bundleKeys(c *Config) []key {
	return []key{
		{"artifact", &c.Artifact, checkArtifact, "", "instead of `build` and `dockerrun`: a `.war`, `.jar` or `.zip` inside the directory, of at most 512 MB; it needs `environment.platform`, `copy_from` or `saved_configuration`, which says what runs it"},
		{"prepare", &c.Prepare, anything, "", "with `artifact`: a shell command that makes it, run like `build.NAME.prepare`"},
		{"registry", nil, anything, "", "where the images are pushed"},
		{"registry.repository", &c.Registry.Repository, checkRepository, "(named after the application)", "a name in ECR, created when it is missing, or a full URI in another account or region; several regions may share one"},
		{"registry.expire_images_after", &c.Registry.ExpireImagesAfter, checkDays, "1d", "whole days after its push when an image that no environment uses is deleted (below); `0s` for never"},
		{"registry.scan_on_push", &c.Registry.ScanOnPush, checkTruth, "false", "whether ECR scans images, in a repository that is created; an existing one is not changed"},
		{"registry.immutable_tags", &c.Registry.ImmutableTags, checkTruth, "false", "likewise: whether tags stay on the image that they were given to"},
		{"dockerrun", nil, anything, "", "what the bundle is made of"},
		{"dockerrun.template", &c.Dockerrun.Template, checkInside, "(`" + defaultTemplate + "`, or else `compose.yaml`, `compose.yml`, `docker-compose.yml` or `docker-compose.yaml`)", "the template, inside the directory, of at most 1 MB: a Dockerrun template, or a compose file (`.yaml` or `.yml`)"},
		{"dockerrun.include", &c.Dockerrun.Include, checkInside, "", "files and folders that go into the bundle, such as `.platform`; an `.ebextensions/*.config` that is neither YAML nor JSON is refused before the build"},
		{"dockerrun.values", placeholders(&c.Dockerrun.Values), anything, "", "`{NAME: VALUE}` for `${value.NAME}` in the template"},
	}
}

func environmentKeys(e *Environment) []key {
	return []key{
		{"environment", nil, anything, "", "where environments come from and what they are like"},
		{"environment.platform", &e.Platform, checkPlatform, "(`" + defaultPlatform + "`, with a compose file `" + composePlatform + "`)", "the platform branch, of which a launch takes the newest recommended version; a living environment stays on its platform, and a line names both when they differ"},
		{"environment.saved_configuration", &e.SavedConfiguration, checkTemplate, "", "instead of `platform`: a saved configuration, over which our settings are laid; one of a worker, which has no address, is refused"},
		{"environment.copy_from", &e.CopyFrom, checkEnvironment, "", "instead of `platform`: an environment of the application; a launch starts from a copy of it (below)"},
		{"environment.instance_type", &e.InstanceType, checkInstanceType, "(Beanstalk's)", "such as `t3.small`"},
		{"environment.instance_profile", &e.InstanceProfile, checkProfile, "(`" + defaultProfile + "`, or that of the saved configuration or copy)", "name or ARN of what the instances may do"},
		{"environment.service_role", &e.ServiceRole, checkRole, "(`" + defaultRole + "`, or that of the saved configuration or copy)", "name or ARN of what Beanstalk may do for the environment"},
		{"environment.operations_role", &e.OperationsRole, checkRoleARN, "(the caller's rights)", "ARN of the role that Beanstalk acts with"},
		{"environment.options", options(&e.Options), anything, "(single instance, enhanced health, all at once)", "`{NAMESPACE: {NAME: VALUE}}`, over everything else; `\"\"` empties what the source of a copy has, or brings AWS's default back where AWS takes no empty value"},
		{"environment.variables", variables(&e.Variables), anything, "", "`{NAME: VALUE}` for the containers; one line each, 4,096 bytes in all; `\"\"` is a value, also over what a copy's source or the image has"},
		{"environment.secrets", scalars(&e.Secrets, checkVariable, checkSecret), anything, "", "`{NAME: ARN}` of a secret in Secrets Manager or a parameter in SSM, which the instances read when they start; `\"\"` removes what the source of a copy has"},
		{"environment.shared_load_balancer", &e.SharedLoadBalancer, checkLoadBalancer, "", "instead of a single instance: ARN of an application load balancer that environments share"},
		{"environment.url", &e.URL, oneOf(URLHTTP, URLHTTPS), "(`https` if the listeners take HTTPS and no HTTP, else `http`)", "how the environment answers, in the URL that is printed and checked; the local cloud always serves HTTP"},
		{"environment.check", healthCheck(e), anything, "", "the request to the URL that decides whether the application is up: `{path, status, timeout}`, or `off` where this machine can't reach it"},
		{"environment.check.path", &e.Check.Path, checkURLPath, "/", "the path, with a query if there is one"},
		{"environment.check.status", &e.Check.Status, anything, "200-399", "the accepted HTTP statuses: one, a range, or a list of them"},
		{"environment.check.timeout", &e.Check.Timeout, between(second, hour), "2m", "how long to wait for one of them"},
	}
}

func lifeKeys(c *Config) []key {
	return []key{
		{"expire", nil, anything, "", "how long environments live"},
		{"expire.after", &c.Expire.After, between(second, 10*year), "5d", "how long an environment lives"},
		{"expire.from", &c.Expire.From, oneOf(FromCreated, FromDeployed), FromCreated, "counted from its creation, or from the last `up`, even if that changed nothing"},
		{"expire.least", &c.Expire.Least, between(0, 10*year), "(`1d`, at most `expire.after`)", "how long an environment lives at least after an `up`, even if that changed nothing"},
		{"expire.warn_before", &c.Expire.WarnBefore, between(0, year), "(`1d`, at most half of `expire.after`)", "how long before its end the janitor announces in Slack that an environment will be removed; `0s` removes without a warning"},
		{"expire.branches", nil, anything, "(only age counts)", "removes environments of branches that have gone from the repository"},
		{"expire.branches.remote", &c.Expire.Branches.Remote, checkRemote, "", "URL of the git repository whose branches the janitor lists, without a password, such as `git@github.com:acme/shop.git`"},
		{"expire.branches.after", &c.Expire.Branches.After, between(0, year), "1h", "how long a branch must have been missing"},
		{"expire.restore_for", &c.Expire.RestoreFor, between(0, year), "3d", "how long `restore` can bring back what the janitor or `down` removed; until then its last version, bundle and images stay; `0s` keeps nothing"},
		{"expire.schedule", &c.Expire.Schedule, checkLine, "0 * * * *", "when `janitor` sweeps: five cron fields (UTC, or `CRON_TZ=` and a time zone in front, which only `janitor` needs to know) or `@every 10m`"},
		{"expire.max_deletions", &c.Expire.MaxDeletions, number(1, 1000), "10", "the most that one sweep removes: environments, and what removed ones have left"},
		{"slack", nil, anything, "", "where announcements go"},
		{"slack.channel", &c.Slack.Channel, checkLine, "(no Slack)", "used with `SLACK_BOT_TOKEN` in the environment"},
		{"slack.users", &c.Slack.Users, checkSlackUser, "(everybody in the channel)", "`[ID, ...]` of the users of Slack who may press the buttons of messages, such as `U012AB3CD`"},
		{"pull_request", nil, anything, "", "what is told where a change is discussed: in a pull request of GitHub or a merge request of GitLab"},
		{"pull_request.comment", &c.PullRequest.Comment, checkTruth, "true", "whether a comment there tells the URL, the state and the expiry ([pull-requests.md](pull-requests.md))"},
		{"pull_request.deployments", &c.PullRequest.Deployments, checkTruth, "true", "whether GitHub is told of each deploy, and shows it as a deployment"},
		{"ledger", nil, anything, "", "where records and bundles are kept"},
		{"ledger.bucket", &c.Store.Bucket, checkBucket, "(Beanstalk's own)", "an S3 bucket in the environments' region"},
	}
}
