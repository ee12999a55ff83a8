package beanstalk

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"beansprout/localcloud/wire"
)

// The states of an environment that this cloud uses.
const (
	launching   = "Launching"
	updating    = "Updating"
	aborting    = "Aborting"
	ready       = "Ready"
	terminating = "Terminating"
	terminated  = "Terminated"
)

// The row of a terminated environment is visible for an hour, and on demand for six weeks (developer
// guide, "Terminate an environment").
const (
	lingers = time.Hour
	keeps   = 42 * 24 * time.Hour
)

// environment is one row. Several rows can have the same name, but only one of them is not
// terminated.
type environment struct {
	ID, Name, Application       string
	Region, Account             string
	Description, OperationsRole string
	Prefix                      string // of the CNAME; workers have none
	Tier                        tier
	Status                      string
	Failed                      bool   // its setup does not run
	Spare                       string // the instance on which the last update failed, beside the one that still runs
	Created, Updated            time.Time
	Setup                       setup
	Work                        *work // the running transition
	Logs                        []logFile
}

// setup is what an environment runs. An update that succeeds replaces all of it.
type setup struct {
	Version     string // label; "" is the sample application
	Bucket, Key string // of the version's bundle
	Platform    string // ARN
	Template    string
	Options     options
	Tags        map[string]string
}

// work is a running transition, with all that is needed to complete it after a restart.
type work struct {
	Verb    verb
	Request string    // id of the call that asked for it
	Until   time.Time // before which it does not end
	Wanted  setup     // after success
	Deploys bool      // whether a version was given
	Tunes   bool      // whether options were given
	Aborted bool
	Partner string // the other environment's name in a swap of CNAMEs
	Flaw    string // what AWS finds wrong with the options or the roles, during the work
	CNAME   string // when the work began, for its event
}

type tier struct {
	Name    string `aws:"enum=WebServer|Worker"`
	Type    string `aws:"enum=Standard|SQS/HTTP"`
	Version string
}

var webServer, worker = tier{"WebServer", "Standard", "1.0"}, tier{"Worker", "SQS/HTTP", "1.0"}

func (e environment) live() bool { return e.Status != terminated }

// abortable reports whether AbortEnvironmentUpdate would succeed now.
func (e environment) abortable() bool {
	return e.Status == updating && e.Work.Verb == update && (e.Work.Deploys || e.Work.Tunes)
}

// visible reports whether DescribeEnvironments shows the row. Terminated rows are shown for an hour
// unless the caller wants none, and for up to six weeks if it asks for deleted ones.
func (e environment) visible(now time.Time, deleted *bool, back time.Time) bool {
	age := now.Sub(e.Updated)
	switch {
	case e.live():
		return true
	case deleted == nil:
		return age < lingers
	}
	return *deleted && (age < lingers || age < keeps && !e.Updated.Before(back))
}

func (e environment) arn() string {
	return arn(e.Region, e.Account, "environment", e.Application, e.Name)
}

func arn(region, account, kind string, path ...string) string {
	return wire.ARN("elasticbeanstalk", region, account, kind+"/"+strings.Join(path, "/"))
}

// resource returns the name of a resource that CloudFormation would have made for the environment. It
// never changes.
func (e environment) resource(kind string) string {
	return fmt.Sprintf("awseb-%s-stack-%s-%s", e.ID, kind, strings.ToUpper(e.digest(kind)[:12]))
}

func (e environment) instance() string { return "i-" + e.digest("instance")[:17] }

// updated returns the instance on which an update that ended with err was tried: another one, as in
// AWS's immutable updates, unless the one before was stopped for it.
func (e environment) updated(err error) string {
	if isDown(err) {
		return e.instance()
	}
	return "i-" + e.digest("instance/" + e.Work.Request)[:17]
}

func (e environment) digest(of string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(e.ID+"/"+of)))
}

// health returns the colour and, with enhanced health, the status. They follow from the other fields
// and are not stored. The space in "No Data" is AWS's own.
func (e environment) health() (colour, status string) {
	o := e.Setup.Options
	switch {
	case e.Status == launching:
		colour, status = "Grey", "Pending"
	case e.Status == terminating, e.Status == terminated, o.paused():
		colour, status = "Grey", "No Data"
	case e.Failed:
		colour, status = "Red", "Severe"
	case e.Status != ready:
		colour, status = "Green", "Info"
	default:
		colour, status = "Green", "Ok"
	}
	if o.enhanced() {
		return colour, status
	}
	switch {
	case o.paused() && e.Status == ready:
		colour = "Red"
	case e.Status != ready:
		colour = "Grey"
	}
	return colour, ""
}

// word returns n random letters and digits as AWS uses them in ids.
func word(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	b := make([]byte, n)
	_, _ = rand.Read(b) // cannot fail
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return string(b)
}
