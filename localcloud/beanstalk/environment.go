package beanstalk

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
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

// A row of a terminated environment stays visible for an hour, and on demand for six weeks
// (developer guide, "Terminate an environment").
const (
	lingers = time.Hour
	keeps   = 42 * 24 * time.Hour
)

// environment is one row. Several can have one name; all but one of them are terminated.
type environment struct {
	ID, Name, Application       string
	Region, Account             string
	Description, OperationsRole string
	Prefix                      string // of the CNAME; workers have none
	Tier                        tier
	Status                      string
	Failed                      bool // what it was to run does not run
	Created, Updated            time.Time
	Setup                       setup
	Work                        *work // what is under way
	Logs                        []logFile
}

// setup is what an environment runs. An update replaces it as a whole, when it succeeds.
type setup struct {
	Version     string // label; "" is the sample application
	Bucket, Key string // of the version's bundle
	Platform    string // ARN
	Template    string
	Options     options
	Tags        map[string]string
}

// work is a transition under way: all it takes to carry it out after a restart.
type work struct {
	Verb    verb
	Request string    // id of the call that asked for it
	Until   time.Time // it takes at least until then
	Wanted  setup     // what runs once it has succeeded
	Deploys bool      // a version was given
	Tunes   bool      // options were given
	Aborted bool
	Partner string // the other environment's name, when CNAMEs are swapped
	CNAME   string // as it was when the work began, for the event that tells it
}

type tier struct {
	Name    string `aws:"enum=WebServer|Worker"`
	Type    string `aws:"enum=Standard|SQS/HTTP"`
	Version string
}

var webServer, worker = tier{"WebServer", "Standard", "1.0"}, tier{"Worker", "SQS/HTTP", "1.0"}

func (e environment) live() bool { return e.Status != terminated }

// abortable says whether AbortEnvironmentUpdate would work now.
func (e environment) abortable() bool {
	return e.Status == updating && e.Work.Verb == update && (e.Work.Deploys || e.Work.Tunes)
}

// visible says whether DescribeEnvironments shows the row: terminated ones linger, and
// show up to six weeks back when the caller asks for deleted ones.
func (e environment) visible(now time.Time, deleted bool, back time.Time) bool {
	age := now.Sub(e.Updated)
	return e.live() || age < lingers || deleted && age < keeps && !e.Updated.Before(back)
}

func (e environment) arn() string {
	return arn(e.Region, e.Account, "environment", e.Application, e.Name)
}

func arn(region, account, kind string, path ...string) string {
	return "arn:aws:elasticbeanstalk:" + region + ":" + account + ":" + kind + "/" + strings.Join(path, "/")
}

// resource names what CloudFormation would have made for the environment, always the same.
func (e environment) resource(kind string) string {
	return fmt.Sprintf("awseb-%s-stack-%s-%s", e.ID, kind, strings.ToUpper(e.digest(kind)[:12]))
}

func (e environment) instance() string { return "i-" + e.digest("instance")[:17] }

func (e environment) digest(of string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(e.ID+"/"+of)))
}

// health is the colour and, with enhanced health, the status that goes with it. It follows
// from the rest, so it is stored nowhere. The space in "No Data" is AWS's own.
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
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return string(b)
}
