package faults

import (
	"strings"
	"testing"
	"time"

	"beansprout/test/lab"
)

// TestARefusedSweepEndsWithAnErrorAndAHint sweeps live where the days of an environment are over.
func TestARefusedSweepEndsWithAnErrorAndAHint(t *testing.T) {
	l := lab.NewArtifact(t)
	l.Cloud.Advance(-6 * 24 * time.Hour)
	l.Must(l.Up()...)
	l.Cloud.Advance(6*24*time.Hour + 2*time.Minute)
	refused := func(want, hint string, args ...string) {
		t.Helper()
		before := len(l.Cloud.Calls())
		r := l.Run(l.Command(append(args, "sweep", "--live")), nil)
		if r.Code != lab.ExitFailed || !strings.Contains(r.Stderr, want) || hint != "" && !strings.Contains(r.Stderr, "hint: ") || !strings.Contains(r.Stderr, hint) {
			t.Errorf("%v", r)
		}
		for _, call := range l.Cloud.Calls()[before:] {
			if strings.HasPrefix(call.Action, "Terminate") || strings.HasPrefix(call.Action, "Delete") {
				t.Errorf("%s although: %v", call.Action, r)
			}
		}
	}
	refused("the clocks disagree", "timedatectl")
	l.Cloud.Advance(-2 * time.Minute)
	refused("region "+otherRegion, "--region", "--region", otherRegion)
	e, home := newEcho(t, l.Cloud), l.Env["BEANSPROUT_LOCAL_DIR"]
	l.Through(e.URL)
	for _, call := range []string{"DescribeEnvironments", "GetCallerIdentity", "GET sweeps", "GET ledger"} {
		e.refuse(call)
		refused("Invalid request", "")
		if e.struck() == 0 {
			t.Errorf("a sweep asks for no %s", call)
		}
	}
	e.refuse("")
	l.Env["BEANSPROUT_LOCAL_DIR"] = home
	if r := l.Must("sweep", "--live"); !strings.Contains(r.Stdout, "removed environment") {
		t.Errorf("where all is well: %v", r)
	}
}
