package proof

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs"
	"beansprout/localcloud"
	"beansprout/test/oracle"
)

const (
	sweepsPerWorld = 20
	worldsPerCloud = 3 // a cloud is the slower the more it has seen
	calmSweeps     = 4 // of these, at the end of each world
	dayAndMore     = 25 * hours
)

// TestNoSweepRemovesWhatMustStay makes whole sweeps over random environments, while users, others and
// AWS do what they like at any step between. Each removal is judged when it reaches the cloud, by what
// the janitor was told before. In the end nothing is left that must go.
func TestNoSweepRemovesWhatMustStay(t *testing.T) {
	sweeps, atOnce := 1000, 4
	switch {
	case soak():
		sweeps, atOnce = 100_000, 32 // they wait for one another and for the disk more than they work
	case raced:
		sweeps = 120
	case testing.Short():
		sweeps = 60
	}
	seed := seedOf(t)
	var worlds, made, removals atomic.Int64
	began := time.Now()
	each(atOnce, atOnce, func(int) {
		for made.Add(worldsPerCloud*sweepsPerWorld) <= int64(sweeps)+worldsPerCloud*sweepsPerWorld-1 && !t.Failed() {
			t.Run("", func(t *testing.T) { // so that a cloud that is over takes no room
				f := newField(t, localcloud.Config{})
				for range worldsPerCloud {
					w := newWorld(f, seed, int(worlds.Add(1)))
					w.live()
					removals.Add(int64(len(w.removed)))
				}
			})
		}
	})
	t.Logf("%d worlds, %d sweeps, %d removals in %v", worlds.Load(), worlds.Load()*sweepsPerWorld, removals.Load(), time.Since(began).Round(time.Second))
	if sweeps >= 1000 && removals.Load() < int64(sweeps)/25 && !t.Failed() {
		t.Errorf("only %d environments were removed: that proves little", removals.Load())
	}
}

// live has the world's days pass.
func (w *world) live() {
	w.Helper()
	for n := range sweepsPerWorld - calmSweeps {
		w.advance(pick(w, time.Minute, hours, 6*hours, dayAndMore, 3*days))
		if w.chance(2) {
			w.change()()
		}
		switch w.random.IntN(3) {
		case 0:
			w.calm()
		default:
			w.wild()
		}
		w.report(fmt.Sprint("sweep ", n))
	}
	w.end()
}

// report tells what went wrong.
func (w *world) report(when string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.problems {
		w.Errorf("%s, %s, policy %+v, Max %d: %s", w.application, when, w.policy, w.janitor.Max, p)
	}
	w.problems = nil
}

func (w *world) problem(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

// wild sweeps while everything happens, and everything fails.
func (w *world) wild() {
	w.plans, w.failing, w.calls, w.back, w.jumped = map[int]func(){}, map[int]error{}, 0, 0, 0
	for range 1 + w.random.IntN(3) {
		w.plans[1+w.random.IntN(25)] = w.change()
	}
	if w.chance(3) {
		w.failing[1+w.random.IntN(25)] = pick[error](w, refused("AccessDenied"), refused("InvalidParameterValue"), errLost)
	}
	if w.chance(8) {
		w.skew = pick(w, 40*time.Second, -40*time.Second, 2*time.Minute, -2*time.Minute, 300*days, -300*days)
	}
	w.silent = w.chance(4)
	_, _ = w.janitor.Sweep(w.Context(), true)
	w.working.Wait()
	w.plans, w.failing, w.skew, w.silent = nil, nil, 0, false
	w.settled(w.application)
}

// calm sweeps while nothing happens: exactly what must go goes.
func (w *world) calm() {
	before := map[string]string{}
	unsure := map[string]bool{}
	due := 0
	known := map[string]oracle.Facts{}
	for _, r := range w.settled(w.application) { // what AWS is at work on would be Ready when the sweep sees it
		f := w.facts(r)
		if w.remote != nil && f.Tags["beansprout:source"] == "branch" {
			unsure[r.EnvironmentId] = true // several sweeps and a majority decide
		}
		reason, close := w.policy.Keeps(f)
		before[r.EnvironmentId], known[r.EnvironmentId] = reason, f
		unsure[r.EnvironmentId] = unsure[r.EnvironmentId] || close || w.unsure(f)
		if reason == "" {
			due++
		}
	}
	report, err := w.janitor.Sweep(w.Context(), true)
	w.said = fmt.Sprintf("%+v, %v", report, err)
	living := map[string]bool{}
	for _, r := range w.rows(w.application) {
		living[r.EnvironmentId] = !r.Gone()
	}
	braked := w.janitor.Max == 0 && (due > 10 || report.Refused != "")
	for id, reason := range before {
		switch {
		case unsure[id]:
		case reason != "" && !living[id]:
			w.problem("%s is gone, and %s: %+v", id, reason, known[id])
		case reason == "" && living[id] && !braked:
			w.problem("%s must go, and lives: %+v; the sweep says %+v, %v", id, known[id], report.Decisions, err)
		case reason == "" && !living[id] && braked && due > max(10, len(before)/2):
			w.problem("%s is gone although %d of %d were due", id, due, len(before))
		}
	}
}

// unsure reports whether an environment may also live longer: where its description was edited, the
// days of the janitor's file or those in its tag count, and a sweep that does not read its tags goes by
// the longer ones.
func (w *world) unsure(f oracle.Facts) bool {
	return !strings.HasPrefix(f.Row.Description, f.Tags["beansprout:feature"]+" @ 1a2b3c4 for ") && !strings.Contains(f.Row.Description, " @ "+w.application)
}

// end has everything come to rest, until all is gone that must go.
func (w *world) end() {
	if w.remote != nil {
		w.remote.breaks(false)
	}
	if w.janitor.Max == 0 {
		w.janitor.Max = 100
	}
	for range calmSweeps {
		w.advance(dayAndMore)
		w.calm()
	}
	w.report("the end")
	owner := w.policy
	owner.Warn = 0
	for _, r := range w.rows(w.application) {
		f := w.facts(r)
		f.Now = f.Now.Add(-(calmSweeps - 1) * dayAndMore)
		if reason, unsure := owner.Keeps(f); reason == "" && !unsure && !r.Gone() && !w.unsure(f) {
			w.problem("%s should have gone long ago: %+v; the last sweep says %s", r.EnvironmentId, f, w.said)
		}
	}
	w.report("long after the end")
}

// change is something that a user, AWS or anybody else does. All that is random is decided now.
func (w *world) change() func() {
	feature := pick(w, w.features...)
	name := w.name(feature)
	ctx := w.Context()
	with := func(do func(context.Context, envs.Environment)) func() {
		return func() {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
			defer cancel()
			if e, err := w.users.Get(ctx, w.application, feature); err == nil {
				do(ctx, e)
			}
		}
	}
	switch w.random.IntN(16) {
	case 0, 1:
		by := pick(w, time.Minute, hours, days, 3*days)
		return with(func(ctx context.Context, e envs.Environment) {
			_, _ = w.users.Extend(ctx, e, by, envs.Options{By: "kim"})
		})
	case 2, 3:
		return with(func(ctx context.Context, e envs.Environment) {
			_, _ = w.users.Protect(ctx, e, "because", envs.Options{By: "kim"})
		})
	case 4, 5:
		return with(func(ctx context.Context, e envs.Environment) {
			_, _ = w.users.Unprotect(ctx, e, envs.Options{By: "kim"})
		})
	case 6, 7:
		return func() { w.deploy(feature) }
	case 8:
		return with(func(ctx context.Context, e envs.Environment) {
			_, _ = w.users.Remove(ctx, e, envs.RemoveOptions{Options: envs.Options{By: "kim"}})
		})
	case 9:
		text := w.hostileRecord("e-none")
		if id := w.idOf(name); id != "" {
			text = w.hostileRecord(id)
		}
		return func() { w.putRecord(name, text) }
	case 10:
		add := pick(w, types.Tag{Key: aws.String("beansprout:lifecycle"), Value: aws.String(pick(w, "keep", "ephemeral", "forever"))}, types.Tag{Key: aws.String("beansprout:feature"), Value: aws.String(pick(w, "f0", "other", feature))})
		return w.raw(func() error {
			_, err := w.bare.UpdateTagsForResource(ctx, &elasticbeanstalk.UpdateTagsForResourceInput{ResourceArn: aws.String(w.arn(oracle.Row{ApplicationName: w.application, EnvironmentName: name})), TagsToAdd: []types.Tag{add}})
			return err
		})
	case 11:
		other := w.name(pick(w, w.features...))
		return w.raw(func() error {
			_, err := w.bare.SwapEnvironmentCNAMEs(ctx, &elasticbeanstalk.SwapEnvironmentCNAMEsInput{SourceEnvironmentName: &name, DestinationEnvironmentName: &other})
			return err
		})
	case 12:
		text := pick(w, "edited by hand", feature+" @ 1a2b3c4 for 1h", feature+" @ 1a2b3c4 for 90d")
		return w.raw(func() error {
			_, err := w.bare.UpdateEnvironment(ctx, &elasticbeanstalk.UpdateEnvironmentInput{EnvironmentName: &name, Description: &text})
			return err
		})
	case 13:
		by := pick(w, time.Minute, -time.Minute, 2*hours, -2*hours)
		return func() {
			w.mu.Lock()
			w.back, w.jumped = w.back+max(0, -by), w.jumped+by.Abs()
			w.mu.Unlock()
			w.advance(by)
		}
	case 14:
		if w.remote != nil {
			back, broken := w.chance(2), w.chance(6)
			return func() {
				w.remote.remove(feature)
				if back {
					w.remote.add(feature)
				}
				w.remote.breaks(broken)
			}
		}
	}
	return func() { w.putRecord(name, "") }
}

// raw does something that may be refused.
func (w *world) raw(do func() error) func() { return func() { _ = do() } }

// idOf returns the id of what lives under a name, or "".
func (w *world) idOf(name string) string {
	w.wire.mu.Lock()
	defer w.wire.mu.Unlock()
	return w.wire.name[name]
}
