package beanstalk

import "time"

func launches() []scene {
	return []scene{
		{name: "launched", kind: launching, by: 4*time.Minute + 15*time.Second, script: launchStarts + `
			200s bare INFO Environment health has transitioned from Pending to Ok. Initialization completed 26 seconds ago and took 3 minutes.
			240s INFO Successfully launched environment: shop-x
			243s Ready v2 Green Ok`},
		{name: "the launch complete, but with errors", kind: launching, want: "ECS task stopped due to", script: launchStarts + `
			200s ERROR ECS task stopped due to: Essential container in task exited.
			201s ERROR Create environment operation is complete, but with errors. For more information, see troubleshooting documentation.
			205s Ready v2 Red Severe`},
		{name: "the launch complete, but with command timeouts", kind: launching, want: "command timeouts", script: launchStarts + `
			900s INFO Create environment operation is complete, but with command timeouts. Try increasing the timeout period. For more information, see troubleshooting documentation.
			901s Ready v2 Green`},
		{name: "issues during the launch", kind: launching, want: "However, there were issues", script: launchStarts + `
			240s ERROR Launched environment: shop-x. However, there were issues during launch. See event log for details.
			240s Ready v2 Yellow`},
		{name: "a launch that AWS ends itself", kind: launching, want: "must have instance profile", by: 2 * time.Minute, script: launchStarts + `
			20s  ERROR Environment must have instance profile associated with it.
			30s  ERROR Failed to launch environment.
			40s  Terminating v2 Grey
			60s  Terminated v2 Grey`},
		{name: "a launch that is gone at once", kind: launching, want: "Elastic IP", by: time.Minute, script: launchStarts + `
			20s  ERROR Creating EIP failed Reason: The maximum number of addresses has been reached. Elastic IP
			30s  ERROR Failed to launch environment.
			40s  gone`},
		{name: "a failed launch that stays Ready and Green", kind: launching, want: "Failed to launch environment", script: launchStarts + `
			60s  ERROR Failed to launch environment.
			60s  Ready v2 Green`},
		{name: "a new environment that isn't to be seen at first", kind: launching, script: `
			0s   gone
			20s  Launching v2 Grey
			0s   +20s INFO createEnvironment is starting.
			240s INFO Successfully launched environment: shop-x
			240s Ready v2 Green`},
		{name: "a new environment that is never to be seen", kind: launching, want: "terminated meanwhile", by: 2 * time.Minute, script: `
			0s   gone`},
		{name: "a new environment that comes and goes", kind: launching, script: launchStarts + `
			10s  gone
			30s  Launching v2 Grey
			60s  gone
			80s  Launching v2 Grey
			240s INFO Successfully launched environment: shop-x
			240s Ready v2 Green`},
		{name: "a launch without end", kind: launching, want: timedOut, script: launchStarts},
		{name: "launched, and the version shows later", kind: launching, script: `
			0s   Launching  v0 Grey
			0s   INFO createEnvironment is starting.
			100s INFO Successfully launched environment: shop-x
			100s Ready v0 Green
			120s Ready v2 Green`},
	}
}

func rebuilds() []scene {
	return []scene{
		{name: "rebuilt", kind: launching, rebuild: true, script: `
			0s   Terminated v2 Grey
			10s  Launching v2 Grey
			0s   INFO rebuildEnvironment is starting.
			240s INFO Successfully launched environment: shop-x
			240s Ready v2 Green`},
		{name: "a rebuilding that fails", kind: launching, rebuild: true, want: "Failed to launch", script: `
			0s   Terminated v2 Grey
			10s  Launching v2 Grey
			0s   INFO rebuildEnvironment is starting.
			240s ERROR Failed to launch environment.
			240s Terminated v2 Grey`},
		{name: "a rebuilding whose answer is lost", kind: launching, rebuild: true, faults: []string{"reset-after RebuildEnvironment"}, script: `
			0s   Terminated v2 Grey
			1s   Launching v2 Grey
			100ms INFO rebuildEnvironment is starting.
			240s INFO Successfully launched environment: shop-x
			240s Ready v2 Green`},
	}
}

func deploys() []scene {
	return []scene{
		{name: "deployed", kind: updating, by: 62 * time.Second, expected: time.Minute, script: updateStarts + `
			1s   INFO Deploying new version to instance(s).
			50s  INFO New application version was deployed to running EC2 instances.
			60s  INFO Environment update completed successfully.
			60s  Ready v2 Green Ok`},
		{name: "configured, and the version is the same", kind: updating, version: "v1", script: updateStarts + `
			30s  INFO Successfully deployed new configuration to environment.
			60s  INFO Environment update completed successfully.
			60s  Ready v1 Green`},
		{name: "ends Ready with the old version", kind: updating, want: "Instance deployment failed", script: updateStarts + `
			40s  ERROR Instance deployment failed. For details, see 'eb-engine.log'.
			41s  ERROR Failed to deploy application.
			45s  Ready v1 Green`},
		{name: "a failure that a completion follows", kind: updating, want: "Failed to deploy application", script: updateStarts + `
			40s  ERROR Failed to deploy application.
			45s  INFO Environment update completed successfully.
			45s  Ready v2 Green`},
		{name: "the update complete, but with errors", kind: updating, want: "complete, but with errors", script: updateStarts + `
			40s  WARN Update environment operation is complete, but with errors. For more information, see troubleshooting documentation.
			45s  Ready v2 Green`},
		{name: "the update complete, but with command timeouts", kind: updating, want: "command timeouts", script: updateStarts + `
			840s INFO Update environment operation is complete, but with command timeouts. Try increasing the timeout period.
			845s Ready v1 Green`},
		{name: "a failed configuration", kind: updating, version: "v1", want: "Invalid option", script: updateStarts + `
			30s  ERROR Invalid option value.
			31s  ERROR Failed to deploy configuration.
			32s  INFO The environment was reverted to the previous configuration setting.
			40s  Ready v1 Green`},
		{name: "a bundle that AWS doesn't understand", kind: updating, want: "Unsupported AWSEBDockerrunVersion", script: updateStarts + `
			30s  ERROR ECS Application sourcebundle validation error: Unsupported AWSEBDockerrunVersion: 3
			40s  Ready v1 Green`},
		{name: "failed, and AWS is long at work yet", kind: updating, want: "Failed to deploy", script: updateStarts + `
			30s  ERROR Failed to deploy application.
			300s Ready v1 Green`},
		{name: "success before the version", kind: updating, script: updateStarts + `
			60s  INFO Environment update completed successfully.
			60s  Ready v1 Green
			80s  Ready v2 Green`},
		{name: "Ready for long before success, and then before the version", kind: updating, script: `
			0s   Ready v1 Green
			0s   INFO Environment update is starting.
			80s  INFO Environment update completed successfully.
			100s Ready v2 Green`},
		{name: "success with the wrong version", kind: updating, want: `runs version "v1" instead of "v2"`, by: 2 * time.Minute, script: updateStarts + `
			60s  INFO Environment update completed successfully.
			60s  Ready v1 Green`},
		{name: "a warning is no failure", kind: updating, script: updateStarts + `
			30s  WARN Environment health has transitioned from Ok to Info. Application update in progress.
			60s  INFO Environment update completed successfully.
			60s  Ready v2 Green`},
		{name: "an error that AWS got over", kind: updating, script: updateStarts + `
			30s  ERROR Service:AmazonCloudFormation, Message:Rate exceeded
			60s  INFO Environment update completed successfully.
			60s  Ready v2 Green`},
		{name: "texts in another case and without a full stop", kind: updating, by: 70 * time.Second, script: `
			0s   Updating v1 Green
			0s   INFO environment update is starting
			60s  INFO Environment Update Completed Successfully
			60s  Ready v2 Green`},
		{name: "a failure in another case", kind: updating, version: "v1", want: "failed to deploy", script: updateStarts + `
			60s  INFO failed to deploy application
			60s  Ready v1 Green`},
		{name: "an unknown state", kind: updating, script: `
			0s   Refurbishing v1 Green
			0s   INFO Environment update is starting.
			60s  INFO Environment update completed successfully.
			60s  Ready v2 Green`},
	}
}

func healths() []scene {
	return []scene{
		{name: "Yellow is acceptable", kind: updating, by: 70 * time.Second, script: `
			0s   Updating v1 Green
			60s  INFO Environment update completed successfully.
			60s  Ready v2 Yellow Warning`},
		{name: "Red then Green", kind: updating, script: `
			0s   Updating v1 Green
			60s  INFO Environment update completed successfully.
			60s  Ready v2 Red Severe
			180s Ready v2 Green Ok`},
		{name: "Red after success", kind: updating, want: "health is still Red (Severe)", script: `
			0s   Updating v1 Green
			60s  INFO Environment update completed successfully.
			60s  Ready v2 Red Severe`},
		{name: "Grey after success", kind: launching, want: "health is still Grey", script: `
			0s   Launching v2 Grey
			60s  INFO Successfully launched environment: shop-x
			60s  Ready v2 Grey`},
		{name: "a paused environment has No Data", kind: updating, want: "Grey (No Data)", script: `
			0s   Updating v1 Grey No_Data
			60s  INFO Environment update completed successfully.
			60s  Ready v2 Grey No_Data`},
		{name: "no health at all", kind: updating, want: "health is still", script: `
			0s   Updating v1
			60s  INFO Environment update completed successfully.
			60s  Ready v2`},
		{name: "basic health is Grey, then Green", kind: launching, script: `
			0s   Launching v2 Grey
			60s  INFO Successfully launched environment: shop-x
			60s  Ready v2 Grey
			60s  bare INFO Environment health has been set to GREEN
			90s  Ready v2 Green`},
		{name: "the gap of all-at-once", kind: updating, script: `
			0s   Updating v1 Green Info
			0s   INFO Environment update is starting.
			20s  Updating v1 Red Severe
			21s  bare WARN Environment health has transitioned from Info to Severe. None of the instances are sending data.
			40s  INFO New application version was deployed to running EC2 instances.
			50s  INFO Environment update completed successfully.
			50s  Ready v2 Red Severe
			100s bare INFO Environment health has transitioned from Severe to Ok.
			110s Ready v2 Green Ok`},
		{name: "events of health decide nothing", kind: updating, want: "never said how it ended", script: updateStarts + `
			60s  bare ERROR Failed to deploy application.
			60s  Ready v1 Green`},
		{name: "Red and Green by turns", kind: updating, script: `
			0s   Updating v1 Green
			60s  INFO Environment update completed successfully.
			60s  Ready v2 Red
			61s  Updating v2 Red
			90s  Ready v2 Red
			100s Ready v2 Green`},
		{name: "configured while Red, and the deploy that mends it follows", kind: updating, partial: true, version: "v1", by: 70 * time.Second, script: `
			0s   Updating v1 Red
			60s  INFO Environment update completed successfully.
			60s  Ready v1 Red`},
	}
}

func interferences() []scene {
	return []scene{
		{name: "terminated meanwhile", kind: updating, want: "terminated meanwhile", script: updateStarts + `
			30s  Terminating v1 Grey
			30s  other INFO terminateEnvironment is starting.
			90s  Terminated v1 Grey`},
		{name: "with our version, then missing, then terminated", kind: updating, want: "terminated meanwhile", script: `
			0s   Ready v2 Green
			0s   INFO Environment update is starting.
			40s  gone
			60s  Terminating v2 Grey`},
		{name: "gone meanwhile", kind: updating, want: "terminated meanwhile", script: updateStarts + `
			30s  gone`},
		{name: "another operation's success", kind: updating, want: "Failed to deploy application", script: updateStarts + `
			20s  other INFO Environment update completed successfully.
			40s  ERROR Failed to deploy application.
			40s  Ready v1 Green`},
		{name: "another operation's failure", kind: updating, script: updateStarts + `
			20s  other ERROR Failed to deploy application.
			40s  INFO Environment update completed successfully.
			40s  Ready v2 Green`},
		{name: "another deployer right after us", kind: updating, want: `runs version "v3"`, script: updateStarts + `
			40s  INFO Environment update completed successfully.
			40s  Updating v2 Green
			40s  other INFO Environment update is starting.
			80s  other INFO Environment update completed successfully.
			80s  Ready v3 Green`},
		{name: "aborted in the console", kind: updating, want: "aborted", by: 2 * time.Minute, script: updateStarts + `
			20s  Aborting v1 Green
			20s  other INFO Environment update was aborted.
			60s  Ready v1 Green`},
		{name: "a configuration aborted in the console", kind: updating, version: "v1", want: "reverted", script: updateStarts + `
			60s  other INFO The environment was reverted to the previous configuration setting.
			60s  Ready v1 Green`},
		{name: "aborted, and only the state has told", kind: updating, version: "v1", want: "aborted", script: updateStarts + `
			20s  Aborting v1 Green
			80s  Ready v1 Green`},
		{name: "rebuilt by another user, with our version", kind: updating, script: updateStarts + `
			30s  INFO Environment update completed successfully.
			31s  Updating v2 Grey
			31s  other INFO rebuildEnvironment is starting.
			300s other INFO Successfully launched environment: shop-x
			300s Ready v2 Green`},
	}
}

func terminations() []scene {
	return []scene{
		{name: "terminated", kind: terminating, by: 200 * time.Second, script: `
			0s   Terminating v1 Grey
			0s   INFO terminateEnvironment is starting.
			180s INFO terminateEnvironment completed successfully.
			180s Terminated v1 Grey`},
		{name: "terminated and gone from the list", kind: terminating, by: 200 * time.Second, script: `
			0s   Terminating v1 Grey
			180s INFO terminateEnvironment completed successfully.
			180s gone`},
		{name: "terminated and gone without a word", kind: terminating, by: 4 * time.Minute, script: `
			0s   Terminating v1 Grey
			180s gone`},
		{name: "missing for a moment while it is terminated", kind: terminating, want: "security group", script: `
			0s   Terminating v1 Grey
			20s  gone
			40s  Terminating v1 Grey
			200s ERROR Deleting security group named: x failed Reason: resource x has a dependent object
			201s ERROR Failed to terminate environment.
			201s Ready v1 Grey`},
		{name: "a termination that sticks at a security group", kind: terminating, want: "security group", by: 215 * time.Second, script: `
			0s   Terminating v1 Grey
			0s   INFO terminateEnvironment is starting.
			180s ERROR Stack deletion failed: The following resource(s) failed to delete: [AWSEBSecurityGroup]. Deleting security group failed
			190s Ready v1 Grey`},
		{name: "a termination that is given up in silence", kind: terminating, want: "given it up", script: `
			0s   Terminating v1 Grey
			60s  Ready v1 Green`},
		{name: "a termination that isn't to be seen at first", kind: terminating, script: `
			0s   Ready v1 Green
			40s  Terminating v1 Grey
			100s Terminated v1 Grey`},
		{name: "an error on the way is no end", kind: terminating, script: `
			0s   Terminating v1 Grey
			40s  ERROR Deleting SNS topic failed.
			100s Terminated v1 Grey`},
		{name: "a termination without end", kind: terminating, want: timedOut, script: `
			0s   Terminating v1 Grey`},
	}
}
