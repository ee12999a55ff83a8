package envs

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs/store"
	"beansprout/localcloud"
)

// twice deploys one commit and then another, and returns the environment after each.
func (p *plot) twice() (one, two Environment) {
	p.Helper()
	return p.deployed(deployment("x", "one"), Created), p.deployed(deployment("x", "two"), Deployed)
}

func TestARollbackIsOfRecord(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	one, two := p.twice()
	if r, err := p.manager.Rollback(t.Context(), two, RollbackOptions{Options: Options{DryRun: true}}); err != nil || r.Version.Label != one.Version || r.Version.Commit != "one" {
		t.Errorf("a dry run: %+v, %v", r, err)
	}
	back := RollbackOptions{Check: HealthCheck{Off: true}}
	r, err := p.manager.Rollback(t.Context(), two, back)
	if err != nil || r.Outcome != Deployed || r.Environment.Version != one.Version || r.Environment.Commit != "one" {
		t.Errorf("Rollback: %+v, %v", r, err)
	}
	rec, err := p.store().Read(t.Context(), one.Name)
	if err != nil || rec.Version != one.Version || rec.Commit != "one" || rec.Before.Version != two.Version || rec.Outcome.Verb != "rollback" || rec.Outcome.Result != Deployed || rec.Lease != nil {
		t.Errorf("the record says %+v, %v", rec, err)
	}
	if rec.RequestNumber != 3 || rec.Deployed != 3 || rec.Requested != "one" {
		t.Errorf("its request is %d of %s, and %d was deployed", rec.RequestNumber, rec.Requested, rec.Deployed)
	}
	extended, err := p.manager.Extend(t.Context(), r.Environment, 30*day, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.protect(extended)
	r, err = p.manager.Rollback(t.Context(), extended, back)
	now, failure := p.manager.Get(t.Context(), "shop", "x")
	if err = errors.Join(err, failure); err != nil || r.Outcome != Deployed || now.Version != two.Version || !now.Protected() || !now.Own().Extended.Equal(extended.Own().Extended) {
		t.Errorf("and forth: %+v, %v", now, err)
	}
}

func TestARollbackThatIsCutOffGoesOn(t *testing.T) {
	p := newPlot(t, localcloud.Config{UpdateTime: transition}, nil)
	one, two := p.twice()
	ctx, interrupt := context.WithCancel(t.Context())
	p.before(1, "DescribeEvents", func() string { interrupt(); return "" })
	if _, err := p.manager.Rollback(ctx, two, RollbackOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if e, err := p.manager.beanstalk.Settle(t.Context(), two.Env); err != nil || e.Version != one.Version {
		t.Fatalf("AWS has gone on to %+v, %v", e, err)
	}
	for _, to := range []string{"", one.Version} {
		e, err := p.manager.Get(t.Context(), "shop", "x")
		if err != nil {
			t.Fatal(err)
		}
		if r, err := p.manager.Rollback(t.Context(), e, RollbackOptions{To: to, Check: HealthCheck{Off: true}}); err != nil || r.Environment.Version != one.Version || r.Outcome != Unchanged {
			t.Errorf("again: %+v, %v", r, err)
		}
	}
	if rec, err := p.store().Read(t.Context(), one.Name); err != nil || rec.Before.Version != two.Version || rec.Outcome.Result != Unchanged {
		t.Errorf("the record says %+v, %v", rec, err)
	}
}

func TestARollbackThatIsOvertakenStops(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	_, two := p.twice()
	p.before(2, "PUT ledger", func() string { // the lease, behind the request number
		p.note("x", func(r *store.Record) { r.NumberRequest("three") })
		return ""
	})
	if r, err := p.manager.Rollback(t.Context(), two, RollbackOptions{}); err != nil || r.Outcome != Superseded {
		t.Errorf("Rollback: %+v, %v", r, err)
	}
	if now, err := p.manager.Get(t.Context(), "shop", "x"); err != nil || now.Version != two.Version {
		t.Errorf("it has deployed all the same: %+v, %v", now, err)
	}
}

func TestARollbackRefusesWhatCannotBeDeployed(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	one, two := p.twice()
	refused := func(what string, want error, o RollbackOptions) {
		t.Helper()
		_, err := p.manager.Rollback(t.Context(), two, o)
		if _, ok := errors.AsType[*VersionError](err); !ok || !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	refused("a label that there is not", ErrNotFound, RollbackOptions{To: "nonsense"})
	// Under a kind of which nothing is read but its digest.
	war, change := store.BundleKey(one.Version, "war"), p.anyChange()
	if err := change.beanstalk.DeleteVersion(t.Context(), "shop", one.Version); err != nil {
		t.Fatal(err)
	}
	refused("a version that was removed", ErrNotFound, RollbackOptions{})
	p.plant(war, "other bytes")
	in := &elasticbeanstalk.CreateApplicationVersionInput{ApplicationName: aws.String("shop"), VersionLabel: &one.Version,
		SourceBundle: &types.S3Location{S3Bucket: aws.String(p.store().Bucket()), S3Key: &war}}
	if _, err := p.bare().CreateApplicationVersion(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	refused("a version that was registered again", ErrBundle, RollbackOptions{})
	if err := change.bundles.DeleteBundle(t.Context(), war); err != nil {
		t.Fatal(err)
	}
	refused("a version without its bundle", ErrNotFound, RollbackOptions{})
	if rec, err := p.store().Read(t.Context(), one.Name); err != nil || rec.RequestNumber != 2 {
		t.Errorf("what was refused has a request number: %+v, %v", rec, err)
	}
}
