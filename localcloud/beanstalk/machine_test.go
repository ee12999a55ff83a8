package beanstalk

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/localcloud/engine"
	"beansprout/localcloud/wire"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

const (
	InstanceProfile = "aws-elasticbeanstalk-ec2-role"
	ServiceRole     = "aws-elasticbeanstalk-service-role"
)

// console has what Beanstalk's console makes.
type console struct{}

func (console) HasProfile(name string) bool { return name == InstanceProfile }
func (console) HasRole(name string) bool    { return name == ServiceRole }

// sound are valid options.
var sound = options{{Namespace: nsLaunch, OptionName: "IamInstanceProfile", Value: InstanceProfile}}

func opt(namespace, name, value string) option {
	return option{Namespace: namespace, OptionName: name, Value: value}
}

// in returns an environment in a state. The verb is the cause of a transition.
func in(status string, v verb) environment {
	e := environment{ID: "e-abcdefghij", Name: "shop-x", Application: "shop", Region: "us-east-1", Account: "123456789012",
		Status: ready, Created: noon.Add(-time.Hour), Setup: setup{Version: "old", Options: sound}}
	if status == ready || status == terminated {
		e.Status = status
		return e
	}
	w := work{Verb: v, Wanted: e.Setup, Deploys: true}
	w.Wanted.Version = "new"
	e, _ = e.begin(w, noon, time.Minute)
	if status == aborting {
		e.Status, e.Work.Aborted = aborting, true
	}
	return e
}

func TestRefusals(t *testing.T) {
	const notReady = "InvalidParameterValue: Environment named shop-x is in an invalid state for this operation. Must be Ready."
	const notPending = "InvalidParameterValue: Environment named shop-x is in an invalid state for this operation. Must be pending deployment."
	const cannot = "InvalidParameterValue: Cannot terminate environment named shop-x. It is currently pending "
	const inProgress = "OperationInProgressFailure: Unable to update tags of environment: shop-x. An operation is already in progress, please retry again shortly."
	for _, tt := range []struct {
		verb verb
		e    environment
		want string
	}{
		{update, in(ready, ""), ""},
		{update, in(launching, launch), notReady},
		{update, in(updating, update), notReady},
		{update, in(updating, retag), notReady},
		{update, in(aborting, update), notReady},
		{update, in(terminating, terminate), notReady},
		{rebuild, in(updating, update), notReady},
		{swap, in(terminating, terminate), notReady},
		{launch, in(ready, ""), ""},
		{retag, in(ready, ""), ""},
		{retag, in(updating, update), inProgress},
		{terminate, in(ready, ""), ""},
		{terminate, in(launching, launch), cannot + "creation."},
		{terminate, in(updating, update), cannot + "deployment."},
		{terminate, in(updating, retag), cannot + "deployment."},
		{terminate, in(aborting, update), cannot + "deployment."},
		{terminate, in(terminating, terminate), cannot + "termination."},
		{abort, in(updating, update), ""},
		{abort, in(updating, retag), notPending},
		{abort, in(updating, swap), notPending},
		{abort, in(ready, ""), notPending},
		{abort, in(launching, launch), notPending},
		{abort, in(aborting, update), notPending},
		{restore, in(terminated, ""), ""},
		{restore, in(ready, ""), "InvalidParameterValue: Environment shop-x already exists."},
	} {
		got := ""
		if err := tt.e.refuse(tt.verb); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s while %s: %q, want %q", tt.verb, tt.e.Status, got, tt.want)
		}
	}
}

func TestEndsOfWork(t *testing.T) {
	crashed := engine.Fail("ECS task stopped due to: Essential container in task exited.")
	for _, tt := range []struct {
		name        string
		e           environment
		err         error
		status      string
		version     string
		fails       bool
		saysWithin  string
		andEndsWith string
	}{
		{"launched", in(launching, launch), nil, ready, "new", false, "Added instance [i-", "Successfully launched environment: shop-x"},
		{"launch crashed", in(launching, launch), crashed, ready, "old", true, crashed.Reason(),
			"Create environment operation is complete, but with errors. For more information, see troubleshooting documentation."},
		{"launch impossible", in(launching, launch), flaw("no profile"), terminated, "old", true, "Failed to launch environment.", "Deleting SNS topic for environment shop-x."},
		{"updated", in(updating, update), nil, ready, "new", false, "New application version was deployed to running EC2 instances.", "Environment update completed successfully."},
		{"update crashed", in(updating, update), crashed, ready, "old", false, "Failed to deploy application.", "re-deploy the appropriate application version."},
		{"update broke down", in(updating, update), errors.New("disk full"), ready, "old", false, "disk full", "re-deploy the appropriate application version."},
		{"aborted", in(aborting, update), nil, ready, "old", false, "Environment update was aborted.", "The environment was reverted to the previous configuration setting."},
		{"retagged", in(updating, retag), nil, ready, "new", false, "", "Environment tag update completed successfully."},
		{"retagged with nothing", in(updating, retag), flaw("No updates are to be performed."), ready, "old", false, "No updates", "Environment tag update failed."},
		{"swapped", in(updating, swap), nil, ready, "new", false, "", "Completed swapping CNAMEs for environments 'shop-x' and ''."},
		{"rebuilt", in(updating, rebuild), nil, ready, "new", false, "Application available at", "Successfully launched environment: shop-x"},
		{"rebuild crashed", in(updating, rebuild), crashed, ready, "old", true, crashed.Reason(), "see troubleshooting documentation."},
		{"terminated", in(terminating, terminate), nil, terminated, "new", false, "Deleted Auto Scaling group named: awseb-e-abcdefghij-stack-", "terminateEnvironment completed successfully."},
		{"terminate stuck", in(terminating, terminate), errors.New("still in use"), ready, "old", false, "still in use", "Failed to terminate environment."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			after, notes := tt.e.settle(tt.err, noon)
			if after.Status != tt.status || after.Setup.Version != tt.version || after.Failed != tt.fails || after.Work != nil {
				t.Errorf("got %s, version %s, failed %t, work %v", after.Status, after.Setup.Version, after.Failed, after.Work)
			}
			last := notes[len(notes)-1].text
			if !strings.HasSuffix(last, tt.andEndsWith) {
				t.Errorf("last event %q, want %q", last, tt.andEndsWith)
			}
			if !slices.ContainsFunc(notes, func(n note) bool { return strings.Contains(n.text, tt.saysWithin) }) {
				t.Errorf("no event says %q: %v", tt.saysWithin, notes)
			}
		})
	}
}

func TestEventsOfAFailedDeployHaveAWSsOrder(t *testing.T) {
	_, notes := in(updating, update).settle(engine.Fail("No space left."), noon)
	want := []string{"No space left.", "Instance deployment failed.", "[Instance: i-", "Command execution completed", "Unsuccessful command", "Failed to deploy application.", "", "During an aborted"}
	for i, n := range notes {
		if i >= len(want) || !strings.HasPrefix(n.text, want[i]) {
			t.Fatalf("event %d is %q of %v", i, n.text, notes)
		}
	}
	if len(notes) != len(want) {
		t.Errorf("got %d events, want %d", len(notes), len(want))
	}
}

func TestFailedConfigurationIsReverted(t *testing.T) {
	e := in(updating, update)
	e.Work.Deploys, e.Work.Tunes = false, true
	_, notes := e.settle(engine.Fail("x"), noon)
	texts := []string{}
	for _, n := range notes {
		texts = append(texts, n.text)
	}
	for _, want := range []string{"Failed to deploy configuration.", "The environment was reverted to the previous configuration setting."} {
		if !slices.Contains(texts, want) {
			t.Errorf("no event %q in %q", want, texts)
		}
	}
	if slices.Contains(texts, "Failed to deploy application.") {
		t.Error("an application is said to have failed that was not deployed")
	}
}

func TestHealth(t *testing.T) {
	enhanced := sound.with(options{opt(nsHealth, "SystemType", "enhanced"), opt(nsEnvironment, "ServiceRole", ServiceRole)})
	paused := options{opt(nsGroup, "MinSize", "0"), opt(nsGroup, "MaxSize", "0")}
	for _, tt := range []struct {
		name            string
		e               environment
		failed          bool
		options         options
		colour, status  string
		basic, toldWhen string // the colour without enhanced health; the event after Launching
	}{
		{"launching", in(launching, launch), false, nil, "Grey", "Pending", "Grey", ""},
		{"ready", in(ready, ""), false, nil, "Green", "Ok", "Green", "Environment health has transitioned from Pending to Ok. Initialization completed 1 second ago and took 3601 seconds."},
		{"failed", in(ready, ""), true, nil, "Red", "Severe", "Red", "Environment health has transitioned from Pending to Severe."},
		{"updating", in(updating, update), false, nil, "Green", "Info", "Grey", "Environment health has transitioned from Pending to Info."},
		{"updating what failed", in(updating, update), true, nil, "Red", "Severe", "Grey", "Environment health has transitioned from Pending to Severe."},
		{"paused", in(ready, ""), false, paused, "Grey", "No Data", "Red", "Environment health has transitioned from Pending to No Data."},
		{"terminating", in(terminating, terminate), false, nil, "Grey", "No Data", "Grey", "Environment health has transitioned from Pending to No Data."},
		{"terminated", in(terminated, ""), false, nil, "Grey", "No Data", "Grey", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := tt.e
			e.Failed, e.Setup.Options = tt.failed, enhanced.with(tt.options)
			if colour, status := e.health(); colour != tt.colour || status != tt.status {
				t.Errorf("enhanced: %s %s, want %s %s", colour, status, tt.colour, tt.status)
			}
			before := in(launching, launch)
			before.Setup.Options = enhanced
			if got := turned(before, e, noon).text; got != tt.toldWhen {
				t.Errorf("event %q, want %q", got, tt.toldWhen)
			}
			e.Setup.Options = sound.with(tt.options)
			if colour, status := e.health(); colour != tt.basic || status != "" {
				t.Errorf("basic: %s %q, want %s", colour, status, tt.basic)
			}
		})
	}
}

func TestVisibleRows(t *testing.T) {
	yes, no := true, false
	for _, tt := range []struct {
		status  string
		ago     time.Duration
		deleted *bool
		back    time.Time
		want    bool
	}{
		{ready, 100 * keeps, nil, time.Time{}, true},
		{ready, 100 * keeps, &no, time.Time{}, true},
		{terminated, 59 * time.Minute, nil, time.Time{}, true},
		{terminated, 61 * time.Minute, nil, time.Time{}, false},
		{terminated, 1 * time.Minute, &no, time.Time{}, false},
		{terminated, 61 * time.Minute, &yes, time.Time{}, true},
		{terminated, keeps + 1, &yes, time.Time{}, false},
		{terminated, 3 * time.Hour, &yes, noon.Add(-2 * time.Hour), false},
		{terminated, 3 * time.Hour, &yes, noon.Add(-4 * time.Hour), true},
	} {
		e := environment{Status: tt.status, Updated: noon.Add(-tt.ago)}
		if got := e.visible(noon, tt.deleted, tt.back); got != tt.want {
			t.Errorf("%s %s ago, asked for deleted: %t back to %s: %t", tt.status, tt.ago, tt.deleted != nil && *tt.deleted, tt.back, got)
		}
	}
}

// code returns the wire code of a refusal, and "" for no error.
func code(err error) string {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
