package main

import (
	"time"

	"beansprout/envs"
	"beansprout/envs/envjson"
)

// view is an environment as --json shows it.
type view = envjson.Environment

func newView(e envs.Environment) view { return envjson.New(e) }

func instant(t time.Time) *time.Time { return envjson.Instant(t) }

// past returns word followed by how long ago t was, or "" if t is not known.
func past(t *time.Time, now time.Time, word string) string {
	if t == nil {
		return ""
	}
	return word + envs.Ago(*t, now)
}

// short returns the first digits of a commit, as people write it.
func short(commit string) string { return envs.ShortCommit(commit, 12) }
