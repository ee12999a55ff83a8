package envs

import (
	"time"

	"beansprout/envs/store"
)

// A Snapshot is what one reading of an Inventory has found.
type Snapshot struct {
	Environments []Environment // living and ours, with their records and, where they are known, their tags; by name
	Removed      []Gone        // of which the record still knows something; by name
	Now          time.Time     // AWS's clock
	Warnings     []string      // what is left out or incomplete, and why
}

// Gone is a feature without an environment, of which the record still knows something.
type Gone struct {
	Name        string // of the environment that it had
	Application string
	Feature     string
	Commit      string
	Owner       string
	Record      store.Record // its history, and what a restore needs
	Removed     time.Time    // when its environment was removed; zero where that is not known
	Until       time.Time    // when a sweep may take away what Restore needs; zero where Restore can't bring it back
}
