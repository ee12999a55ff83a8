package beanstalk

import (
	"testing"

	"beansprout/envs/awsapi"
)

const ownRequest = "5b7f0d0e-0000-4000-8000-000000000001"

func said(severity, message string) Event {
	return Event{Severity: severity, Message: message, Request: ownRequest}
}

func TestLaunchFailedUntilADeploySucceeds(t *testing.T) {
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

func TestDefaultSettingsAreCheapAndOptionsOverrideThem(t *testing.T) {
	w := Settings{InstanceType: "t3.micro", InstanceProfile: "profile", ServiceRole: "role", Variables: map[string]string{"K": "v"},
		Options: map[string]map[string]string{nsEnvironment: {"EnvironmentType": "LoadBalanced"}}}
	got := map[string]string{}
	for _, s := range w.List() {
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
	if n := len(w.List()); n != 5 {
		t.Errorf("over a saved configuration there are %d settings: %v", n, w.List())
	}
}

func TestTheNewestPlatformHasTheHighestVersion(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{{"4.10.0", "4.9.0", true}, {"4.9.0", "4.10.0", false}, {"4.9.1", "4.9", true}, {"4.9", "4.9", false}, {"x", "1", false}} {
		if got := newer(tt.a, tt.b); got != tt.want {
			t.Errorf("newer(%s, %s) = %v", tt.a, tt.b, got)
		}
	}
}

func TestRefusalsAreDistinguishedByTheirText(t *testing.T) {
	for message, want := range map[string]error{
		"Environment named x is in an invalid state for this operation. Must be Ready.":                             awsapi.ErrNotReady,
		"Cannot terminate environment named x. It is currently pending creation.":                                   awsapi.ErrNotReady,
		"Unable to delete application version: L. An operation is already in progress, please retry again shortly.": nil,
		"No Environment found for EnvironmentName = 'x'.":                                                           awsapi.ErrNotFound,
		"No Application named 'x' found.":                                                                           awsapi.ErrNotFound,
		"Environment x already exists.":                                                                             awsapi.ErrTaken,
		"DNS name (x) is not available.":                                                                            awsapi.ErrTaken,
		"Rate exceeded":                                                                                             nil,
	} {
		if got := sentinelOf("InvalidParameterValue", message); got != want {
			t.Errorf("%q means %v, want %v", message, got, want)
		}
	}
	if sentinelOf("OperationInProgressFailure", "whatever") != awsapi.ErrNotReady {
		t.Error("an operation in progress isn't told by its code")
	}
}
