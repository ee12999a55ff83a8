package beanstalk

import (
	"regexp"
	"strings"
)

// The architectures of instances, as Docker calls them.
const (
	AMD64 = "amd64"
	ARM64 = "arm64"
)

// family takes an instance family apart: series, generation, attributes ("c7gn" is c, 7, gn).
var family = regexp.MustCompile(`^[a-z]+([0-9]+)([a-z]*)`)

// Architecture returns the architecture of the processors of an EC2 instance type. Graviton
// families have a g among the attributes behind their generation (EC2 user guide, "Naming
// conventions"); the first of them, Apple's and Grace's are named before that rule or beside it.
// What isn't known is amd64.
func Architecture(instanceType string) string {
	name, _, _ := strings.Cut(strings.ToLower(instanceType), ".")
	switch {
	case name == "a1", strings.HasPrefix(name, "mac") && name != "mac1", strings.Contains(name, "-gb"):
		return ARM64
	}
	if m := family.FindStringSubmatch(name); m != nil && strings.Contains(m[2], "g") {
		return ARM64
	}
	return AMD64
}
