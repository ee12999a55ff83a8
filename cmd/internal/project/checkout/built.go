package checkout

import "strings"

// builtByJenkins: https://www.jenkins.io/doc/book/pipeline/jenkinsfile/ and the git plugin's
// page. CHANGE_FORK is OWNER, or OWNER/NAME where the fork is called otherwise.
func builtByJenkins(env variables) []claim {
	commit := env.commits("GIT_COMMIT")
	return []claim{
		{ref: env("CHANGE_BRANCH"), isChange: true, fork: env("CHANGE_FORK"), commits: commit, merged: commit},
		{ref: tag(env("TAG_NAME")), commits: commit},
		{ref: env("BRANCH_NAME"), commits: commit},
		{ref: env("GIT_LOCAL_BRANCH"), commits: commit},
		{ref: env("GIT_BRANCH"), remote: true, commits: commit},
	}
}

// builtByGitLab: https://docs.gitlab.com/ci/variables/predefined_variables. A change of a fork
// can be built in the fork's project, too, and is called the same there.
func builtByGitLab(env variables) []claim {
	source := env("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH")
	fork := ""
	for _, name := range []string{"CI_PROJECT_PATH", "CI_MERGE_REQUEST_PROJECT_PATH"} {
		if path := env(name); source != "" && path != "" && !strings.EqualFold(source, path) {
			fork = source
		}
	}
	commit := env.commits("CI_COMMIT_SHA")
	change := env.commits("CI_COMMIT_SHA", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")
	return []claim{
		{ref: env("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"), isChange: true, fork: fork, commits: change, merged: change},
		{ref: tag(env("CI_COMMIT_TAG")), commits: commit},
		{ref: env("CI_COMMIT_BRANCH"), commits: commit},
	}
}

// builtByBitbucket: https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets.
// Changes are merged with their target before they are built; those of forks are not built.
func builtByBitbucket(env variables) []claim {
	branch := claim{ref: env("BITBUCKET_BRANCH"), commits: env.commits("BITBUCKET_COMMIT")}
	if env.isSet("BITBUCKET_PR_ID") {
		branch.merged = branch.commits
	}
	return []claim{{ref: tag(env("BITBUCKET_TAG")), commits: branch.commits}, branch}
}

// builtByCircleCI: https://circleci.com/docs/reference/variables. CIRCLE_PR_USERNAME is there for
// changes of forks alone, whose CIRCLE_BRANCH is the number of the change, such as pull/12.
func builtByCircleCI(env variables) []claim {
	commit := env.commits("CIRCLE_SHA1")
	return []claim{
		{ref: tag(env("CIRCLE_TAG")), commits: commit},
		{ref: env("CIRCLE_BRANCH"), fork: env("CIRCLE_PR_USERNAME"), commits: commit},
	}
}

// builtByBuildkite: https://buildkite.com/docs/pipelines/configure/environment-variables.
func builtByBuildkite(env variables) []claim {
	branch := claim{
		ref: env("BUILDKITE_BRANCH"), fork: forkOf(env("BUILDKITE_PULL_REQUEST_REPO"), env("BUILDKITE_REPO")),
		commits: env.commits("BUILDKITE_COMMIT"),
	}
	if env.isSet("BUILDKITE_PULL_REQUEST") {
		branch.merged = branch.commits
	}
	return []claim{{ref: tag(env("BUILDKITE_TAG")), commits: branch.commits}, branch}
}

// builtByAzure: https://learn.microsoft.com/azure/devops/pipelines/build/variables. Where a fork is
// on GitHub, nothing says whose it is.
func builtByAzure(env variables) []claim {
	head := env.commits("SYSTEM_PULLREQUEST_SOURCECOMMITID")
	change := claim{
		ref: env("SYSTEM_PULLREQUEST_SOURCEBRANCH"), merged: head,
		commits: append(env.commits("BUILD_SOURCEVERSION"), head...),
	}
	if env.isSet("SYSTEM_PULLREQUEST_ISFORK") {
		change.fork = forkOf(env("SYSTEM_PULLREQUEST_SOURCEREPOSITORYURI"), env("BUILD_REPOSITORY_URI"))
		if change.fork == "" {
			change.unclear = unclearFork("Azure Pipelines", change.ref)
		}
	}
	return []claim{change, {ref: env("BUILD_SOURCEBRANCH"), commits: env.commits("BUILD_SOURCEVERSION")}}
}

// builtByTravis: https://docs.travis-ci.com/user/environment-variables.
func builtByTravis(env variables) []claim {
	commit, head := env.commits("TRAVIS_COMMIT"), env.commits("TRAVIS_PULL_REQUEST_SHA")
	return []claim{
		{
			ref: env("TRAVIS_PULL_REQUEST_BRANCH"), fork: forkOf(env("TRAVIS_PULL_REQUEST_SLUG"), env("TRAVIS_REPO_SLUG")),
			commits: append(env.commits("TRAVIS_COMMIT"), head...), merged: head,
		},
		{ref: tag(env("TRAVIS_TAG")), commits: commit},
		{ref: env("TRAVIS_BRANCH"), commits: commit},
	}
}

// builtByDrone: https://docs.drone.io/pipeline/environment/reference. DRONE_BRANCH is a change's
// target. Changes are merged into a local branch of the target's name.
func builtByDrone(env variables) []claim {
	commit := env.commits("DRONE_COMMIT_SHA")
	source := claim{ref: env("DRONE_SOURCE_BRANCH"), commits: commit}
	if !env.isSet("DRONE_PULL_REQUEST") && env("DRONE_BUILD_EVENT") != "pull_request" {
		return []claim{{ref: tag(env("DRONE_TAG")), commits: commit}, source, {ref: env("DRONE_BRANCH"), commits: commit}}
	}
	return []claim{source.change("Drone", env("DRONE_TARGET_BRANCH"))}
}

// builtByWoodpecker: https://woodpecker-ci.org/docs/usage/environment. CI_COMMIT_BRANCH is a
// change's target.
func builtByWoodpecker(env variables) []claim {
	commit := env.commits("CI_COMMIT_SHA")
	if !env.isSet("CI_COMMIT_PULL_REQUEST") && !strings.HasPrefix(env("CI_PIPELINE_EVENT"), "pull_request") {
		return []claim{{ref: tag(env("CI_COMMIT_TAG")), commits: commit}, {ref: env("CI_COMMIT_BRANCH"), commits: commit}}
	}
	source := claim{ref: env("CI_COMMIT_SOURCE_BRANCH"), commits: commit}
	return []claim{source.change("Woodpecker", env("CI_COMMIT_TARGET_BRANCH"))}
}

// builtByAppVeyor: https://www.appveyor.com/docs/environment-variables.
func builtByAppVeyor(env variables) []claim {
	commit, head := env.commits("APPVEYOR_REPO_COMMIT"), env.commits("APPVEYOR_PULL_REQUEST_HEAD_COMMIT")
	return []claim{
		{
			ref:     env("APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH"),
			fork:    forkOf(env("APPVEYOR_PULL_REQUEST_HEAD_REPO_NAME"), env("APPVEYOR_REPO_NAME")),
			commits: append(env.commits("APPVEYOR_REPO_COMMIT"), head...), merged: head,
		},
		{ref: tag(env("APPVEYOR_REPO_TAG_NAME")), commits: commit},
		{ref: env("APPVEYOR_REPO_BRANCH"), commits: commit},
	}
}

// builtByCodeBuild: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html.
func builtByCodeBuild(env variables) []claim {
	head := claim{ref: env("CODEBUILD_WEBHOOK_HEAD_REF"), commits: env.commits("CODEBUILD_RESOLVED_SOURCE_VERSION")}
	if strings.HasPrefix(env("CODEBUILD_WEBHOOK_TRIGGER"), "pr/") {
		return []claim{head.change("CodeBuild", env("CODEBUILD_WEBHOOK_BASE_REF"))}
	}
	if name, ok := strings.CutPrefix(env("CODEBUILD_WEBHOOK_TRIGGER"), "tag/"); ok {
		head.ref = tag(name)
	}
	return []claim{head}
}

// change makes a claim that of a change, at a CI that doesn't say whether its branch is a fork's.
// A branch that is called like the target must be.
func (c claim) change(ci, target string) claim {
	c.merged, c.unsure = c.commits, true
	switch {
	case strings.TrimSpace(c.ref) == "":
		c.unclear = ci + " builds a change, and doesn't say of which branch"
	case c.ref == target:
		c.unclear = unclearFork(ci, c.ref)
	}
	return c
}
