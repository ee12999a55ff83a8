package beanstalk

import (
	"errors"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
)

const ours = "5b7f0d0e-0000-4000-8000-000000000001"

func said(severity, message string) Event {
	return Event{Severity: severity, Message: message, Request: ours}
}

// healthChange is an event as AWS writes it for health: without a request id.
func healthChange(severity, message string) Event {
	return Event{Severity: severity, Message: message}
}

func TestVerdictTellsTheTruth(t *testing.T) {
	start := time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC)
	env := func(state envs.State, version, health string) envs.Env {
		return envs.Env{ID: "e-1", Name: "shop-x", State: state, Version: version, Health: health}
	}
	launched := said("INFO", "Successfully launched environment: shop-x")
	completed := said("INFO", "Environment update completed successfully.")
	for _, tt := range []struct {
		name    string
		kind    kind
		env     envs.Env
		gone    bool
		events  []Event
		after   time.Duration // since the start
		ready   time.Duration // since when it is Ready without all being well; 0 = just now
		partial bool
		done    bool
		cause   string // "" for success
	}{
		{name: "launching", kind: launching, env: env(envs.Launching, "v2", "Grey"), events: []Event{said("INFO", "createEnvironment is starting.")}},
		{name: "launched", kind: launching, env: env(envs.Ready, "v2", "Green"), events: []Event{launched}, done: true},
		{name: "event before state", kind: launching, env: env(envs.Launching, "v2", "Green"), events: []Event{launched}},
		{name: "state before event", kind: launching, env: env(envs.Ready, "v2", "Green")},
		{name: "deployed", kind: updating, env: env(envs.Ready, "v2", "Green"), events: []Event{completed}, done: true},
		{name: "yellow is acceptable", kind: updating, env: env(envs.Ready, "v2", "Yellow"), events: []Event{completed}, done: true},
		{name: "still the old state", kind: updating, env: env(envs.Ready, "v1", "Green")},
		{name: "somebody else's success", kind: updating, env: env(envs.Ready, "v2", "Green"), events: []Event{{Message: "Environment update completed successfully.", Request: "other"}}},
		{name: "success before the version", kind: updating, env: env(envs.Ready, "v1", "Green"), events: []Event{completed}},
		{name: "success with the wrong version", kind: updating, env: env(envs.Ready, "v1", "Green"), events: []Event{completed}, ready: appearance + time.Second, done: true, cause: `runs version "v1" instead of "v2"`},
		{name: "the event was lost", kind: updating, env: env(envs.Ready, "v2", "Green"), ready: silence + time.Second, done: true},
		{name: "the event was lost, and it isn't healthy", kind: updating, env: env(envs.Ready, "v2", "Red"), ready: silence + time.Second},
		{name: "aborted by somebody else", kind: updating, env: env(envs.Ready, "v1", "Green"), ready: silence + time.Second, done: true, cause: "never said how it ended"},
		{name: "not to be heard of yet", kind: updating, env: env(envs.Ready, "v2", "Green"), ready: silence - time.Second},
		{name: "a launch that AWS ends itself", kind: launching, env: env(envs.Terminating, "v2", "Grey"), events: []Event{said("ERROR", "Environment must have instance profile associated with it.")}, done: true, cause: "must have instance profile"},
		{name: "configured, and the deploy that mends it follows", kind: updating, partial: true, env: env(envs.Ready, "v2", "Red"), events: []Event{completed}, done: true},
		{name: "failed and back to Ready", kind: updating, env: env(envs.Ready, "v1", "Green"), done: true, cause: "Instance deployment failed.",
			events: []Event{said("ERROR", "Instance deployment failed. For details, see 'eb-engine.log'."), said("ERROR", "Failed to deploy application.")}},
		{name: "failure is not outvoted by the completion that follows", kind: updating, env: env(envs.Ready, "v2", "Green"), done: true, cause: "Failed to deploy application.",
			events: []Event{said("ERROR", "Failed to deploy application."), completed}},
		{name: "complete, but with errors", kind: launching, env: env(envs.Ready, "v2", "Red"), done: true, cause: "Create environment operation is complete, but with errors",
			events: []Event{said("INFO", "Create environment operation is complete, but with errors. For more information, see troubleshooting documentation.")}},
		{name: "command timeouts", kind: updating, env: env(envs.Ready, "v1", "Green"), done: true, cause: "command timeouts",
			events: []Event{said("INFO", "Update environment operation is complete, but with command timeouts. Try increasing the timeout period.")}},
		{name: "failed, but AWS is still at work", kind: updating, env: env(envs.Updating, "v1", "Green"), events: []Event{said("ERROR", "Failed to deploy application.")}},
		{name: "a warning is no failure", kind: updating, env: env(envs.Ready, "v2", "Green"), done: true,
			events: []Event{said("WARN", "Environment health has transitioned from Ok to Info."), completed}},
		{name: "red after success", kind: updating, env: env(envs.Ready, "v2", "Red"), events: []Event{completed}},
		{name: "red for long after success", kind: updating, env: env(envs.Ready, "v2", "Red"), events: []Event{completed}, after: recovery + time.Minute, ready: recovery + time.Second, done: true, cause: "health is still Red"},
		{name: "grey for long after success", kind: launching, env: env(envs.Ready, "v2", "Grey"), events: []Event{launched}, after: recovery + time.Minute, ready: recovery + time.Second, done: true, cause: "health is still Grey"},
		{name: "health events decide nothing", kind: updating, env: env(envs.Ready, "v1", "Green"), events: []Event{healthChange("ERROR", "Failed to deploy application.")}},
		{name: "not to be seen yet", kind: launching, gone: true, after: time.Second},
		{name: "never to be seen", kind: launching, gone: true, after: appearance + time.Second, done: true, cause: "terminated meanwhile"},
		{name: "terminated meanwhile", kind: updating, env: env(envs.Terminating, "v1", "Grey"), done: true, cause: "terminated meanwhile"},
		{name: "gone meanwhile", kind: updating, env: env(envs.Ready, "v1", "Green"), gone: true, done: true, cause: "terminated meanwhile"},
		{name: "terminating", kind: terminating, env: env(envs.Terminating, "v1", "Grey")},
		{name: "terminated", kind: terminating, env: env(envs.Terminating, "v1", "Grey"), gone: true, done: true},
		{name: "termination stuck", kind: terminating, env: env(envs.Ready, "v1", "Grey"), events: []Event{said("ERROR", "Deleting security group named: x failed")}, done: true, cause: "security group"},
		{name: "termination not begun", kind: terminating, env: env(envs.Ready, "v1", "Green")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := start.Add(tt.after)
			w := watch{op: Operation{kind: tt.kind, env: envs.Env{ID: "e-1"}, request: ours, version: "v2", since: start, partial: tt.partial}, started: start, env: tt.env, gone: tt.gone, events: tt.events}
			if tt.ready > 0 {
				w.ready = now.Add(-tt.ready)
			}
			w.keepOurs()
			done, err := w.verdict(now)
			if done != tt.done {
				t.Fatalf("done = %v (%v), want %v", done, err, tt.done)
			}
			var failure *Failure
			switch {
			case tt.cause == "" && err != nil:
				t.Errorf("fails: %v", err)
			case tt.cause != "" && (!errors.As(err, &failure) || !strings.Contains(failure.Reason, tt.cause)):
				t.Errorf("ends with %v, want a failure because %q", err, tt.cause)
			}
		})
	}
}

// keepOurs drops what look would never have let in.
func (w *watch) keepOurs() {
	events := w.events
	w.events = nil
	for _, e := range events {
		if w.belongs(e) {
			w.events = append(w.events, e)
		}
	}
}

func TestLaunchFailedUntilSomethingWasDeployed(t *testing.T) {
	failure := said("ERROR", "Create environment operation is complete, but with errors. For more information, see troubleshooting documentation.")
	success := said("INFO", "Environment update completed successfully.")
	for _, tt := range []struct {
		name   string
		events []Event
		want   bool
	}{
		{"nothing known", nil, false},
		{"failed", []Event{failure}, true},
		{"mended since", []Event{failure, success}, false},
		{"a deploy failed", []Event{said("INFO", "Successfully launched environment: x"), said("ERROR", "Failed to deploy application.")}, false},
		{"failed to launch", []Event{said("ERROR", "Failed to launch environment.")}, true},
	} {
		if got := launchFailed(tt.events); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestCompareChangesOnlyWhatDiffers(t *testing.T) {
	have := map[string]string{"ns:a": "1", "ns:b": "2", "ns:mine": "x", "ns:others": "y"}
	want := []Setting{{"ns", "a", "1"}, {"ns", "b", "3"}, {"ns", "c", "4"}}
	d := (Configuration{values: have}).Compare(want, []string{"ns:a", "ns:mine", "ns:gone"})
	if len(d.Set) != 2 || d.Set[0] != want[1] || d.Set[1] != want[2] {
		t.Errorf("sets %v", d.Set)
	}
	if len(d.Remove) != 1 || d.Remove[0].String() != "ns:mine" {
		t.Errorf("removes %v", d.Remove)
	}
	if same := (Configuration{values: have}).Compare(want[:1], nil); !same.Empty() {
		t.Errorf("changes %v although nothing differs", same)
	}
}

func TestSettingsAreCheapByDefaultAndOptionsWin(t *testing.T) {
	w := Wish{InstanceType: "t3.micro", InstanceProfile: "profile", ServiceRole: "role", Variables: map[string]string{"K": "v"},
		Options: map[string]map[string]string{nsEnvironment: {"EnvironmentType": "LoadBalanced"}}}
	got := map[string]string{}
	for _, s := range w.Settings() {
		got[s.String()] = s.Value
	}
	for key, value := range map[string]string{
		"aws:elasticbeanstalk:environment:EnvironmentType":       "LoadBalanced",
		"aws:elasticbeanstalk:environment:ServiceRole":           "role",
		"aws:autoscaling:launchconfiguration:IamInstanceProfile": "profile",
		"aws:elasticbeanstalk:healthreporting:system:SystemType": "enhanced",
		"aws:ec2:instances:InstanceTypes":                        "t3.micro",
		"aws:elasticbeanstalk:application:environment:K":         "v",
		"aws:elasticbeanstalk:command:DeploymentPolicy":          "AllAtOnce",
	} {
		if got[key] != value {
			t.Errorf("%s = %q, want %q", key, got[key], value)
		}
	}
	w.Overlay = true
	if n := len(w.Settings()); n != 5 {
		t.Errorf("over a saved configuration there are %d settings: %v", n, w.Settings())
	}
}

func TestTheNewestPlatformIsFoundByNumber(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{{"4.10.0", "4.9.0", true}, {"4.9.0", "4.10.0", false}, {"4.9.1", "4.9", true}, {"4.9", "4.9", false}, {"x", "1", false}} {
		if got := newer(tt.a, tt.b); got != tt.want {
			t.Errorf("newer(%s, %s) = %v", tt.a, tt.b, got)
		}
	}
}

func TestRefusalsAreToldApartByTheirText(t *testing.T) {
	for message, want := range map[string]error{
		"Environment named x is in an invalid state for this operation. Must be Ready.":                             envs.ErrNotReady,
		"Cannot terminate environment named x. It is currently pending creation.":                                   envs.ErrNotReady,
		"Unable to delete application version: L. An operation is already in progress, please retry again shortly.": nil,
		"No Environment found for EnvironmentName = 'x'.":                                                           envs.ErrNotFound,
		"No Application named 'x' found.":                                                                           envs.ErrNotFound,
		"Environment x already exists.":                                                                             envs.ErrTaken,
		"DNS name (x) is not available.":                                                                            envs.ErrTaken,
		"Rate exceeded":                                                                                             nil,
	} {
		if got := meaning("InvalidParameterValue", message); got != want {
			t.Errorf("%q means %v, want %v", message, got, want)
		}
	}
	if meaning("OperationInProgressFailure", "whatever") != envs.ErrNotReady {
		t.Error("an operation in progress isn't told by its code")
	}
}
