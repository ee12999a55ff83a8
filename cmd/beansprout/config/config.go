// Package config reads beansprout.yaml: a file goes in, a Config with every default
// filled in comes out, or all that is wrong with the file, each with line and column.
package config

import (
	"fmt"
	"path/filepath"
)

// Name is what the file is called.
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
	Ledger      Ledger

	notices []string
	places  map[string]string // file:line:column by path of the key
}

// Image is how one image is made. Build has them in the order of the file.
type Image struct {
	Name       string
	Prepare    string // shell command to run before the build; "" for none
	Context    string // relative to Config.Dir, which it may leave
	Dockerfile string // relative to Context, which it doesn't leave
	Target     string // stage to build; "" for the last
	Args       map[string]string
	Secrets    []Secret
	Platform   string   // PlatformAMD64 or PlatformARM64; "" leaves it to the instance type
	CacheFrom  []string // references of images whose layers may be reused
	Network    string   // of RUN: "default", "none" or "host"
	Pull       bool     // look for newer base images
	WarnSize   int64    // bytes of context from which a build warns; 0: never
}

// Values of Image.Platform, which are those that Beanstalk runs.
const (
	PlatformAMD64 = "linux/amd64"
	PlatformARM64 = "linux/arm64"
)

// Secret is something that the build of an image may read: either a file or an
// environment variable.
type Secret struct {
	ID   string
	File string // absolute
	Env  string
}

// Registry is where the images are pushed.
type Registry struct {
	Repository        string // "", name, or URI of a repository in another account or region
	ScanOnPush        bool   // this and the next are for a repository that is made
	ImmutableTags     bool
	ExpireImagesAfter Duration // whole days, ECR counts in nothing else; 0: never
}

// Environment is where an environment comes from and what it is like. One of CopyFrom,
// SavedConfiguration and Platform is set. Configurations that exist have a profile and a
// role of their own, so only those for a Platform have defaults.
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
	Check              Check
}

// Dockerrun is what the bundle is made of.
type Dockerrun struct {
	Template string         // relative to Config.Dir, inside it
	Include  []string       // folders or files, likewise
	Values   map[string]any // by placeholder; each a string, numbers as the file spells them
}

// Expire is how long environments live and how the janitor takes them away.
type Expire struct {
	After        Duration // more than 0
	From         string   // FromCreated or FromDeployed
	WarnBefore   Duration // 0: no warning
	RestoreFor   Duration // 0: nothing is kept
	Schedule     string   // for cron
	MaxDeletions int      // in one sweep, at least 1
}

// Values of Expire.From.
const (
	FromCreated  = "created"
	FromDeployed = "deployed"
)

// Slack is where announcements go; "" for nowhere.
type Slack struct{ Channel string }

// Ledger is the S3 bucket of bundles and ledger; "" for Beanstalk's own.
type Ledger struct{ Bucket string }

// Load reads the file at path. All that is wrong with it is reported at once, as *Error.
func Load(path string) (*Config, error) {
	text, err := read(path)
	if err != nil {
		return nil, &Error{[]error{fmt.Errorf("%s: %w", path, cause(err))}}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, &Error{[]error{fmt.Errorf("%s: %w", path, err)}}
	}
	return parse(path, dir, text)
}

// Defaults returns what holds where there is no file.
func Defaults(dir string) *Config {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	c := initial(dir)
	c.complete()
	return c
}

// At returns where the file sets the key with this path, "expire.schedule", as file:line:column;
// the file alone where it doesn't.
func (c *Config) At(path string) string {
	if at, ok := c.places[path]; ok {
		return at
	}
	return c.File
}

// Notices returns a sentence for each key that the file sets and this version ignores.
func (c *Config) Notices() []string { return c.notices }

func parse(file, dir string, text []byte) (*Config, error) {
	d := &document{file: file, set: map[string]value{}}
	c := initial(dir)
	c.File = file
	if root, ok := d.read(text); ok {
		root.object(c.fields())
		c.compare(d)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	c.complete()
	c.notices = notices(d, c)
	c.places = map[string]string{}
	for path, v := range d.set {
		c.places[path] = d.at(v.place())
	}
	return c, nil
}
