package beanstalk

import (
	"slices"
	"strings"
)

// platform is one version of a platform branch.
type platform struct {
	Branch, Stack string // "ECS running on 64bit Amazon Linux 2023", "ECS"
	Version       string
	Family        string // the PlatformName of all its branches
	Recommended   bool
	Files         []string // what a source bundle may be
}

// Every branch has the version to be chosen and the one before. The stacks of aws-facts,
// section 6, are among them.
var platforms = slices.Concat(
	branch("ECS", "ECS", "ECS", []string{"zip"}, "4.2.0", "4.1.2"),
	branch("Docker", "Docker", "Docker", []string{"zip"}, "4.6.0", "4.5.2"),
	branch("Tomcat 11 with Corretto 21", "Tomcat 11 Corretto 21", "Tomcat", []string{"war", "zip"}, "5.7.0", "5.6.4"),
	branch("Corretto 21", "Corretto 21", "Java", []string{"jar", "zip"}, "4.6.0", "4.5.2"),
)

const system = "64bit Amazon Linux 2023"

func branch(name, stack, family string, files []string, current, before string) []platform {
	p := platform{Branch: name + " running on " + system, Stack: stack, Version: current, Family: family, Recommended: true, Files: files}
	older := p
	older.Version, older.Recommended = before, false
	return []platform{p, older}
}

func (p platform) arn(region string) string {
	return "arn:aws:elasticbeanstalk:" + region + "::platform/" + p.Branch + "/" + p.Version
}

func (p platform) stack() string { return system + " v" + p.Version + " running " + p.Stack }

func (p platform) lifecycle() string {
	if p.Recommended {
		return "recommended"
	}
	return ""
}

// findPlatform finds a platform by the name of its solution stack or by its ARN.
func findPlatform(stack, arn, region string) (platform, error) {
	for _, p := range platforms {
		if p.stack() == stack || p.arn(region) == arn {
			return p, nil
		}
	}
	if stack != "" {
		return platform{}, unknown("Solution Stack", stack)
	}
	return platform{}, unknown("Platform", arn)
}

// stackOf is the solution stack that an ARN stands for.
func stackOf(arn string) string {
	for _, p := range platforms {
		if strings.HasSuffix(arn, "::platform/"+p.Branch+"/"+p.Version) {
			return p.stack()
		}
	}
	return ""
}

// foreign says whether a platform runs something else than containers.
func foreign(arn string) bool {
	for _, p := range platforms {
		if strings.HasSuffix(arn, "::platform/"+p.Branch+"/"+p.Version) {
			return p.Family != "ECS" && p.Family != "Docker"
		}
	}
	return false
}

type stacksOut struct {
	SolutionStacks       []string
	SolutionStackDetails []stackDetail
}

type stackDetail struct {
	SolutionStackName  string
	PermittedFileTypes []string
}

func listAvailableSolutionStacks(*state, none) (out stacksOut, _ error) {
	for _, p := range platforms {
		out.SolutionStacks = append(out.SolutionStacks, p.stack())
		out.SolutionStackDetails = append(out.SolutionStackDetails, stackDetail{p.stack(), p.Files})
	}
	return out, nil
}
