package envs

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs/store"
	"beansprout/localcloud"
	"beansprout/localcloud/engine"
)

// lives returns the id of the feature's environment, "" where there is none.
func (p *plot) lives(feature string) string {
	p.Helper()
	e, err := p.manager.Find(p.Context(), "shop", feature)
	if err != nil {
		p.Fatal(err)
	}
	return e.ID
}

// candidate surveys, and returns the feature's environment as one that is past its time.
func (p *plot) candidate(feature string) Candidate {
	p.Helper()
	v, err := p.manager.Survey(p.Context(), pickDue)
	if err != nil {
		p.Fatal(err)
	}
	for _, c := range v.Environments {
		if c.Environment.Name == p.name(feature) {
			return *c
		}
	}
	p.Fatalf("there is no environment of %s", feature)
	return Candidate{}
}

// pickDue has the records of those read whose days are over.
func pickDue(all []*Candidate, now time.Time) {
	for i := range all {
		all[i].Read = !all[i].Environment.Expires.After(now)
	}
}

func isTime(Environment, time.Time) string { return "" }

// tag writes a tag as the console does, or takes it away where value is "".
func (p *plot) tag(e Environment, key, value string) {
	p.Helper()
	in := &elasticbeanstalk.UpdateTagsForResourceInput{ResourceArn: &e.ARN, TagsToAdd: []types.Tag{{Key: &key, Value: &value}}}
	if value == "" {
		in.TagsToAdd, in.TagsToRemove = nil, []string{key}
	}
	_, err := p.bare().UpdateTagsForResource(p.Context(), in)
	if err == nil {
		_, err = p.manager.beanstalk.Settle(p.Context(), e.Env)
	}
	if err != nil {
		p.Fatal(err)
	}
}

func (p *plot) protect(e Environment) {
	p.Helper()
	if _, err := p.newManager(nil).Protect(p.Context(), e, "", Options{By: "kim"}); err != nil {
		p.Error(err)
	}
}

// What belongs to a name is removed by what was looked up, and not by what lived there before.
func TestAFormerEnvironmentIsNotRemovedAgain(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	former := p.deployed(deployment("x", "one"), Created)
	expired := p.candidate("x")
	if _, err := p.manager.Remove(t.Context(), former, RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	now := p.deployed(deployment("x", "two"), Created)
	before, err := p.store().Read(t.Context(), now.Name)
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := p.manager.Remove(t.Context(), former, RemoveOptions{Force: true, Purge: true})
	if !errors.Is(err, ErrReplaced) || len(receipt.Removed) > 0 {
		t.Errorf("Remove = %+v, %v, want %v", receipt, err, ErrReplaced)
	}
	if after, err := p.store().Read(t.Context(), now.Name); err != nil || after.Counter != before.Counter {
		t.Errorf("the record was written: %+v, %v", after, err)
	}
	// A record that still speaks of the former one is not believed.
	if _, err := p.store().Change(t.Context(), now.Name, func(r *store.Record) { r.Environment = former.ID }); err != nil {
		t.Fatal(err)
	}
	if receipt, err = p.manager.Remove(t.Context(), former, RemoveOptions{}); !errors.Is(err, ErrReplaced) || len(receipt.Removed) > 0 {
		t.Errorf("by its record: Remove = %+v, %v, want %v", receipt, err, ErrReplaced)
	}
	_, err = p.manager.Expire(t.Context(), expired, isTime, Options{})
	if kept, ok := errors.AsType[*KeptError](err); !ok || kept.Reason != "is gone already" {
		t.Errorf("Expire = %v", err)
	}
	if p.lives("x") != now.ID {
		t.Errorf("%q lives, want %s", p.lives("x"), now.ID)
	}
}

func TestARemovalSaysWhatGoesAndWhatStays(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	for _, tt := range []struct {
		options           RemoveOptions
		removed, retained int
		restorable        bool
	}{
		{RemoveOptions{}, 2, 1, true},             // the environment, and the version that ran before it
		{RemoveOptions{Purge: true}, 5, 0, false}, // two versions with their bundles, too
	} {
		p.deployed(deployment("x", "one"), Created)
		e := p.deployed(deployment("x", "two"), Deployed)
		if _, err := p.manager.Remove(t.Context(), e, RemoveOptions{Options: Options{DryRun: true}}); err != nil || p.lives("x") != e.ID {
			t.Errorf("a dry run: %v, and %q lives", err, p.lives("x"))
		}
		receipt, err := p.manager.Remove(t.Context(), e, tt.options)
		if err != nil || len(receipt.Removed) < tt.removed || len(receipt.Retained) != tt.retained {
			t.Errorf("purge %v: %+v, %v", tt.options.Purge, receipt, err)
		}
		rec, err := p.store().Read(t.Context(), e.Name)
		if err != nil || (rec.Restorable != nil) != tt.restorable || rec.Environment != "" || rec.Lease != nil {
			t.Errorf("purge %v: the record says %+v, %v", tt.options.Purge, rec, err)
		}
		if versions, err := p.manager.beanstalk.AllVersions(t.Context(), "shop"); err != nil || len(versions) != tt.retained {
			t.Errorf("purge %v: %+v is left, %v", tt.options.Purge, versions, err)
		}
	}
}

func TestARemovalThatDoesNotWaitLeavesTheRest(t *testing.T) {
	p := newPlot(t, localcloud.Config{TerminateTime: time.Hour}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	receipt, err := p.manager.Remove(t.Context(), e, RemoveOptions{NoWait: true})
	if err != nil || len(receipt.Removed) != 0 || len(receipt.Retained) != 1 || receipt.Retained[0].Reason != "AWS is removing it" {
		t.Errorf("Remove = %+v, %v", receipt, err)
	}
	if rec, err := p.store().Read(t.Context(), e.Name); err != nil || rec.Restorable == nil || rec.Restorable.ID != e.ID {
		t.Errorf("the record says %+v, %v", rec, err)
	}
}

func TestProtectedStaysUnlessForced(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	p.protect(e)
	for _, dry := range []bool{true, false} {
		// What was looked up before it was protected does not tell.
		receipt, err := p.manager.Remove(t.Context(), Environment{Env: e.Env, Tags: e.Tags}, RemoveOptions{Options: Options{DryRun: dry}})
		if protected, ok := errors.AsType[*ProtectedError](err); !ok || protected.Reason != "kim keeps it" || len(receipt.Removed) > 0 {
			t.Errorf("dry %v: %+v, %v", dry, receipt, err)
		}
	}
	if rec, err := p.store().Read(t.Context(), e.Name); err != nil || rec.Removals > 0 {
		t.Errorf("a refused removal has told a deploy to stop: %+v, %v", rec, err)
	}
	p.before(1, "TerminateEnvironment", func() string { return "Throttling" }) // what was read is read again
	if _, err := p.manager.Remove(t.Context(), e, RemoveOptions{Force: true}); err != nil || p.lives("x") != "" {
		t.Errorf("Remove = %v, and %q lives", err, p.lives("x"))
	}
}

// A removal is repeated where AWS throttles a call or answers it with nothing that can be read.
func TestWhatIsProtectedBeforeARemovalIsRepeatedStays(t *testing.T) {
	for name, remove := range map[string]func(p *plot, e Environment, c Candidate) error{
		"Remove": func(p *plot, e Environment, _ Candidate) error {
			_, err := p.manager.Remove(p.Context(), e, RemoveOptions{})
			return err
		},
		"Remove without waiting": func(p *plot, e Environment, _ Candidate) error {
			_, err := p.manager.Remove(p.Context(), e, RemoveOptions{NoWait: true})
			return err
		},
		"Expire": func(p *plot, _ Environment, c Candidate) error {
			_, err := p.manager.Expire(p.Context(), c, isTime, Options{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlot(t, localcloud.Config{}, nil)
			e := p.deployed(deployment("x", "one"), Created)
			attempts := 0
			p.before(1, "TerminateEnvironment", func() string { attempts++; return "Throttling" })
			p.before(2, "TerminateEnvironment", func() string { attempts++; p.protect(e); return "Throttling" })
			p.before(3, "TerminateEnvironment", func() string { attempts++; return "" })
			if err := remove(p, e, p.candidate("x")); err == nil || attempts != 2 || p.lives("x") != e.ID {
				t.Errorf("after %d attempts: %v, and %q lives", attempts, err, p.lives("x"))
			}
		})
	}
}

func TestWhatIsProtectedWhileARemovalWaitsStays(t *testing.T) {
	tag := func(key, value string) func(*plot, Environment) {
		return func(p *plot, e Environment) { // as the console does, which is an update
			_, err := p.bare().UpdateTagsForResource(p.Context(), &elasticbeanstalk.UpdateTagsForResourceInput{ResourceArn: &e.ARN, TagsToAdd: []types.Tag{{Key: &key, Value: &value}}})
			if err != nil {
				p.Error(err)
			}
		}
	}
	for _, tt := range []struct {
		name, call string
		nth        int
		protect    func(*plot, Environment)
	}{
		{"by its tag, when AWS refused", "TerminateEnvironment", 1, tag(TagLifecycle, Keep)},
		{"in its record, when AWS refused", "TerminateEnvironment", 1, func(p *plot, e Environment) { tag("note", "x")(p, e); p.protect(e) }},
		{"in its record, after the lease was taken", "ListTagsForResource", 1, (*plot).protect},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlot(t, localcloud.Config{UpdateTime: transition}, nil)
			e := p.deployed(deployment("x", "one"), Created)
			p.before(tt.nth, tt.call, func() string { tt.protect(p, e); return "" })
			_, err := p.manager.Remove(t.Context(), e, RemoveOptions{})
			if _, ok := errors.AsType[*ProtectedError](err); !ok || p.lives("x") != e.ID {
				t.Errorf("Remove: %v, and %q lives", err, p.lives("x"))
			}
		})
	}
}

// What belongs to an environment is removed after it, and may be needed again by then.
func TestAVersionThatIsRunBeforeItsRemovalIsRepeatedStays(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	p.before(1, "DeleteApplicationVersion", func() string {
		p.create(elasticbeanstalk.CreateEnvironmentInput{EnvironmentName: aws.String("shop-clone"), VersionLabel: &e.Version})
		time.Sleep(groundsMaxAge)
		return "Throttling"
	})
	_, err := p.manager.Remove(t.Context(), e, RemoveOptions{Purge: true})
	if err == nil || !strings.Contains(err.Error(), "shop-clone has come to run version "+e.Version) {
		t.Errorf("Remove: %v", err)
	}
	if versions, err := p.manager.beanstalk.AllVersions(t.Context(), "shop"); err != nil || len(versions) != 1 {
		t.Errorf("%+v is left, %v", versions, err)
	}
}

func TestARemovalLeavesVersionsWithBundlesOfOthers(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	p.register("shop", e.Name+"-abcdefabcdefabcdef01", "", "elsewhere.zip", "x")
	receipt, err := p.manager.Remove(t.Context(), e, RemoveOptions{Purge: true})
	if err != nil || len(receipt.Retained) != 1 || !strings.Contains(receipt.Retained[0].Reason, `"elsewhere.zip", which is none of ours`) {
		t.Errorf("Remove: %+v, %v", receipt, err)
	}
	p.checkLeft("x", "1 versions, 0 bundles, a record: true")
}

func TestARemovalIsSupersededByADeployThatWasAskedForLater(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	p.before(2, "PUT ledger", func() string { // the lease, behind what tells a deploy to stop
		p.note("x", func(r *store.Record) { r.Deployed, r.Commit = r.NumberRequest("later"), "later" })
		return ""
	})
	_, err := p.manager.Remove(t.Context(), e, RemoveOptions{})
	if _, ok := errors.AsType[*SupersededError](err); !ok || p.lives("x") != e.ID {
		t.Errorf("Remove: %v, and %q lives", err, p.lives("x"))
	}
	if p.removed("x", RemoveOptions{}); p.lives("x") != "" {
		t.Error("the next one doesn't remove it")
	}
	asked := store.Record{RequestNumber: 5, Deployed: 4}
	for ran, want := range map[int64]bool{4: false, 5: false, 6: true} {
		err := removalSupersededBy(asked, store.Record{RequestNumber: 6, Deployed: ran, Commit: "0123456789abcdef"})
		if late, ok := errors.AsType[*SupersededError](err); ok != want || ok && late.Reason != "a later up has deployed commit 0123456789ab" {
			t.Errorf("%d ran: %v", ran, err)
		}
	}
}

// A process that has slept for longer than its lease lasts takes nothing away.
func TestARemovalThatHasLostItsLeaseTakesNothingAway(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	e := p.deployed(deployment("x", "one"), Created)
	s := *p.store()
	s.Renewal = time.Millisecond
	held, _, err := s.Take(t.Context(), e.Name, store.LeaseRequest{Verb: "down"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := p.manager.newRemoval(&s, e.Env, Options{})
	r.taken = held
	p.putRecord(e.Name, `{"counter":99,"lease":{"holder":"another","renewed":"2999-01-01T00:00:00Z"}}`)
	time.Sleep(5 * s.Renewal) // the next check reads the record
	before := len(p.cloud.Calls())
	for name, call := range map[string]func(context.Context) error{
		"a version": func(ctx context.Context) error { return r.removeVersion(ctx, e.Version, true, "") },
		"a bundle": func(ctx context.Context) error {
			return r.removeVersion(ctx, e.Version, false, store.BundleKey(e.Version, "zip"))
		},
		"an image": func(ctx context.Context) error {
			_, err := r.lease.images.Untag(ctx, "shop", []string{"live-x"})
			return err
		},
		"environment": func(ctx context.Context) error { _, err := r.lease.beanstalk.Terminate(ctx, e.Env); return err },
	} {
		if err := call(t.Context()); !errors.Is(err, store.ErrLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, call := range p.cloud.Calls()[before:] {
		if strings.HasPrefix(call.Action, "Delete") || strings.HasPrefix(call.Action, "Terminate") || strings.HasPrefix(call.Action, "BatchDelete") {
			t.Errorf("%s reached the cloud", call.Action)
		}
	}
}

// A deploy removes an environment whose launch failed, to launch it again.
func TestWhatIsProtectedBeforeADeployRepeatsARemovalStays(t *testing.T) {
	var healthy atomic.Bool
	pretend := &engine.Pretend{Outcome: func(engine.Deployment) error {
		if healthy.Load() {
			return nil
		}
		return engine.Fail("it exits")
	}}
	p := newPlot(t, localcloud.Config{Pretend: pretend}, nil)
	r, err := p.manager.Deploy(t.Context(), deployment("x", "one"), Options{})
	if err == nil {
		t.Fatal("the launch has not failed")
	}
	healthy.Store(true)
	p.before(1, "TerminateEnvironment", func() string { p.protect(r.Environment); return "Throttling" })
	_, err = p.manager.Deploy(t.Context(), deployment("x", "one"), Options{})
	if refused, ok := errors.AsType[*ProtectedError](err); !ok || !refused.Launch || p.lives("x") != r.Environment.ID {
		t.Errorf("Deploy = %v, and %q lives", err, p.lives("x"))
	}
	if _, err := p.manager.Unprotect(t.Context(), r.Environment, Options{}); err != nil {
		t.Fatal(err)
	}
	if e := p.deployed(deployment("x", "one"), Created); e.ID == r.Environment.ID {
		t.Error("it is not launched again")
	}
}

// A person may press a button about an environment that was replaced since.
func TestAnOperationOnAFormerEnvironmentChangesNothing(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	p.deployed(deployment("x", "one"), Created)
	p.deployed(deployment("x", "two"), Deployed)
	former := p.snapshot().of("x")
	if _, err := p.manager.Remove(t.Context(), former, RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	gone, err := p.manager.Restorable(t.Context(), "shop", "x")
	if err != nil {
		t.Fatal(err)
	}
	removed := p.snapshot().Removed[0].Environment()
	now := p.deployed(deployment("x", "three"), Created)
	for name, operate := range map[string]func() error{
		"Extend":                func() error { _, err := p.manager.Extend(t.Context(), former, time.Hour, Options{}); return err },
		"Protect":               func() error { _, err := p.manager.Protect(t.Context(), former, "", Options{}); return err },
		"Unprotect":             func() error { _, err := p.manager.Unprotect(t.Context(), former, Options{}); return err },
		"Press":                 func() error { return p.manager.Press(t.Context(), former, "a token", "extend", Options{}) },
		"Rollback":              func() error { _, err := p.manager.Rollback(t.Context(), former, RollbackOptions{}); return err },
		"Restore":               func() error { _, err := p.manager.Restore(t.Context(), gone, RestoreOptions{}); return err },
		"Restore of a snapshot": func() error { _, err := p.manager.Restore(t.Context(), removed, RestoreOptions{}); return err },
		"Remove":                func() error { _, err := p.manager.Remove(t.Context(), former, RemoveOptions{Force: true}); return err },
	} {
		before, err := p.store().Read(t.Context(), now.Name)
		if err != nil {
			t.Fatal(err)
		}
		calls := len(p.cloud.Calls())
		if err := operate(); !errors.Is(err, ErrReplaced) {
			t.Errorf("%s: %v, want %v", name, err, ErrReplaced)
		}
		after, err := p.store().Read(t.Context(), now.Name)
		if err != nil || after.Counter != before.Counter || len(p.changesSince(calls)) > 0 {
			t.Errorf("%s: the record went from %d to %d, and it called %q; %v", name, before.Counter, after.Counter, p.changesSince(calls), err)
		}
	}
	if e, err := p.manager.Get(t.Context(), "shop", "x"); err != nil || e.ID != now.ID || e.Version != now.Version || !e.Expires.Equal(now.Expires) {
		t.Errorf("it is %+v, %v, want %+v", e, err, now)
	}
}
