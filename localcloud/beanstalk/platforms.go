package beanstalk

import (
	"slices"
	"strings"

	"beansprout/localcloud/wire"
)

// platform is one version of a platform branch.
type platform struct {
	Branch, Stack string // "ECS running on 64bit Amazon Linux 2023", "ECS"
	Version       string
	Family        string // the PlatformName of all its branches
	Recommended   bool
	Files         []string // the allowed kinds of source bundle
}

// Each branch has the recommended version and the one before.
var platforms = slices.Concat(
	branch("ECS", "ECS", "ECS", []string{"zip"}, "4.2.0", "4.1.2"),
	branch("Docker", "Docker", "Docker", []string{"zip"}, "4.6.0", "4.5.2"),
	branch("Tomcat 11 with Corretto 21", "Tomcat 11 Corretto 21", "Tomcat", []string{"war", "zip"}, "5.7.0", "5.6.4"),
	branch("Corretto 21", "Corretto 21", "Java", []string{"jar", "zip"}, "4.6.0", "4.5.2"),
	branch("Python 3.13", "Python 3.13", "Python", []string{"zip"}, "4.6.0", "4.5.2"),
	branch("Node.js 22", "Node.js 22", "Node.js", []string{"zip"}, "6.6.0", "6.5.2"),
	branch("Go 1", "Go 1", "Go", []string{"zip"}, "4.4.0", "4.3.2"),
	branch("Ruby 3.4", "Ruby 3.4", "Ruby", []string{"zip"}, "4.6.0", "4.5.2"),
	branch("PHP 8.4", "PHP 8.4", "PHP", []string{"zip"}, "4.7.0", "4.6.2"),
)

const system = "64bit Amazon Linux 2023"

func branch(name, stack, family string, files []string, current, before string) []platform {
	p := platform{Branch: name + " running on " + system, Stack: stack, Version: current, Family: family, Recommended: true, Files: files}
	older := p
	older.Version, older.Recommended = before, false
	return []platform{p, older}
}

func (p platform) arn(region string) string {
	return wire.ARN("elasticbeanstalk", region, "", "platform/"+p.Branch+"/"+p.Version)
}

func (p platform) stack() string { return system + " v" + p.Version + " running " + p.Stack }

func (p platform) lifecycle() string {
	if p.Recommended {
		return "recommended"
	}
	return ""
}

// findPlatform returns the platform with that name of its solution stack or that ARN.
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

// stackOf returns the solution stack of an ARN.
func stackOf(arn string) string {
	for _, p := range platforms {
		if strings.HasSuffix(arn, "::platform/"+p.Branch+"/"+p.Version) {
			return p.stack()
		}
	}
	return ""
}

// familyOf returns the family of an ARN's platform, and "" if it is unknown.
func familyOf(arn string) string {
	for _, p := range platforms {
		if strings.HasSuffix(arn, "::platform/"+p.Branch+"/"+p.Version) {
			return p.Family
		}
	}
	return ""
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
