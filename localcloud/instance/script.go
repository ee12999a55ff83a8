package instance

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// script is what user data says to the pretended runner. It says it in comments, which a shell
// skips, so the same user data can run in a container:
//
//	#!/bin/sh
//	# pretend: port 8080          it listens here; 80 if nothing is said
//	# pretend: health /ready      the path of its health; / if nothing is said
//	# pretend: start 2s           it listens so long after it is running
//	# pretend: broken v7 v8       these versions answer 500
//	# pretend: unhealthy v9       these answer 500, but only at the path of their health
//	# pretend: silent v10         these never listen
//
// A version * is every version.
type script struct {
	port                      int
	health                    string
	start                     time.Duration
	broken, unhealthy, silent bool // this version
}

// read reads the user data of an instance that runs a version. What it can't read stays as if it
// were not said, as a shell goes on after a wrong line.
func read(userData, version string) script {
	s := script{port: 80, health: "/"}
	for line := range strings.Lines(userData) {
		said, ok := strings.CutPrefix(strings.TrimSpace(line), "# pretend:")
		words := strings.Fields(said)
		if ok && len(words) > 1 {
			s.hear(words[0], words[1:], version)
		}
	}
	return s
}

func (s *script) hear(what string, values []string, version string) {
	meant := slices.Contains(values, version) || slices.Contains(values, "*")
	switch what {
	case "port":
		if port, err := strconv.Atoi(values[0]); err == nil {
			s.port = port
		}
	case "health":
		s.health = values[0]
	case "start":
		if start, err := time.ParseDuration(values[0]); err == nil {
			s.start = start
		}
	case "broken":
		s.broken = s.broken || meant
	case "unhealthy":
		s.unhealthy = s.unhealthy || meant
	case "silent":
		s.silent = s.silent || meant
	}
}
