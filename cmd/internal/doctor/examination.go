package doctor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"beansprout/builder"
	"beansprout/cmd/internal/account"
	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/project/config"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/notify"
)

// The names of the checks.
const (
	engineCheck       = "engine"
	gitCheck          = "git"
	filesCheck        = "files"
	regionCheck       = "region"
	localCheck        = "local cloud"
	credentialsCheck  = "credentials"
	clockCheck        = "clock"
	rightsCheck       = "rights"
	operationsCheck   = "rights of Beanstalk"
	profileCheck      = "instance profile"
	roleCheck         = "service role"
	applicationCheck  = "application"
	platformCheck     = "platform"
	savedCheck        = "saved configuration"
	copyCheck         = "copy_from"
	nameCheck         = "name"
	repositoryCheck   = "repository"
	bucketCheck       = "bucket"
	environmentsCheck = "quota: environments"
	versionsCheck     = "quota: versions"
	templatesCheck    = "quota: saved configurations"
	addressesCheck    = "quota: elastic IPs"
	urlCheck          = "url"
	slackCheck        = "slack"
	tokenCheck        = "slack token"
	scopesCheck       = "slack scopes"
	channelCheck      = "slack channel"
	appCheck          = "slack app token"
)

// examination is what the checks have found so far. Each field is written by one check, and read only by
// those that wait for it.
type examination struct {
	Subject
	cfg       *config.Config
	slack     *notify.Slack // nil where it is not configured
	manager   *envs.Manager // by region
	account   *account.Client
	caller    envs.Caller             // by credentials
	feature   string                  // by git
	place     envs.Place              // by name
	basis     beanstalk.Configuration // by platform
	bot       notify.Bot              // by slack token
	quotas    func(context.Context) (beanstalk.Quotas, error)
	principal func(context.Context) (string, error) // ARN of the user or role whose rights the caller has
}

func newExamination(s Subject) *examination {
	e := &examination{Subject: s, cfg: s.Project.Config, slack: s.Connector.Slack(s.Project)}
	if e.Engine == nil {
		e.Engine = builder.Connect
	}
	e.quotas = once(func(ctx context.Context) (beanstalk.Quotas, error) { return e.manager.Quotas(ctx) })
	e.principal = once(e.readPrincipal)
	return e
}

// once returns a function that asks f once, with the context of the first that wants to know.
func once[T any](f func(context.Context) (T, error)) func(context.Context) (T, error) {
	var first sync.Once
	var answer T
	var err error
	return func(ctx context.Context) (T, error) {
		first.Do(func() { answer, err = f(ctx) })
		return answer, err
	}
}

// checks returns the checks that apply to the subject. What a check needs stands before it.
func (e *examination) checks() []check {
	var all []check
	deploys := e.cfg.File != ""
	if e.Project.HasImages() {
		all = append(all, check{name: engineCheck, run: e.checkEngine})
	}
	if deploys {
		all = append(all, check{name: gitCheck, run: e.checkGit}, check{name: filesCheck, after: []string{gitCheck}, run: e.checkFiles})
	}
	all = append(all, e.accountChecks()...)
	if deploys {
		all = append(all, e.deployChecks()...)
	}
	all = append(all, check{name: bucketCheck, needs: []string{credentialsCheck}, run: e.checkBucket})
	if deploys {
		all = append(all, e.quotaChecks()...)
		all = append(all, check{name: urlCheck, needs: []string{credentialsCheck, nameCheck}, run: e.checkURL})
	}
	return append(all, e.slackChecks()...)
}

// accountChecks are about the AWS account.
func (e *examination) accountChecks() []check {
	connected := regionCheck
	region := check{name: regionCheck, limit: time.Minute, run: e.checkRegion}
	if e.Local {
		connected, region.name = localCheck, localCheck
		if e.Project.HasImages() {
			region.needs = []string{engineCheck}
		}
	}
	return []check{
		region,
		{name: credentialsCheck, needs: []string{connected}, limit: 2 * time.Minute, run: e.checkCredentials}, // a person may type a code
		{name: clockCheck, needs: []string{connected}, run: e.checkClock},
		{name: rightsCheck, needs: []string{credentialsCheck}, run: e.checkRights},
	}
}

// deployChecks are about what a deploy uses in the account.
func (e *examination) deployChecks() []check {
	signedIn := []string{credentialsCheck}
	base := check{name: platformCheck, needs: signedIn, after: []string{gitCheck}, run: e.checkBasis}
	switch {
	case e.cfg.Environment.SavedConfiguration != "":
		base.name = savedCheck
	case e.cfg.Environment.CopyFrom != "":
		base.name = copyCheck
	}
	profile := check{name: profileCheck, needs: signedIn, after: []string{base.name}, run: e.checkProfile}
	role := check{name: roleCheck, needs: signedIn, after: []string{base.name}, run: e.checkRole}
	if e.cfg.Environment.InstanceProfile == "" {
		profile.needs = append(profile.needs, base.name)
	}
	if e.cfg.Environment.ServiceRole == "" {
		role.needs = append(role.needs, base.name)
	}
	all := []check{
		{name: operationsCheck, needs: signedIn, run: e.checkOperations},
		{name: applicationCheck, needs: signedIn, run: e.checkApplication},
		base, profile, role,
		{name: nameCheck, needs: []string{credentialsCheck, gitCheck}, run: e.checkName},
	}
	if e.Project.HasImages() {
		all = append(all, check{name: repositoryCheck, needs: signedIn, run: e.checkRepository})
	}
	return all
}

// broken is the finding of a check that has failed with err.
func broken(ctx context.Context, err error) Finding {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	err = failure.Explain(err)
	return fail(err.Error(), failure.Hints(err)...)
}

// unknown is the finding of a check that only the examination needs, and that has failed with err: what it
// would have found may be as it should be.
func unknown(err error) Finding {
	fix := ""
	if refusal, ok := errors.AsType[*account.Refusal](err); ok && errors.Is(err, account.ErrDenied) {
		fix = "to know it, allow " + refusal.Call + " to the caller; only doctor uses it"
	}
	return warn("unknown: "+err.Error(), fix)
}
