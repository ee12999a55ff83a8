package commandline

import (
	"os"
	"os/user"
)

// Caller names this run to other runs: Jenkins's name of the build, or user and machine.
func Caller(getenv func(string) string) string {
	if build := getenv("BUILD_TAG"); build != "" {
		return build
	}
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}
