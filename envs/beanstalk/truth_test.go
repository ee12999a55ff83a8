package beanstalk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// scene is one way in which AWS behaves, or could behave.
type scene struct {
	name     string
	kind     kind
	script   string
	faults   []string
	offset   time.Duration
	nameless bool // answers carry no request id
	partial  bool
	quiet    bool          // the wait shows no events
	rebuild  bool          // a launch of what was Terminated
	version  string        // that is wanted; "" is v2
	expected time.Duration // how long it is expected to take
	want     string        // in the failure's reason; "" is success, timedOut is the end of half an hour
	by       time.Duration // until when the verdict is there; 0 is any time
}

const timedOut = "the deadline"

func TestWaitReportsHowOperationsEnd(t *testing.T) {
	for _, sc := range slices.Concat(launches(), rebuilds(), deploys(), healths(), interferences(), terminations(), quietly(terminations()), unreliabilities(), losses()) {
		t.Run(sc.name, func(t *testing.T) { synctest.Test(t, sc.play) })
	}
}

func (sc scene) play(t *testing.T) {
	s, c := newStage(t, sc.kind, sc.script, sc.faults...)
	s.offset, s.nameless = sc.offset, sc.nameless
	if sc.rebuild {
		s.before = Env{ID: envID, Name: envName, State: Terminated, Version: "v2", Health: "Grey"}
	}
	if sc.version == "" {
		sc.version = "v2"
	}
	const deadline = 30 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	began := time.Now()
	var shown []Event
	op, err := sc.start(ctx, c)
	if err == nil {
		op.partial = sc.partial
		show := func(e Event) { shown = append(shown, e) }
		if sc.quiet {
			show = nil
		}
		_, err = c.Wait(ctx, op.Expect(sc.expected), show)
	}
	took := time.Since(began)
	sc.judge(t, err)
	if took > deadline+5*time.Second || sc.by > 0 && took > sc.by {
		t.Errorf("the verdict came after %s, which is too late", took)
	}
	if s.begun != 1 {
		t.Errorf("AWS has carried out the call %d times", s.begun)
	}
	for i, e := range shown {
		if e.Request == theirs || slices.Contains(shown[:i], e) {
			t.Errorf("shown: %+v", e)
		}
	}
	t.Logf("%s after %s; %v", describeVerdict(err), took, s.calls)
}

func (sc scene) start(ctx context.Context, c *Client) (Operation, error) {
	if sc.rebuild {
		return changer(c).Rebuild(ctx, Env{ID: envID, Name: envName, State: Terminated, Version: sc.version})
	}
	if sc.kind == launching {
		return changer(c).Launch(ctx, Launch{Name: envName, Application: application, Version: sc.version, Base: Base{Platform: "arn"}})
	}
	e, err := c.Find(ctx, envName, nil)
	switch {
	case err != nil:
		return Operation{}, err
	case sc.kind == terminating:
		return changer(c).Terminate(ctx, e)
	}
	return changer(c).Deploy(ctx, e, sc.version, "x")
}

func (sc scene) judge(t *testing.T, err error) {
	var failure *Failure
	switch ok := errors.As(err, &failure); {
	case sc.want == "" && err != nil:
		t.Errorf("a false failure: %v", err)
	case sc.want == timedOut && !errors.Is(err, context.DeadlineExceeded):
		t.Errorf("ends with %v, want the deadline", err)
	case sc.want != "" && sc.want != timedOut && (!ok || !strings.Contains(failure.Reason, sc.want)):
		t.Errorf("ends with %v, want a failure because %q", err, sc.want)
	}
}

func describeVerdict(err error) string {
	if err == nil {
		return "success"
	}
	return err.Error()
}
