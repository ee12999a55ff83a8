package conformance

import (
	"testing"

	"beansprout/localcloud"
)

func TestCommandsOfTheAWSCommandLine(t *testing.T) {
	needs(t, "aws", "--version")
	drive(t, "commands.py", map[string]access{"quick": start(t, localcloud.Config{})})
}
