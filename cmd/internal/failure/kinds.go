package failure

import (
	"errors"
	"net"

	"beansprout/builder"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ecr"
	"beansprout/envs/store"
	"beansprout/notify"
)

// A kind tells errors apart for programs. Names never change; more may be added.
type kind struct {
	name    string
	is      func(error) bool
	meaning string // for docs/errors.md, in Markdown
	hint    string // for an error that has none of its own
}

// kinds are all there are. The first that fits counts, and the last fits every error.
var kinds = []kind{
	{"usage", func(err error) bool { return ExitCode(err) == ExitUsage }, "the command line, `beansprout.yaml` or a file that it names is wrong; the exit code is 2",
		"mend what the message names; beansprout VERB --help shows the flags, and beansprout schema what the file may hold"},
	{"interrupted", func(err error) bool { return ExitCode(err) == ExitInterrupted }, "a signal ended the command; the exit code is 130",
		"run it again: it takes up where this stands"},
	{"timeout", is(ErrTimeout), "the time that `--timeout` gives was over", "use a longer --timeout, and run it again: it takes up where this stands"},
	{"not_ours", is(envs.ErrNotOurs), "what has the name was not made by Beansprout, or cannot be proved to be", "look at it in the console: beansprout never changes it"},
	{"credentials", noCredentials, "AWS does not accept the credentials, or there are none", "aws sts get-caller-identity must work with the same credentials"},
	{"certificate", is(envs.ErrCertificate), "AWS's certificate is not trusted here", "check this machine's clock and AWS_CA_BUNDLE"},
	{"quota", is(envs.ErrQuota), "a quota of the AWS account is used up", "remove what is not needed any more, or have AWS raise the quota"},
	{"taken", is(envs.ErrTaken), "another environment has the name or the address", "give the feature another name with --feature"},
	{"not_ready", is(envs.ErrNotReady), "another operation is changing the environment", "try again when it is Ready"},
	{"not_found", is(envs.ErrNotFound, ecr.ErrNoRepository, store.ErrNoBucket), "the feature has no environment, or something that is named does not exist", "beansprout list shows the environments"},
	{"no_engine", is(builder.ErrNoEngine), "no Docker Engine answers", engineHint},
	{"check", isA[*envs.CheckError], "AWS calls the environment ready, but its URL does not answer as `environment.check` says", "beansprout logs shows what the application printed"},
	{"build", isA[*builder.BuildError], "the image could not be built, or a `prepare` failed", "nothing was deployed; mend it and run up again"},
	{"deploy", isA[*beanstalk.Failure], "the deployment failed on the instances", "beansprout events and beansprout logs show why"},
	{"denied", func(err error) bool { return denied(err) != "" }, "a right is missing", "add the right that the message names to the caller's IAM policy"},
	{"protected", isA[*envs.ProtectedError], "the environment is protected from removal", "beansprout unkeep takes the protection away"},
	{"alive", is(envs.ErrAlive), "the environment lives, so there is nothing to restore", "beansprout status shows it"},
	{"going", isA[*envs.GoingError], "AWS is removing the environment", "try again when it has gone"},
	{"expiry", isExpiry, "the environment would live for more than a year, or has no expiry that could change", "beansprout keep protects it for good"},
	{"conflict", is(envs.ErrReplaced, envs.ErrRegistered, store.ErrLost), "something else has changed the environment or its version meanwhile", "run it again: it looks at what is there then"},
	{"version", isVersion, "the version cannot be deployed", "run up on the commit that you want"},
	{"platform", isPlatform, "a living environment's platform or architecture cannot run what is to be deployed", "run beansprout down and then up"},
	{"slack", isA[notify.Refusal], "Slack refused a request", "beansprout slack test tries the token, the scopes and the channel"},
	{"unavailable", unreachable, "AWS could not be reached, or gave no usable answer", "check the network, the proxy and the region, and run it again: it takes up where this stands"},
	{"failed", func(error) bool { return true }, "anything else", "run it again: it takes up where this stands; beansprout events shows what AWS did"},
}

// kindOf returns what kind of error err is.
func kindOf(err error) kind {
	for _, k := range kinds {
		if k.is(err) {
			return k
		}
	}
	return kinds[len(kinds)-1]
}

func is(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func noCredentials(err error) bool {
	return errors.Is(err, envs.ErrCredentials) ||
		isA[*envs.AccountError](err) && !errors.Is(err, envs.ErrCertificate) && !unreachable(err) && denied(err) == ""
}

func isExpiry(err error) bool { return isA[*envs.LongError](err) || errors.Is(err, envs.ErrForever) }

func isVersion(err error) bool {
	return isA[*envs.VersionError](err) || is(envs.ErrNoVersion, envs.ErrBundle, envs.ErrImagesUnknown)(err)
}

func isPlatform(err error) bool {
	return isA[*envs.PlatformError](err) || isA[*envs.ArchitectureError](err)
}

func unreachable(err error) bool {
	return errors.Is(err, beanstalk.ErrUnanswered) || isA[*net.OpError](err) || isA[*net.DNSError](err)
}
