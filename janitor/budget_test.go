package janitor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/envs"
)

// Whatever takes how long and ends how, the limits of a sweep hold exactly.
func TestTheLimitsHoldSideBySide(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			var features []string
			for i := range 30 {
				features = append(features, fmt.Sprintf("f%02d", i))
			}
			j, s := house(features...)
			j.MaxDeletions, j.Max = 1+r.IntN(6), 30
			fails := r.Float64()
			type fate struct {
				takes time.Duration
				end   int
			}
			fates := map[string]fate{}
			for _, f := range features {
				end := 0
				if r.Float64() < fails {
					end = 1 + r.IntN(3)
				}
				fates[f] = fate{time.Duration(r.IntN(600)) * time.Second, end}
			}
			var running, peak, removed, failed atomic.Int64
			s.remove = func(_ context.Context, e envs.Env) (envs.Receipt, error) {
				peak.Store(max(peak.Load(), running.Add(1)))
				time.Sleep(fates[e.Feature].takes)
				running.Add(-1)
				switch fates[e.Feature].end {
				case 1:
					failed.Add(1)
					return envs.Receipt{}, errors.New("it is stuck")
				case 2:
					return envs.Receipt{}, envs.ErrNotReady
				case 3:
					removed.Add(1)
					return envs.Receipt{Removed: []string{"environment"}}, errors.New("its images stay")
				}
				removed.Add(1)
				return s.take(e)
			}
			report, _ := j.Sweep(t.Context(), true)
			limit := int64(j.MaxDeletions)
			if removed.Load() > limit || failed.Load() > max(limit, fewFailures) || peak.Load() > sideBySide {
				t.Errorf("seed %d: %d removed and %d failed of at peak %d, %d side by side", seed, removed.Load(), failed.Load(), limit, peak.Load())
			}
			looks := 2*limit + extraLooks
			left, asked := report.Count(Keep), int64(len(s.expired))
			if asked < looks && removed.Load() < limit && failed.Load() < max(limit, fewFailures) && left > 0 && asked < 30 {
				t.Errorf("seed %d: it gave up after %d: %q", seed, asked, said(report))
			}
		})
	}
}

func TestRemovalsGoFourSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, s := house("a", "b", "c", "d", "e", "f", "g", "h")
		s.remove = func(_ context.Context, e envs.Env) (envs.Receipt, error) {
			time.Sleep(5 * time.Minute)
			return s.take(e)
		}
		report := sweepLive(t, j)
		if report.Took != 10*time.Minute || len(s.removed) != 8 {
			t.Errorf("%d removed in %v, want 8 in 10m", len(s.removed), report.Took)
		}
	})
}

func TestTagsAreReadOfAFewInEachSweepAndOfOthersInTheNext(t *testing.T) {
	var features []string
	for i := range 40 {
		features = append(features, fmt.Sprintf("f%02d", i))
	}
	j, s := house(features...)
	j.MaxDeletions, j.Max = 2, 40
	for _, f := range features[:39] {
		s.refusals[f] = &envs.KeptError{Reason: "its tag says keep"}
	}
	for range 5 {
		s.expired = nil
		sweepLive(t, j)
		if len(s.expired) > 2*2+extraLooks {
			t.Errorf("the tags of %d are read", len(s.expired))
		}
	}
	if strings.Join(s.removed, ",") != "f39" {
		t.Errorf("behind those that are kept, %q was removed", s.removed)
	}
}

func TestTwoSweepsOfAJanitorFollowOneAnother(t *testing.T) {
	j, s := house("a")
	var running atomic.Int64
	s.remove = func(context.Context, envs.Env) (envs.Receipt, error) {
		if running.Add(1) > 1 {
			t.Error("two sweeps at once")
		}
		time.Sleep(20 * time.Millisecond)
		running.Add(-1)
		return envs.Receipt{}, envs.ErrNotReady
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { _, _ = j.Sweep(t.Context(), true) })
	}
	both.Wait()
}

func TestAfterEachSweepItsReportIsHandedOn(t *testing.T) {
	j, s := house("a", "b")
	s.refusals["b"] = &envs.KeptError{Reason: "unreadable", Err: errors.New("denied")}
	var reports []Report
	var ends []error
	j.Swept = func(r Report, err error) { reports, ends = append(reports, r), append(ends, err) }
	_, err := j.Sweep(t.Context(), true)
	if len(reports) != 1 || !reports[0].Live || reports[0].Count(Removed) != 1 || ends[0] == nil || ends[0].Error() != err.Error() {
		t.Errorf("%+v, %v", reports, ends)
	}
	s.listed = errors.New("page 2 failed")
	if _, err := j.Sweep(t.Context(), false); err == nil || len(reports) != 2 || !strings.Contains(reports[1].Refused, "page 2 failed") || reports[1].Live {
		t.Errorf("%v, %+v", err, reports)
	}
}
