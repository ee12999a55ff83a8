package main

import (
	"errors"
	"iter"
	"slices"
	"strings"

	"beansprout/builder"
	"beansprout/builder/ecr"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ledger"
)

// advice says what to do about what the doors report. The first that fits is said.
var advice = []struct {
	err  error
	hint string
}{
	{builder.ErrNoEngine, engineHint},
	{builder.ErrTooOld, "update the Docker Engine: BuildKit needs API 1.39, which is Docker 18.09"},
	{builder.ErrNoDockerfile, "dockerfile and context under build: in beansprout.yaml say where it is"},
	{builder.ErrNoContext, "context under build: in beansprout.yaml says which directory the Dockerfile sees"},
	{builder.ErrUnreadable, "make it readable, or leave it out with a .dockerignore"},
	{builder.ErrNothingToCopy, "COPY and ADD look in the context, which context under build: in beansprout.yaml names, and find nothing there that .dockerignore leaves out"},
	{builder.ErrNoBase, "if the base image is private, docker login stores the credentials that it wants; those for images beside our own are had from ECR"},
	{builder.ErrPlatform, "platform under build: in beansprout.yaml says what an image is for; a FROM --platform in the Dockerfile has to agree with it"},
	{builder.ErrForeign, "build on a machine of that architecture, or teach this engine the other one: docker run --privileged --rm tonistiigi/binfmt --install all"},
	{builder.ErrNoSpace, "docker system df says what fills the engine's disk, docker system prune frees what nobody uses"},
	{builder.ErrTagTaken, "without --rebuild the image that is there is used; or delete its tag (aws ecr batch-delete-image), or let the repository's tags be moved"},
	{builder.ErrExpired, "the token comes from ECR for the AWS credentials: check them with aws sts get-caller-identity, and this machine's clock"},
	{builder.ErrDenied, "check that the AWS credentials may push: beansprout needs the ecr: actions of templates/iam-policy.json"},
	{builder.ErrUnwell, "nothing was deployed; run up again in a while: layers that have arrived are not sent again"},
	{ledger.ErrNoBucket, "ledger.bucket in beansprout.yaml names it; without that key Beanstalk's own serves"},
	{ecr.ErrNoRepository, "registry.repository in beansprout.yaml names it"},
	{errTimeout, "--timeout gives more; AWS goes on with what it has begun, and the next run takes it from there"},
	{ledger.ErrLost, "this run was cut off for longer than its lease lasts, and has changed nothing since; beansprout status says what runs, and another up puts it right"},
	{envs.ErrCredentials, "renew the AWS credentials (aws sts get-caller-identity must work) and run it again: it takes up where this stands"},
	{beanstalk.ErrUnanswered, "check the network and the proxy, and https://health.aws.amazon.com, and run it again: it takes up where this stands"},
	{envs.ErrNotReady, "somebody else is changing it; try again when it is Ready"},
}

// explain adds to an error of the doors what to do about it; nil stays nil.
func explain(err error) error {
	if err == nil {
		return nil
	}
	for _, h := range advice {
		if errors.Is(err, h.err) {
			return hint(err, "%s", h.hint)
		}
	}
	for _, saying := range []func(error) string{quotaHint, denialHint, sayingHint} {
		if h := saying(err); h != "" {
			return hint(err, "%s", h)
		}
	}
	var build *builder.BuildError
	if errors.As(err, &build) {
		return hint(err, "%s", buildHint(build))
	}
	var failure *beanstalk.Failure
	if errors.As(err, &failure) {
		return hint(err, "mend it and run up again: it takes up where this stands")
	}
	return err
}

func buildHint(e *builder.BuildError) string {
	if e.Output != "" {
		return "the lines above are what it printed; nothing was deployed"
	}
	if strings.HasPrefix(e.Step, "[internal] load metadata for ") {
		return "FROM names this base image: is it spelt right, and does its registry answer? where it is private, docker login stores the credentials"
	}
	return "nothing was deployed; mend it and run up again: what is done is not done twice"
}

// plainReason is the first thing to know about an error: its message without what a
// command printed, which may be long.
func plainReason(err error) string {
	var build *builder.BuildError
	if errors.As(err, &build) {
		return build.Error()
	}
	return err.Error()
}

// lastLines yields the last n lines of a text.
func lastLines(text string, n int) iter.Seq[string] {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return slices.Values(lines[max(0, len(lines)-n):])
}
