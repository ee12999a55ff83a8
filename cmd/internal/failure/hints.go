package failure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"beansprout/builder"
	"beansprout/cmd/internal/awsconfig"
	"beansprout/cmd/internal/background"
	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/terminal"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ecr"
	"beansprout/envs/store"
	"beansprout/janitor"
)

// errorHints are the hints for errors of the packages below. The first that matches is printed.
var errorHints = []struct {
	err  error
	hint string
}{
	{builder.ErrSocket, "members of the socket's group, often docker, may: sudo usermod -aG docker $USER, and log in again"},
	{builder.ErrWantsTLS, "set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to the directory with its ca.pem, cert.pem and key.pem"},
	{builder.ErrNoTLS, "unset DOCKER_TLS_VERIFY and DOCKER_TLS, or name the port on which it speaks with TLS, often 2376"},
	{builder.ErrClientCertificate, "DOCKER_CERT_PATH names the directory with the cert.pem and key.pem that it trusts"},
	{builder.ErrCertificate, "ca.pem in the directory that DOCKER_CERT_PATH names has to be of the authority that signed it, and the host in DOCKER_HOST has to be in it"},
	{builder.ErrAPIVersion, "unset DOCKER_API_VERSION: then the client and the engine agree on a version"},
	{builder.ErrPodman, "images are built by a Docker Engine: start one, and point DOCKER_HOST at its socket, often unix:///var/run/docker.sock"},
	{builder.ErrOtherLoopback, LoopbackHint},
	{builder.ErrNoEngine, engineHint},
	{builder.ErrTooOld, "update the Docker Engine: BuildKit needs API 1.39, which is Docker 18.09"},
	{builder.ErrNoDockerfile, "dockerfile and context under build: in beansprout.yaml say where it is"},
	{builder.ErrNoContext, "context under build: in beansprout.yaml says which directory the Dockerfile sees"},
	{builder.ErrFileName, "rename it, or leave it out with a .dockerignore, where a ? stands for each byte that is no character"},
	{builder.ErrOldFrontend, "is it spelt right? an engine before Docker 23 knows neither heredocs nor COPY --link; update it, or have it fetch a newer reader: # syntax=docker/dockerfile:1 in the first line"},
	{builder.ErrNoFrontend, "the # syntax= line makes the engine fetch that image, from Docker Hub unless it names another registry; without the line the engine reads the Dockerfile itself"},
	{builder.ErrNoKey, "ssh: [default] under the image in beansprout.yaml hands the SSH agent to RUN --mount=type=ssh, ssh: [ID=PATH] a key file"},
	{builder.ErrUnreadable, "make it readable, or leave it out with a .dockerignore"},
	{builder.ErrNothingToCopy, "COPY and ADD look in the context, which context under build: in beansprout.yaml names, and find nothing there that .dockerignore leaves out"},
	{builder.ErrNoBase, "if the base image is private, docker login stores the credentials for it; those for the registry of our images come from ECR"},
	{builder.ErrPlatform, "platform under build: in beansprout.yaml says what an image is for; a FROM --platform in the Dockerfile has to agree with it"},
	{builder.ErrForeign, "build on a machine of that architecture, or let this engine emulate it: docker run --privileged --rm tonistiigi/binfmt --install all"},
	{builder.ErrNoSpace, "docker system df shows what fills the engine's disk, docker system prune deletes what is unused"},
	{builder.ErrTagTaken, "run up without --rebuild to use that image, or delete its tag (aws ecr batch-delete-image), or let the repository's tags be moved"},
	{builder.ErrExpired, "the token comes from ECR for the AWS credentials: check them with aws sts get-caller-identity, and this machine's clock"},
	{builder.ErrDenied, "check that the AWS credentials may push: pushing takes the ecr: actions from GetAuthorizationToken to PutImage"},
	{builder.ErrPruned, "something removes images while they are made, such as docker image prune in another job: keep those with the label beansprout.image that are younger than an hour"},
	{builder.ErrUnwell, "nothing was deployed; run up again in a while: layers that have arrived are not sent again"},
	{store.ErrNoBucket, "ledger.bucket in beansprout.yaml names it; without that key, Beanstalk's own bucket is used"},
	{ecr.ErrNoRepository, "registry.repository in beansprout.yaml names it"},
	{ecr.ErrForeignHost, "registry.repository in beansprout.yaml names it; aws ecr describe-repositories shows the URIs of the account's own"},
	{awsconfig.ErrNoRegion, "set --region, region: in beansprout.yaml, or AWS_REGION"},
	{ErrTimeout, "use a longer --timeout; AWS finishes what it has begun, and the next run continues from there"},
	{store.ErrLost, "this run was cut off until its lease expired, and has changed nothing since; beansprout status shows what runs, and another up repairs it"},
	{envs.ErrCredentials, "renew the AWS credentials (aws sts get-caller-identity must work) and run it again: it takes up where this stands"},
	{envs.ErrCertificate, "check this machine's clock; where a proxy of your network signs for AWS, AWS_CA_BUNDLE names the file with its certificates"},
	{beanstalk.ErrUnanswered, "check the network and the proxy, and https://health.aws.amazon.com, and run it again: it takes up where this stands"},
	{janitor.ErrTooMany, "check the list; if it is right, allow that many with --max N"},
	{janitor.ErrShrunk, ShrunkHint},
	{janitor.ErrSkew, "set this machine's clock by a time server (timedatectl shows whether it is) and sweep again: a wrong clock makes every end wrong"},
	{janitor.ErrBranches, "git ls-remote --heads with the same remote and credentials shows whether it answers; expire.branches in beansprout.yaml names it"},
	{envs.ErrNoApplication, "check the account and the region (aws sts get-caller-identity, --region), and application: in beansprout.yaml; if there is nothing left, allow the sweep with --max N"},
	{envs.ErrNotOurs, "beansprout never changes it; look at it in the console, and rename or remove it there"},
	{envs.ErrReplaced, "run it again: it acts on the one that lives under the name then"},
	{envs.ErrRegistered, "find out who registered it; once that version is deleted, up registers it with its own bundle"},
	{envs.ErrNotReady, "another operation is changing it; try again when it is Ready"},
}

const (
	LoopbackHint = "the local cloud needs a Linux engine on this machine; a container that has the machine's engine by its socket needs the machine's network, too (docker run --network host)"
	engineHint   = "start Docker, or point DOCKER_HOST at an engine; on Debian and Ubuntu: apt-get install docker.io"
	mfaHint      = "run it on a terminal, or give it credentials that need no code: a role of the machine, " +
		"or what aws configure export-credentials --format env prints on one"
	ShrunkHint = "check whether beansprout list shows all environments; if it does, allow that many with --max N"
)

// Explain adds a hint to an error; nil stays nil. It adds none to a refusal of the environment manager
// that has a hint from the verb.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	if len(Hints(err)) == 0 {
		err = hinted(err, refusalHint(err), projectHint(err))
	}
	for _, h := range errorHints {
		if errors.Is(err, h.err) {
			return WithHint(err, "%s", h.hint)
		}
	}
	return hinted(err, quotaHint(err), denialHint(err), knownHint(err), buildHint(err), failureHint(err))
}

// hinted returns err with the first of the hints that is not empty.
func hinted(err error, hints ...string) error {
	if first := cmp.Or(hints...); first != "" {
		return WithHint(err, "%s", first)
	}
	return err
}

// projectHints are the hints for mistakes in a project.
var projectHints = map[project.Kind]string{
	project.NoFile:     "go to the application's directory, or name the file with --config",
	project.NoFeature:  "name one with --feature NAME",
	project.NoTemplate: "dockerrun.template in beansprout.yaml names the Dockerrun template or the compose file",
	project.NoArtifact: "build it before, or have beansprout.yaml's prepare build it",
}

// projectHint returns the hint for a mistake in the files of a project.
func projectHint(err error) string {
	if mistake, ok := errors.AsType[*project.Error](err); ok && projectHints[mistake.Kind] != "" {
		return projectHints[mistake.Kind]
	}
	if double, ok := errors.AsType[*project.AppleDoubleError](err); ok {
		return fmt.Sprintf("macOS made this file beside %s: delete it, and archive with COPYFILE_DISABLE=1", double.Beside)
	}
	if _, ok := errors.AsType[*project.BundleError](err); ok {
		return "dockerrun.include in beansprout.yaml says what goes into the bundle"
	}
	if option, ok := errors.AsType[*project.OptionError](err); ok {
		return fmt.Sprintf("%s doesn't set %s; environment.options may", option.File, option.Setting)
	}
	return ""
}

func buildHint(err error) string {
	e, ok := errors.AsType[*builder.BuildError](err)
	switch {
	case !ok:
		return ""
	case e.Output != "":
		return "the lines above are what it printed; nothing was deployed"
	case strings.HasPrefix(e.Step, "[internal] load metadata for "):
		return "FROM names this base image: is it spelt right, and does its registry answer? where it is private, docker login stores the credentials"
	}
	return "nothing was deployed; mend it and run up again: what is done is not done twice"
}

func failureHint(err error) string {
	if _, ok := errors.AsType[*beanstalk.Failure](err); ok {
		return "mend it and run up again: it takes up where this stands"
	}
	return ""
}

// refusalHint returns the hint for an operation that the environment manager has refused, or "" if err
// has another cause.
func refusalHint(err error) string {
	if child, ok := errors.AsType[*background.ChildError](err); ok {
		return child.Hints
	}
	if account, ok := errors.AsType[*envs.AccountError](err); ok {
		return accountHint(account)
	}
	if missing, ok := errors.AsType[*envs.MissingError](err); ok {
		return missingHint(missing)
	}
	if _, going := errors.AsType[*envs.GoingError](err); going {
		return "beansprout up makes a new one"
	}
	if version, ok := errors.AsType[*envs.VersionError](err); ok {
		return versionHint(version)
	}
	if errors.Is(err, envs.ErrNoVersion) {
		return "name one with --to LABEL, or run up on the commit that you want"
	}
	if _, long := errors.AsType[*envs.LongError](err); long {
		return "beansprout keep protects it for good"
	}
	if _, ok := errors.AsType[*envs.ArchitectureError](err); ok {
		return "the architecture of a living environment can't change: run beansprout down and then up"
	}
	if _, ok := errors.AsType[*envs.PlatformError](err); ok {
		return platformHint(err)
	}
	if _, ok := errors.AsType[*envs.CheckError](err); ok {
		return "environment.check in beansprout.yaml sets the path, status and timeout of the check, or off if this machine can't reach the URL"
	}
	if _, ok := errors.AsType[*envs.AddressError](err); ok {
		return "CNAMEs are shared by all customers of a region; give the feature another name with --feature"
	}
	if protected, ok := errors.AsType[*envs.ProtectedError](err); ok {
		return protectionHint(protected)
	}
	return ""
}

func accountHint(e *envs.AccountError) string {
	switch {
	case errors.Is(e, context.Canceled), errors.Is(e, ErrTimeout):
		return ""
	case errors.Is(e, awsconfig.ErrNoTerminal):
		return mfaHint
	}
	return cmp.Or(knownHint(e), "check the AWS credentials: aws sts get-caller-identity must work; or try --local")
}

// platformHint returns the hint for a platform that runs no images. If the deployment names it, another
// can be named.
func platformHint(err error) string {
	platform, _ := errors.AsType[*envs.PlatformError](err)
	_, named := errors.AsType[*envs.FieldError](err)
	if named && platform.Compose {
		return "use a branch such as Docker running on 64bit Amazon Linux 2023, or leave environment.platform out"
	}
	if named {
		return "use a branch such as ECS running on 64bit Amazon Linux 2023, or artifact: instead of build:"
	}
	return "the platform of a living environment can't change: run beansprout down and then up"
}

// protectionHint returns how to remove an environment that is protected.
func protectionHint(e *envs.ProtectedError) string {
	if e.Launch {
		return "beansprout unkeep, or remove the tag " + envs.TagLifecycle + "=keep, or beansprout down --force"
	}
	return "use --force to remove it all the same"
}

// missingHint returns what to do about a feature without an environment.
func missingHint(e *envs.MissingError) string {
	switch {
	case e.Busy != nil:
		owner := store.LeaseOwner{Verb: terminal.Sanitize(e.Busy.Verb), By: terminal.Sanitize(e.Busy.By)}
		return envs.Owner(owner) + " is at work on it; beansprout status shows the environment as soon as it exists"
	case e.Restorable:
		return "beansprout restore brings back the one that was removed; beansprout up makes a new one"
	case e.Similar != "":
		return fmt.Sprintf("did you mean %q? beansprout list shows the environments", e.Similar)
	}
	return "beansprout list shows the environments; beansprout up makes one"
}

// versionHint returns what to do about a version that can't be deployed.
func versionHint(e *envs.VersionError) string {
	switch {
	case errors.Is(e, ecr.ErrNoImage):
		return "images expire unless a living environment runs them or ran them just before; run up on the commit that you want"
	case len(e.Similar) > 0:
		return "the nearest of its versions: " + strings.Join(e.Similar, ", ")
	case errors.Is(e, envs.ErrBundle), errors.Is(e, envs.ErrNotFound), errors.Is(e, envs.ErrImagesUnknown), errors.Is(e, store.ErrNoBucket):
		return "run up on the commit that you want"
	}
	return ""
}

// RestoreHint adds a hint to the error of a refused restore.
func RestoreHint(err error, restoreFor string) error {
	_, going := errors.AsType[*envs.GoingError](err)
	switch {
	case going:
		return WithHint(err, "try again when it has gone")
	case errors.Is(err, envs.ErrAlive):
		return WithHint(err, "beansprout status shows it; beansprout up deploys to it")
	case errors.Is(err, envs.ErrTaken), errors.Is(err, envs.ErrReplaced):
		return WithHint(err, "another environment has its name or address now; beansprout up names it")
	case errors.Is(err, envs.ErrPurged):
		return WithHint(err, "beansprout down --purge removed its environment; beansprout up makes a new one")
	case errors.Is(err, envs.ErrVersionExpired):
		return WithHint(err, "expire.restore_for (%s) is over; beansprout up makes a new environment", restoreFor)
	case errors.Is(err, envs.ErrNotFound):
		return WithHint(err, "beansprout up makes a new environment")
	}
	return err
}
