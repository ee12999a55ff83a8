package sweeping

import "runtime/debug"

// garbagePercent is how much garbage a sweep lets pile up, in per cent of what it needs. A sweep of thousands of
// environments reads many times what it keeps, and waits for AWS most of the time.
const garbagePercent = 15

// BoundMemory has this process collect its garbage early, unless GOGC or GOMEMLIMIT say how it should.
func BoundMemory(getenv func(string) string) {
	if getenv("GOGC") == "" && getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(garbagePercent)
	}
}
