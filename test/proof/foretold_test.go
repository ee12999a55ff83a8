package proof

import (
	"strings"
	"testing"

	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/localcloud"
)

// TestWhatIsForetoldIsWhatASweepSays compares, for the environments of random worlds, what Judge makes of a
// Snapshot with what a sweep says that only reports.
func TestWhatIsForetoldIsWhatASweepSays(t *testing.T) {
	worlds, atOnce := 40, 4
	switch {
	case soak():
		worlds = 2000
	case raced:
		worlds = 8
	}
	seed := seedOf(t)
	tellings := make([]foretold, worlds)
	each((worlds+worldsPerCloud-1)/worldsPerCloud, atOnce, func(n int) {
		t.Run("", func(t *testing.T) {
			f := newField(t, localcloud.Config{})
			for i := range min(worldsPerCloud, worlds-n*worldsPerCloud) {
				number := n*worldsPerCloud + i
				w := newWorld(f, seed, number+1)
				tellings[number] = w.foretell()
				w.report("foretold")
			}
		})
	})
	all := foretold{}
	for _, one := range tellings {
		for action, n := range one {
			all[action] += n
		}
	}
	t.Logf("compared: %v", all)
	for _, action := range []janitor.Action{janitor.Remove, janitor.Warn, janitor.Wait, janitor.Keep, janitor.Unknown} {
		if all[action] < worlds/10 && !t.Failed() {
			t.Errorf("only %d environments are %s: that proves little", all[action], action)
		}
	}
}

// foretold is of how many environments a sweep and Judge said the same.
type foretold map[janitor.Action]int

// foretell has the world's days pass, and compares at some moments.
func (w *world) foretell() foretold {
	all := foretold{}
	inventory := w.janitor.Environments.(*envs.Manager).Inventory()
	for range 6 {
		w.advance(pick(w, hours, 6*hours, dayAndMore, 2*days))
		w.change()()
		w.working.Wait()
		if w.policy.Warn > 0 && w.chance(2) {
			_, _ = w.janitor.Sweep(w.Context(), true) // which warns, and removes
		}
		w.settled(w.application)
		w.compare(inventory, all)
	}
	return all
}

// compare compares what is foretold of each environment with what a sweep says.
func (w *world) compare(inventory *envs.Inventory, all foretold) {
	snapshot := w.snapshot(inventory)
	report, err := w.janitor.Sweep(w.Context(), false)
	if len(report.Decisions) == 0 && err != nil {
		return // the sweep as a whole says nothing
	}
	said := map[string]janitor.Decision{}
	for _, d := range report.Decisions {
		said[d.Env.ID] = d
	}
	for _, e := range snapshot.Environments {
		d, told := said[e.ID]
		now := w.janitor.Judge(e, report.Now)
		switch {
		case w.sweepKnowsMore(e):
		case e.Unread != nil && e.Record != nil: // what a record said before it was garbage is shown, and removes nothing
			if now.Action == janitor.Remove || now.Action == janitor.Warn {
				w.problem("it is foretold of %s, whose record is garbage: %s, %q", e.Name, now.Action, now.Reason)
			}
		case !told:
			if now.Action == janitor.Remove {
				w.problem("it is foretold that %s is removed, because %q, and the sweep says nothing of it: %+v", e.Name, now.Reason, e)
			}
		case now.Action == janitor.Keep && strings.Contains(now.Reason, "its tag"): // a sweep reads tags of what is due
			if d.Action != janitor.Keep && d.Action != janitor.Wait {
				w.problem("of %s it is foretold that %s, and the sweep says %s, %q", e.Name, now.Reason, d.Action, d.Reason)
			}
		case d.Action == janitor.Keep && now.Action == janitor.Keep && w.isFar(now) && w.isFar(d): // a year from the reading
		case now.Action != d.Action || now.Reason != d.Reason || e.Moved == "" && !now.Expiry.Equal(d.Expiry):
			w.problem("of %s it is foretold: %s, %q, %v; the sweep says %s, %q, %v: %+v, %+v", e.Name, now.Action, now.Reason, now.Expiry, d.Action, d.Reason, d.Expiry, e, e.Own())
		default:
			all[d.Action]++
		}
	}
}

// snapshot reads until the tags are known of all environments.
func (w *world) snapshot(inventory *envs.Inventory) (s envs.Snapshot) {
	w.Helper()
	const largest, atOnce = 15, 4 // environments of a world, and those of which a Read reads the tags
	for range largest/atOnce + 1 {
		var err error
		if s, err = inventory.Read(w.Context()); err != nil {
			w.Fatal(err)
		}
	}
	return s
}

// sweepKnowsMore reports whether a sweep goes by more than the record, which is all that Judge is told: it asks the
// remote which branches there are now. Where a description was edited, it reads no tags before the environment is due.
func (w *world) sweepKnowsMore(e envs.Environment) bool {
	w.wire.mu.Lock()
	row := w.wire.of("test", e.ID).Row
	w.wire.mu.Unlock()
	branches := w.remote != nil && (w.remote.lacked(e.Feature) || !e.Own().MissingSince.IsZero())
	return branches || w.unsure(w.facts(row))
}

// isFar reports whether an end is so far ahead that it may be the latest that a record can name.
func (w *world) isFar(d janitor.Decision) bool { return d.Expiry.After(w.now().Add(300 * days)) }
