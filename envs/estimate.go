package envs

import (
	"cmp"
	"context"
	"slices"
	"time"

	"beansprout/envs/store"
)

// longestCredible is the longest past duration that is believed: others may be able to write records.
const longestCredible = time.Hour

// estimate returns how long AWS took for an operation the last time, 0 where that is not known.
func estimate(rec store.Record, what string) time.Duration {
	seconds := rec.Durations[what]
	if !(seconds > 0 && seconds < longestCredible.Seconds()) {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// peerRecords is how many other features' records are read to learn how long a launch takes.
const peerRecords = 3

// durationsOfPeers returns how long operations took for one of the application's features that were
// written about last, nil where that is not known: a new feature can't know by itself how long a
// launch takes. AWS is at work meanwhile.
func (r *run) durationsOfPeers(ctx context.Context) map[string]float64 {
	all, err := r.store.Entries(ctx, nil)
	if err != nil {
		return nil
	}
	all = slices.DeleteFunc(all, func(e store.Entry) bool {
		return e.Name == r.name || !HasPrefix(e.Name, r.manager.config.Application)
	})
	slices.SortFunc(all, func(a, b store.Entry) int {
		return cmp.Or(b.Modified.Compare(a.Modified), cmp.Compare(a.Name, b.Name))
	})
	for _, e := range all[:min(len(all), peerRecords)] {
		if rec, err := r.store.Read(ctx, e.Name); err == nil && estimate(rec, "launch") > 0 {
			return rec.Durations
		}
	}
	return nil
}
