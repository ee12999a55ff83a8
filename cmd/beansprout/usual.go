package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"beansprout/envs"
	"beansprout/envs/ledger"
)

// credible is the longest past duration that is believed: the ledger may be anybody's.
const credible = time.Hour

// usual is how long AWS took for it the last time, 0 where that isn't known.
func (d *deployment) usual(what string) time.Duration { return took(d.record, what) }

func took(r ledger.Record, what string) time.Duration {
	seconds := r.Durations[what]
	if !(seconds > 0 && seconds < credible.Seconds()) {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// elders is how many other features' records are read to learn how long a launch takes.
const elders = 3

// compareNotes learns from the features that were written about last how long a launch takes,
// which a new one can't know by itself. AWS is at work meanwhile; what can't be read stays
// unknown.
func (d *deployment) compareNotes(ctx context.Context) {
	if d.usual("launch") > 0 {
		return
	}
	all, err := d.ledger.Names(ctx)
	if err != nil {
		return
	}
	all = slices.DeleteFunc(all, func(e ledger.Entry) bool {
		return e.Name == d.name || !strings.HasPrefix(e.Name, envs.Prefix(d.cfg.Application))
	})
	slices.SortFunc(all, func(a, b ledger.Entry) int {
		return cmp.Or(b.Modified.Compare(a.Modified), cmp.Compare(a.Name, b.Name))
	})
	for _, e := range all[:min(len(all), elders)] {
		if r, err := d.ledger.Read(ctx, e.Name); err == nil && took(r, "launch") > 0 {
			d.record.Durations = r.Durations
			return
		}
	}
}
