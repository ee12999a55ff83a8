// Package config reads beansprout.yaml: a file goes in, and a Config with every default filled in
// comes out, or everything that is wrong with the file, each with its line and column.
//
// All keys are in one table, in keys.go. To add one, give its struct below a field, and the table a
// line: the key's path, the field, a check of the value (check.go), the default, and a sentence for
// docs/configuration.md, which "go test -update" writes. A check of several keys together belongs
// into validate.go, and a type that no other field has needs a case in fields.go.
//
// syntax.go makes a tree of the text, decode.go walks it, and fields.go stores what it finds.
package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Name is the name of the file.
const Name = "beansprout.yaml"

// Config is what beansprout.yaml says, with the defaults for what it leaves out.
type Config struct {
	File string // as it was named; "" when there is none
	Dir  string // absolute: what the paths below are relative to

	Application string // "" only without a file
	Region      string // "" leaves it to the SDK's own order
	Build       []Image
	Prepare     string // shell command to run before Artifact is read; "" for none
	Artifact    string // instead of Build: a war, jar or zip, relative to Dir, inside it
	Registry    Registry
	Environment Environment
	Dockerrun   Dockerrun
	Expire      Expire
	Slack       Slack
	PullRequest PullRequest
	Store       Store

	places map[string]string // file:line:column of each key that is set, by its path
}

// Image is how one image is built. Build has them in the order of the file.
type Image struct {
	Name       string
	Prepare    string // shell command to run before the build; "" for none
	Context    string // relative to Config.Dir, which it may leave
	Dockerfile string // relative to Context, which it doesn't leave
	Target     string // stage to build; "" for the last
	Args       map[string]string
	EnvArgs    []string // names of arguments that have the value of the environment variable, if it is set
	Secrets    []Secret
	SSH        []SSH
	Platform   string   // PlatformAMD64 or PlatformARM64; "" leaves it to the instance type
	CacheFrom  []string // references of images whose layers may be reused
	Network    string   // of RUN: "default", "none" or "host"
	Pull       bool     // look for newer base images
	WarnSize   int64    // bytes of context from which a build warns; 0: never
}

// Values of Image.Platform: the two that Beanstalk runs.
const (
	PlatformAMD64 = "linux/amd64"
	PlatformARM64 = "linux/arm64"
)

// SSH is an agent, or keys, that the build of an image may use.
type SSH struct {
	ID    string
	Paths []string // absolute; none means the agent of SSH_AUTH_SOCK
}

// Secret is a file or an environment variable that the build of an image may read.
type Secret struct {
	ID   string
	File string // absolute
	Env  string
}

// Registry is where the images are pushed.
type Registry struct {
	Repository        string // "", a name, or the URI of a repository in another account or region
	ScanOnPush        bool   // ScanOnPush and ImmutableTags apply when the repository is created
	ImmutableTags     bool
	ExpireImagesAfter Duration // whole days, because ECR counts in days; 0: never
}

// Environment is where an environment comes from and what it is like. Exactly one of CopyFrom,
// SavedConfiguration and Platform is set. InstanceProfile and ServiceRole have defaults only for a
// Platform: existing configurations have their own.
type Environment struct {
	CopyFrom           string // name of an environment
	SavedConfiguration string
	Platform           string // platform branch
	InstanceType       string // "" leaves it to Beanstalk
	InstanceProfile    string
	ServiceRole        string
	OperationsRole     string                       // ARN; "" for the caller's own rights
	Options            map[string]map[string]string // value by namespace and name
	Variables          map[string]string
	Secrets            map[string]string // ARN in Secrets Manager or SSM by name of the variable
	SharedLoadBalancer string            // ARN; "" for none
	URL                string            // URLHTTP or URLHTTPS; "" goes by the listeners
	Check              Check
}

// Values of Environment.URL.
const (
	URLHTTP  = "http"
	URLHTTPS = "https"
)

// Check is the request to an environment's URL that decides whether the application is up.
type Check struct {
	Off     bool // don't ask
	Path    string
	Status  []StatusRange
	Timeout Duration
}

// StatusRange is a range of HTTP statuses, both ends included.
type StatusRange struct{ Min, Max int }

// Accepts reports whether an answer with this HTTP status means that the application is up.
func (c Check) Accepts(status int) bool {
	return slices.ContainsFunc(c.Status, func(r StatusRange) bool { return r.Min <= status && status <= r.Max })
}

// StatusRanges returns the accepted statuses as text: "200-399, 401".
func (c Check) StatusRanges() string {
	var all []string
	for _, r := range c.Status {
		if r.Min == r.Max {
			all = append(all, strconv.Itoa(r.Min))
		} else {
			all = append(all, fmt.Sprintf("%d-%d", r.Min, r.Max))
		}
	}
	return strings.Join(all, ", ")
}

// Dockerrun is what the bundle is made of.
type Dockerrun struct {
	Template string         // relative to Config.Dir, inside it
	Include  []string       // folders or files, likewise
	Values   map[string]any // by placeholder; each a string, numbers as the file spells them
}

// IsCompose reports whether the template is a compose file.
func (d Dockerrun) IsCompose() bool {
	ext := strings.ToLower(filepath.Ext(d.Template))
	return ext == ".yaml" || ext == ".yml"
}

// Expire is how long environments live and how the janitor removes them.
type Expire struct {
	After        Duration // more than 0
	From         string   // FromCreated or FromDeployed
	Least        Duration // after each deploy; at most After
	WarnBefore   Duration // 0: no warning
	Branches     Branches
	RestoreFor   Duration // 0: nothing is kept
	Schedule     string   // for cron
	MaxDeletions int      // in one sweep, at least 1
}

// Branches are those of a git repository. An environment may go when its branch has gone.
type Branches struct {
	Remote string   // URL of the repository; "": the janitor asks for no branches
	After  Duration // how long a branch must have been missing
}

// Values of Expire.From.
const (
	FromCreated  = "created"
	FromDeployed = "deployed"
)

// Slack is where announcements go, and who may press their buttons.
type Slack struct {
	Channel string   // "" for no Slack
	Users   []string // ids; none for everybody
}

// PullRequest says what is told where a change is discussed: in a pull request of GitHub or a merge request
// of GitLab.
type PullRequest struct {
	Comment     bool // one for each environment
	Deployments bool // to GitHub's environments
}

// Store names the S3 bucket of records and bundles; "" is Beanstalk's own.
type Store struct{ Bucket string }

// AddImage adds an image that another file says how to build, at a place of that file.
func (c *Config) AddImage(i Image, at string) {
	c.Build = append(c.Build, i)
	c.places["build."+i.Name] = at
}

// At returns where the file sets the first of these paths that it sets, as file:line:column. A path
// is "expire.schedule" or "build.web.context". At returns the file's name alone when it sets none.
func (c *Config) At(paths ...string) string {
	for _, path := range paths {
		if at, ok := c.places[path]; ok {
			return at
		}
	}
	return c.File
}
