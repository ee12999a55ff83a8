package beanstalk

import (
	"fmt"
	"strings"
	"time"
)

// note is an event before it is written.
type note struct{ severity, text string }

// pulse marks where the event about a change of health is inserted, if there is one.
var pulse = note{}

func info(format string, args ...any) note   { return note{"INFO", fmt.Sprintf(format, args...)} }
func failed(format string, args ...any) note { return note{"ERROR", fmt.Sprintf(format, args...)} }

// starting returns AWS's events at the beginning of the work.
func (e environment) starting() []note {
	switch e.Work.Verb {
	case launch:
		return append([]note{info("createEnvironment is starting.")}, e.making()...)
	case restore, rebuild:
		return append([]note{info("rebuildEnvironment is starting.")}, e.making()...)
	case update:
		return e.updateStarts()
	case retag:
		return []note{info("Environment tag update is starting.")}
	case swap:
		return []note{info("Swapping CNAMEs for environments '%s' and '%s'.", e.Name, e.Work.Partner)}
	}
	return []note{
		info("terminateEnvironment is starting."),
		info("Validating environment's EC2 instances have termination protection disabled before performing termination."),
		info("Waiting for EC2 instances to terminate. This may take a few minutes."),
	}
}

func (e environment) making() []note {
	notes := []note{info("Using %s as Amazon S3 storage bucket for environment data.", storage(e.Region, e.Account))}
	if e.flawed() != nil {
		return notes
	}
	if !e.Setup.Options.single() {
		notes = append(notes, info("Created target group named: %s", e.resource("AWSEBV2LoadBalancerTargetGroup")))
	}
	return append(notes,
		info("Created security group named: %s", e.resource("AWSEBSecurityGroup")),
		info("Created Auto Scaling group named: %s", e.resource("AWSEBAutoScalingGroup")),
		info("Waiting for EC2 instances to launch. This may take a few minutes."))
}

func (e environment) updateStarts() []note {
	notes := []note{info("Environment update is starting.")}
	if e.Work.Tunes {
		notes = append(notes, info("Updating environment %s's configuration settings.", e.Name))
	}
	if e.Work.Deploys {
		notes = append(notes, info("Deploying new version to instance(s)."))
	}
	return notes
}

// done returns AWS's events after the work has succeeded.
func (e environment) done() []note {
	switch e.Work.Verb {
	case launch, restore, rebuild:
		return []note{
			info("Added instance [%s] to your environment.", e.instance()), pulse,
			info("Application available at %s.", e.Work.CNAME), info("Successfully launched environment: %s", e.Name),
		}
	case update:
		return e.updateDone()
	case retag:
		return []note{info("Environment tag update completed successfully.")}
	case swap:
		return []note{info("Completed swapping CNAMEs for environments '%s' and '%s'.", e.Name, e.Work.Partner)}
	}
	return []note{
		info("Deleted Auto Scaling group named: %s", e.resource("AWSEBAutoScalingGroup")),
		info("Deleting SNS topic for environment %s.", e.Name),
		info("terminateEnvironment completed successfully."),
	}
}

func (e environment) updateDone() (notes []note) {
	if e.Work.Deploys {
		notes = append(notes, info("New application version was deployed to running EC2 instances."))
	}
	if e.Work.Tunes {
		notes = append(notes, info("Successfully deployed new configuration to environment."))
	}
	return append(notes, pulse, info("Environment update completed successfully."))
}

// failed returns AWS's events after the work has failed with err.
func (e environment) failed(err error) []note {
	cause := failed("%s", reason(err))
	switch v := e.Work.Verb; {
	case v == update:
		return append([]note{cause}, e.updateFailed(err)...)
	case v == retag:
		return []note{cause, failed("Environment tag update failed.")}
	case v == terminate:
		return []note{failed("Stack deletion failed: %s", reason(err)), failed("Failed to terminate environment.")}
	case isFlaw(err):
		return []note{cause, failed("Failed to launch environment."), info("Deleting SNS topic for environment %s.", e.Name)}
	}
	return append(append([]note{info("Added instance [%s] to your environment.", e.instance()), cause}, commandFailed(e.instance())...), pulse,
		failed("Create environment operation is complete, but with errors. For more information, see troubleshooting documentation."))
}

func (e environment) updateFailed(err error) (notes []note) {
	if !isFlaw(err) {
		on := e.updated(err)
		notes = append(commandFailed(on), failed("Unsuccessful command execution on instance id(s) '%s'. Aborting the operation.", on))
	}
	if e.Work.Tunes {
		notes = append(notes, failed("Failed to deploy configuration."), failed("The environment was reverted to the previous configuration setting."))
	}
	if e.Work.Deploys || !e.Work.Tunes {
		notes = append(notes, failed("Failed to deploy application."), pulse,
			failed("During an aborted deployment, some instances may have deployed the new application version. "+
				"To ensure all instances are running the same version, re-deploy the appropriate application version."))
	}
	return notes
}

func commandFailed(instance string) []note {
	return []note{
		failed("Instance deployment failed. For details, see 'eb-engine.log'."),
		failed("[Instance: %s] Command failed on instance. Return code: 1 Output: Engine execution has encountered an error..", instance),
		info("Command execution completed on all instances. Summary: [Successful: 0, Failed: 1]."),
	}
}

func (e environment) aborted() []note {
	return []note{
		failed("Environment update was aborted."), pulse,
		failed("The environment was reverted to the previous configuration setting."),
	}
}

// turned returns AWS's event about a change of an environment's health, which is empty if there is
// none.
func turned(before, after environment, now time.Time) note {
	oldColour, oldStatus := before.health()
	colour, status := after.health()
	severity := "WARN"
	if colour == "Green" {
		severity = "INFO"
	}
	switch {
	case !after.live(), after.Status == launching, oldColour == colour && oldStatus == status:
		return note{}
	case status == "" && colour == "Grey": // basic health has no event while it is unknown
		return note{}
	case status == "":
		return note{severity, "Environment health has been set to " + strings.ToUpper(colour)}
	}
	text := fmt.Sprintf("Environment health has transitioned from %s to %s.", oldStatus, status)
	if oldStatus == "Pending" && status == "Ok" {
		text += fmt.Sprintf(" Initialization completed 1 second ago and took %d seconds.", 1+int(now.Sub(before.Created).Seconds()))
	}
	return note{severity, text}
}
