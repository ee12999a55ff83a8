package envs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"beansprout/envs/store"
	"beansprout/localcloud"
)

// What Expire reads under the lease decides, and the answer is the same without it.
func TestWhatExpireFindsKeepsACandidate(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	ctx := t.Context()
	for _, tt := range []struct {
		name   string
		change func(e Environment)
		keep   string
		want   string // the beginning of the reason; "" removes
	}{
		{name: "nothing", change: func(Environment) {}},
		{name: "the janitor", change: func(Environment) {}, keep: "its days are not over", want: "its days are not over"},
		{name: "its tag", change: func(e Environment) { p.tag(e, TagLifecycle, " KEEP") }, want: `is protected: its tag beansprout:lifecycle says "`},
		{name: "an unknown tag", change: func(e Environment) { p.tag(e, TagLifecycle, "forever") }, want: `its tag beansprout:lifecycle says "forever", which is unknown`},
		{name: "no tag", change: func(e Environment) { p.tag(e, TagFeature, "") }, want: "not ours: it has no tag beansprout:feature"},
		{name: "protection", change: p.protect, want: "kim keeps it"},
		{name: "a deploy", change: func(e Environment) { p.deployed(deployment(e.Feature, "two"), Deployed) }, want: justChanged},
		{name: "a removal", change: func(e Environment) {
			if _, err := p.manager.Remove(ctx, e, RemoveOptions{}); err != nil {
				t.Error(err)
			}
		}, want: "is gone already"},
	} {
		e := p.deployed(deployment(tt.name, "one"), Created)
		c := p.candidate(tt.name)
		tt.change(e)
		before, err := p.store().Read(ctx, e.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, dry := range []bool{true, false} {
			receipt, err := p.manager.Expire(ctx, c, func(Environment, time.Time) string { return tt.keep }, Options{DryRun: dry})
			kept, ok := errors.AsType[*KeptError](err)
			if ok != (tt.want != "") || ok && !strings.HasPrefix(kept.Reason, tt.want) || !ok && err != nil {
				t.Errorf("%s, dry %v: %v, want %q", tt.name, dry, err, tt.want)
			}
			if removes := !dry && tt.want == ""; removes != (len(receipt.Removed) > 0) {
				t.Errorf("%s, dry %v: %+v", tt.name, dry, receipt)
			}
		}
		if after, err := p.store().Read(ctx, e.Name); tt.want != "" && (err != nil || !after.RemovalStarted.Equal(before.RemovalStarted) || after.Lease != nil) {
			t.Errorf("%s: the record says %+v, %v", tt.name, after, err)
		}
	}
}

func TestExpireKeepsWhatCanNotBeReadAndWaitsForNoLease(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	candidate := p.candidate("x")
	p.before(1, "ListTagsForResource", func() string { return "AccessDenied" })
	_, err := p.manager.Expire(t.Context(), candidate, isTime, Options{})
	if kept, ok := errors.AsType[*KeptError](err); !ok || kept.Reason != unreadable || !strings.Contains(kept.Err.Error(), "AccessDenied") {
		t.Errorf("what can't be read: %v", err)
	}
	p.putRecord(e.Name, "<html>")
	_, err = p.manager.Expire(t.Context(), candidate, isTime, Options{DryRun: true})
	if kept, ok := errors.AsType[*KeptError](err); !ok || kept.Reason != unreadable {
		t.Errorf("a record that is none: %v", err)
	}
	p.cloud.Advance(6 * day) // the survey reads the records of those whose time is over
	if _, _, err := p.store().Take(t.Context(), e.Name, store.LeaseRequest{Verb: "up", By: "build 7"}, nil); err != nil {
		t.Fatal(err)
	}
	if c := p.candidate("x"); c.Reason != "up by build 7 is at work on it: next sweep" {
		t.Errorf("the survey says %q", c.Reason)
	}
	if _, err := p.manager.Expire(t.Context(), candidate, isTime, Options{}); !errors.Is(err, ErrNotReady) {
		t.Errorf("another's lease: %v", err)
	}
	if p.lives("x") != e.ID {
		t.Error("it was removed")
	}
}

// No lease makes a record for what is not ours.
func TestExpireLeavesNoTraceOfWhatIsNotOurs(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	clone := e.Env
	clone.Name, clone.CNAME = "shop-abcdefghij", "shop-abcdefghij.example.com"
	c := Candidate{Environment: Environment{Env: clone}}
	if _, err := p.manager.Expire(t.Context(), c, func(Environment, time.Time) string { return "it is a clone" }, Options{}); err == nil {
		t.Error("it was removed")
	}
	if rec, err := p.store().Read(t.Context(), clone.Name); err != nil || rec.Counter > 0 {
		t.Errorf("there is a record: %+v, %v", rec, err)
	}
}

func TestExpireKeepsWhatAnotherWriterOrAWSChangesMeanwhile(t *testing.T) {
	ctx := t.Context()
	for _, tt := range []struct {
		name, call, refusal string
		change              func(*plot, Environment)
		stays               bool
		want                error
	}{
		{"no-lease", "ListTagsForResource", "", func(p *plot, e Environment) { p.putRecord(e.Name, `{"counter":99,"environment":"`+e.ID+`"}`) }, false, store.ErrLost},
		{"another-lease", "ListTagsForResource", "", func(p *plot, e Environment) {
			p.putRecord(e.Name, `{"counter":99,"lease":{"holder":"another","renewed":"2999-01-01T00:00:00Z"}}`)
		}, false, store.ErrLost},
		{"a-change", "TerminateEnvironment", "Throttling", func(p *plot, e Environment) {
			_, err := p.manager.beanstalk.Changing(func(context.Context) error { return nil }).Deploy(ctx, e.Env, e.Version, e.Description)
			if err != nil {
				t.Error(err)
			}
		}, true, nil},
	} {
		p := newPlot(t, localcloud.Config{}, nil)
		e := p.deployed(deployment(tt.name, "one"), Created)
		c := p.candidate(tt.name)
		p.before(1, tt.call, func() string { tt.change(p, e); return tt.refusal })
		_, err := p.manager.Expire(ctx, c, isTime, Options{})
		kept, ok := errors.AsType[*KeptError](err)
		if ok != tt.stays || ok && kept.Reason != justChanged || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if p.lives(tt.name) != e.ID {
			t.Errorf("%s: it was removed", tt.name)
		}
	}
}
