package envs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"beansprout/envs/beanstalk"
)

// A Deployment is a feature on its way to a URL.
type Deployment struct {
	Feature       string
	Origin        string // what the feature is named after: SourceBranch, SourceFork or SourceName; "" is not known
	Commit        string // of the source; Dirty where it has other changes
	Subject       string // of the commit
	Owner         string
	Email         string // of the owner, by which Slack may know them
	BuildURL      string // of the CI's run, for announcements
	Source        Source
	Compose       bool // the bundle has a compose file, which the Docker platform runs; else images are a Dockerrun's
	Base          Base
	Settings      []beanstalk.Setting
	Operations    string // ARN of the role that Beanstalk acts with; "" means the caller's rights
	Scheme        Scheme
	Check         HealthCheck
	AbortOnCancel bool // an interruption has AWS abort a deploy in progress instead of leaving it to itself
}

// Base is what a new environment starts from. Exactly one is set. It says nothing about an
// environment that lives.
type Base struct {
	Platform           string // platform branch
	SavedConfiguration string // name within the application
	CopyFrom           string // name of an environment of the application
}

// Scheme is the scheme of the environments' URLs.
type Scheme string

// The schemes.
const (
	ByListeners Scheme = "" // as the load balancer's listeners do
	HTTP        Scheme = "http"
	HTTPS       Scheme = "https"
)

// HealthCheck is what an environment's URL is asked after a deploy, and how it must answer.
type HealthCheck struct {
	Off     bool
	Path    string
	Accepts func(status int) bool // nil accepts 200 to 399
	Want    string                // the accepted statuses in words; "" is "200-399"
	Timeout time.Duration         // 0 is two minutes
}

// A Source makes what an environment runs. One builds it from a directory; another hands on
// digests that were built before.
type Source interface {
	// Check refuses what can't run on instances of the architecture, "amd64" or "arm64", before
	// anything is made. arch is "" where it makes no difference.
	Check(ctx context.Context, arch string) error
	// Images returns the images, which lie in the target's registry then, each for the target's
	// architecture. It may take long. Before Target.Ready returns it only finds out what there is.
	Images(ctx context.Context, t Target) ([]Image, error)
	// Bundle returns what Beanstalk is to run. The caller closes it.
	Bundle(ctx context.Context, images []Image, t Target) (Bundle, error)
	// Forecast returns the images as far as they are known without making any, and whether those are
	// all that Images would return, so that Bundle can be made of them now.
	Forecast(ctx context.Context, t Target) (images []Image, complete bool, err error)
}

// Image is an image of an environment.
type Image struct {
	Name      string // as the bundle calls it
	Reference string // with the digest
	Digest    string // sha256:...
	Platform  string // linux/amd64
}

// Bundle is what Beanstalk is to run.
type Bundle struct {
	File interface { // read from its beginning, more than once
		io.ReadSeeker
		io.Closer
	}
	Size   int64
	Digest string // SHA-256 in hex
	Kind   string // zip, war or jar
}

// Target is what a Source makes images and bundle for.
type Target struct {
	Name         string // of the environment
	URL          string // of the environment; "" while images are made
	Feature      string
	Commit       string
	Architecture string
	Registry     Registry
	// Ready returns when images may be made. Until then the deploy may be refused, and the registry's
	// Repository, if that has to be made, and Login wait, too.
	Ready   func(context.Context) error
	Options Options // whose Progress is told what happens
}

// Registry is where images are pushed.
type Registry struct {
	Name string // of the repository, or its URI
	// Repository returns the repository's URI, and makes the repository where it is missing.
	Repository func(context.Context) (uri string, err error)
	// Look returns the repository's URI, "" where it is missing.
	Look func(context.Context) (uri string, err error)
	// Image returns the digests of the image with that tag and of its configuration, "" where there is none.
	Image func(ctx context.Context, uri, tag string) (digest, config string, err error)
	// Login returns what to push the images of these names with. It looks after the repository's
	// lifecycle policy, too.
	Login func(ctx context.Context, uri string, images []string) (username, password string, err error)
}

// Result is the result of a Deploy, Rollback or Restore, or with DryRun the expected one.
type Result struct {
	Environment Environment // as far as it is known where the operation failed
	Outcome     string      // Created, Deployed, Unchanged, Superseded or Restored
	Reason      string      // what superseded it
	StaysOn     string      // the platform branch that the environment stays on, where Base names another
	Images      []Image
	Version     Version // that Rollback or Restore deploys
}

// The outcomes.
const (
	Created    = "created"
	Deployed   = "deployed"
	Unchanged  = "unchanged"
	Superseded = "superseded"
	Restored   = "restored"
)

// validate refuses a deployment that can't be right, whatever AWS has. The error is a *FieldError.
func (m *Manager) validate(d Deployment) error {
	if m.config.Application == "" {
		return errors.New("no application is set to deploy to")
	}
	if err := CheckFeature(d.Feature); err != nil {
		return &FieldError{"Feature", err}
	}
	bases := 0
	for _, name := range []string{d.Base.Platform, d.Base.SavedConfiguration, d.Base.CopyFrom} {
		if name != "" {
			bases++
		}
	}
	if bases != 1 {
		return &FieldError{"Base", fmt.Errorf("exactly one must be set of Platform, SavedConfiguration and CopyFrom, not %d", bases)}
	}
	if err := checkInstanceTypes(configured(d.Settings).InstanceTypes()); err != nil {
		return &FieldError{"Settings", err}
	}
	return nil
}

// checkInstanceTypes refuses instance types that can't exist, and those of several architectures: one
// image runs on all of them.
func checkInstanceTypes(types []string) error {
	for _, t := range types {
		if err := beanstalk.CheckInstanceType(t); err != nil {
			return err
		}
	}
	for _, t := range types[min(1, len(types)):] {
		if a, b := beanstalk.Architecture(types[0]), beanstalk.Architecture(t); a != b {
			return fmt.Errorf("the instance types are of several architectures: %s is %s, %s is %s", types[0], a, t, b)
		}
	}
	return nil
}
