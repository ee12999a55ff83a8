package beanstalk

import "time"

// quietly returns the scenes with a wait that shows no events.
func quietly(scenes []scene) []scene {
	for i := range scenes {
		scenes[i].name += ", not shown"
		scenes[i].quiet = true
	}
	return scenes
}

func unreliabilities() []scene {
	return []scene{
		{name: "the last event comes late", kind: updating, script: updateStarts + `
			60s  +80s INFO Environment update completed successfully.
			60s  Ready v2 Green`},
		{name: "the failure comes late, behind later events", kind: updating, version: "v1", want: "Failed to deploy", script: updateStarts + `
			60s  +80s ERROR Failed to deploy application.
			90s  bare INFO Environment health has transitioned from Warning to Ok.
			60s  Ready v1 Green`},
		{name: "the last event never comes", kind: updating, script: updateStarts + `
			60s  Ready v2 Green`},
		{name: "no event ever comes", kind: updating, script: `
			0s   Updating v1 Green
			60s  Ready v2 Green`},
		{name: "the last event never comes, and it isn't healthy", kind: updating, want: "health is still Red", script: `
			0s   Updating v1 Green
			60s  Ready v2 Red`},
		{name: "the last event never comes, and it is healthy late", kind: updating, script: `
			0s   Updating v1 Green
			60s  Ready v2 Red
			200s Ready v2 Green`},
		{name: "the last event never comes, and others told of the failure", kind: updating, version: "v1", want: "Instance deployment failed", script: `
			0s   Updating v1 Green
			40s  ERROR Instance deployment failed. For details, see 'eb-engine.log'.
			60s  Ready v1 Green`},
		{name: "the last event never comes, and the old version runs", kind: updating, want: "never said how it ended", script: `
			0s   Updating v1 Green
			60s  Ready v1 Green`},
		{name: "each event twice", kind: updating, script: `
			0s   Updating v1 Green
			0s   twice INFO Environment update is starting.
			60s  twice INFO Environment update completed successfully.
			60s  Ready v2 Green`},
		{name: "events out of order", kind: updating, want: "the cause", script: `
			0s   Updating v1 Green
			50s  ERROR Failed to deploy application.
			40s  +30s ERROR This is the cause.
			0s   +60s INFO Environment update is starting.
			70s  Ready v1 Green`},
		{name: "old answers after success", kind: updating, script: updateStarts + `
			60s  INFO Environment update completed successfully.
			60s  Ready v2 Green
			60s  Updating v1 Green
			85s  Ready v2 Green`},
		{name: "old answers before the start", kind: updating, script: `
			0s   Ready v1 Green
			30s  Updating v1 Green
			0s   INFO Environment update is starting.
			100s INFO Environment update completed successfully.
			100s Ready v2 Green`},
		{name: "the environment is missing for a moment", kind: updating, script: `
			0s   Updating v1 Green
			10s  gone
			35s  Updating v1 Green
			60s  gone
			60s  INFO Environment update completed successfully.
			70s  Ready v2 Green`},
		{name: "our clock is days behind AWS's", kind: updating, offset: 72 * time.Hour, script: deployScript, by: 70 * time.Second},
		{name: "our clock is days ahead of AWS's", kind: updating, offset: -72 * time.Hour, script: deployScript, by: 70 * time.Second},
		{name: "no answer names its request", kind: updating, nameless: true, script: deployScript, by: 70 * time.Second},
		{name: "no answer names its request, and it fails", kind: updating, nameless: true, version: "v1", want: "Failed to deploy", script: `
			0s   Updating v1 Green
			100ms INFO Environment update is starting.
			60s  ERROR Failed to deploy application.
			60s  Ready v1 Green`},
		{name: "no answer names its request, and the one before has just ended", kind: updating, nameless: true, version: "v1", want: "Failed to deploy", script: `
			-2s  other INFO Environment update is starting.
			-1s  other INFO Environment update completed successfully.
			0s   Updating v1 Green
			100ms INFO Environment update is starting.
			60s  ERROR Failed to deploy application.
			60s  Ready v1 Green`},
		{name: "throttled in between", kind: updating, faults: []string{"throttle * 4 20"}, script: deployScript},
		{name: "answers that end in the middle", kind: updating, faults: []string{"truncated DescribeEvents 1 5", "truncated DescribeEnvironments 1 5"}, script: deployScript},
		{name: "answers that are half", kind: updating, faults: []string{"malformed DescribeEvents 1 5", "malformed DescribeEnvironments 1 5"}, script: deployScript},
		{name: "answers that are a page", kind: updating, faults: []string{"page DescribeEvents 1 5", "page DescribeEnvironments 1 5"}, script: deployScript},
		{name: "answers without a body", kind: updating, faults: []string{"nothing DescribeEvents 1 5", "nothing DescribeEnvironments 1 5"}, script: deployScript},
		{name: "broken connections and AWS's own errors", kind: updating, faults: []string{"reset-before * 2 2", "html * 2 2", "empty * 1 2", "error * 0 2"}, script: deployScript},
		{name: "no answer for long", kind: updating, faults: []string{"timeout-before * 4 3"}, script: deployScript},
	}
}

// losses are calls that start an operation and get no answer: they are neither repeated
// blindly nor given up.
func losses() []scene {
	all := []scene{{name: "the deploy's answer, and its first event comes late", kind: updating, faults: []string{"reset-after UpdateEnvironment"}, script: `
			0s  Updating v1 Green
			0s  +40s INFO Environment update is starting.
			60s INFO Environment update completed successfully.
			60s Ready v2 Green`}}
	for _, kind := range []string{"reset-before", "reset-after", "timeout-before", "timeout-after", "error", "html", "empty", "malformed", "truncated", "page", "nothing"} {
		all = append(all,
			scene{name: "the deploy's answer: " + kind, kind: updating, faults: []string{kind + " UpdateEnvironment 0 2"}, script: `
				0s    Updating v1 Green
				100ms INFO Environment update is starting.
				60s   INFO Environment update completed successfully.
				60s   Ready v2 Green`},
			scene{name: "the quick deploy's answer: " + kind, kind: updating, faults: []string{kind + " UpdateEnvironment 0 2"}, script: `
				0s    Updating v1 Green
				100ms INFO Environment update is starting.
				110ms INFO Environment update completed successfully.
				110ms Ready v2 Green`},
			scene{name: "the launch's answer: " + kind, kind: launching, faults: []string{kind + " CreateEnvironment 0 2"}, script: `
				0s    Launching v2 Grey
				100ms INFO createEnvironment is starting.
				60s   INFO Successfully launched environment: shop-x
				60s   Ready v2 Green`},
			scene{name: "the failing launch's answer: " + kind, kind: launching, faults: []string{kind + " CreateEnvironment"}, want: "Failed to launch", script: `
				0s    Launching v2 Grey
				100ms INFO createEnvironment is starting.
				60s   ERROR Failed to launch environment.
				60s   Ready v2 Green`},
			scene{name: "the termination's answer: " + kind, kind: terminating, faults: []string{kind + " TerminateEnvironment 0 2"}, script: `
				0s    Terminating v1 Grey
				100ms INFO terminateEnvironment is starting.
				60s   INFO terminateEnvironment completed successfully.
				60s   Terminated v1 Grey`})
	}
	return all
}
