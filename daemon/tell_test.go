package daemon

import (
	"strings"
	"testing"
	"time"

	"beansprout/janitor"
	"beansprout/notify"
)

func TestADigestHasReceiptsAndLeftovers(t *testing.T) {
	p := newPlot(t)
	p.deployed("login")
	mask := func(s string) string { return strings.ReplaceAll(s, "shop-login", "***") }
	var ahead time.Duration
	advance := func(d time.Duration) { p.cloud.Advance(d); ahead += d }
	sweep := func(maxDeletions int) notify.Sweep {
		t.Helper()
		j := &janitor.Janitor{Environments: p.manager, MaxDeletions: maxDeletions, Now: func() time.Time { return time.Now().Add(ahead) }}
		r, _ := j.Sweep(t.Context(), true) // the report tells what failed
		return Digest(p.manager, r, mask)
	}
	advance(5*day + time.Minute)
	d := sweep(10)
	if len(d.Removed) != 1 || !strings.HasPrefix(d.Removed[0].Receipt, "removed environment ***-") || !strings.Contains(d.Removed[0].Receipt, "; kept version ***-") {
		t.Fatalf("an environment: %+v", d)
	}
	if d := sweep(10); len(d.Retained)+len(d.Removed) > 0 {
		t.Errorf("what can be restored: %+v", d)
	}
	advance(4 * day)
	p.deny("DeleteApplicationVersion")
	if d := sweep(10); len(d.Failed) != 1 || !strings.Contains(d.Failed[0].Reason, "AccessDenied") || strings.Contains(d.Failed[0].Reason, "shop-login") {
		t.Errorf("a leftover that can't be removed: %+v", d)
	}
	if d := sweep(0); len(d.Retained) != 1 || !strings.Contains(d.Retained[0].Reason, "its last removal failed: ") {
		t.Errorf("a leftover that failed before: %+v", d)
	}
	p.deny("")
	if d := sweep(10); len(d.Removed) != 1 || d.Removed[0].Reason != "what it had left" || !strings.Contains(d.Removed[0].Receipt, "version ***-") {
		t.Errorf("a leftover: %+v", d)
	}
}
