package envs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/localcloud"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
)

const listDelay = 20 * time.Second // less than an absence is borne

// launching asks for the feature's environment, as a deploy does that is killed right after it.
func (p *plot) launching(feature string) {
	p.Helper()
	platform, err := p.manager.beanstalk.Platform(p.Context(), testPlatform)
	if err != nil {
		p.Fatal(err)
	}
	label := labelOf(p.name(feature), bundleOf(p.T, "one"))
	p.register("shop", label, feature+" @ abc", store.BundleKey(label, "zip"), bundleOf(p.T, "one"))
	_, err = p.anyChange().beanstalk.Launch(p.Context(), beanstalk.Launch{
		Name: p.name(feature), Application: "shop", Description: feature + " @ abc", Version: label, Tags: NewTags(feature, "Kim", time.Now()),
		Base: beanstalk.Base{Platform: platform}, Settings: deployment("", "").Settings,
	})
	if err != nil {
		p.Fatal(err)
	}
}

func TestAnEnvironmentThatIsListedLateIsFound(t *testing.T) {
	for name, operate := range map[string]func(p *plot) error{
		"Get":                    func(p *plot) error { _, err := p.manager.Get(p.Context(), "shop", "x"); return err },
		"Remove":                 func(p *plot) error { p.removed("x", RemoveOptions{}); return nil },
		"Remove without waiting": func(p *plot) error { p.removed("x", RemoveOptions{NoWait: true}); return nil },
		"Deploy": func(p *plot) error {
			_, err := p.manager.Deploy(p.Context(), deployment("x", "one"), Options{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlot(t, localcloud.Config{ListDelay: listDelay}, nil)
			p.launching("x")
			time.AfterFunc(time.Second, func() { p.cloud.Advance(listDelay) })
			if err := operate(p); err != nil {
				t.Error(err)
			}
			p.cloud.Advance(listDelay)
			if e, err := p.manager.Find(t.Context(), "shop", "x"); err == nil && e.State == Terminating {
				_, _ = p.manager.beanstalk.Settle(t.Context(), e.Env)
			}
			if removes := strings.HasPrefix(name, "Remove"); removes != (p.lives("x") == "") {
				t.Errorf("afterwards %q lives", p.lives("x"))
			}
		})
	}
}

// Where AWS leaves an environment out of its list, nothing that belongs to it is removed.
func TestARemovalIsNotDeceivedByAGapInTheList(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{ListDelay: listDelay}, nil)
	p.launching("x")
	left := Leftover{Name: p.name("x")}
	soon, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if r, err := p.manager.RemoveLeftover(soon, left, Options{}); err == nil || len(r.Removed) > 0 {
		t.Errorf("it ends with %v, and has removed %q", err, r.Removed)
	}
	time.AfterFunc(time.Second, func() { p.cloud.Advance(listDelay) })
	if r, err := p.manager.RemoveLeftover(t.Context(), left, Options{}); !errors.Is(err, ErrNotReady) || len(r.Removed) > 0 {
		t.Errorf("it ends with %v, and has removed %q", err, r.Removed)
	}
}

// That one of the name has just gone does not tell of another one, of which the record speaks.
func TestWhatTheRecordSpeaksOfMayBeListedLate(t *testing.T) {
	t.Parallel()
	p := newPlot(t, localcloud.Config{}, nil)
	p.deployed(deployment("x", "one"), Created)
	p.removed("x", RemoveOptions{})
	name := p.name("x")
	p.create(elasticbeanstalk.CreateEnvironmentInput{EnvironmentName: aws.String("another"), CNAMEPrefix: &name}) // has the address
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := p.manager.beanstalk.Find(ctx, name, func(context.Context) string { return "e-unlisted" })
	if _, missing := errors.AsType[*beanstalk.MissingError](err); missing || err == nil {
		t.Errorf("Find: %v", err)
	}
}

func TestAnAbsenceThatIsCertainCostsNoTime(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, nil)
	absent := func() {
		t.Helper()
		if _, err := p.manager.Get(t.Context(), "shop", "x"); !errors.Is(err, ErrNotFound) {
			t.Errorf("Get: %v", err)
		}
	}
	absent()
	p.deployed(deployment("x", "one"), Created)
	p.removed("x", RemoveOptions{})
	absent()
	p.removed("x", RemoveOptions{})
	p.deployed(deployment("x", "one"), Created)
	looks := 0
	for _, c := range p.cloud.Calls() {
		if c.Action == "CheckDNSAvailability" {
			looks++
		}
	}
	if looks > 10 { // Find asks for the address each time that it looks
		t.Errorf("it is looked for %d times", looks)
	}
}

func TestAnAddressThatAnotherEnvironmentHasIsAnErrorAndNoAbsence(t *testing.T) {
	t.Parallel() // it waits for half a minute, lest the environment be listed late
	p := newPlot(t, localcloud.Config{}, nil)
	p.launched("shop-dev1", nil)
	name := p.name("x")
	p.create(elasticbeanstalk.CreateEnvironmentInput{EnvironmentName: aws.String("another"), CNAMEPrefix: &name})
	label := labelOf(name, bundleOf(t, "one"))
	p.register("shop", label, "x @ abc by kim", store.BundleKey(label, "zip"), bundleOf(t, "one"))
	var removing sync.WaitGroup
	for what, remove := range map[string]func() (Receipt, error){
		"Remove": func() (Receipt, error) {
			return p.manager.Remove(t.Context(), Environment{Env: Env{Name: name, Application: "shop", Feature: "x"}}, RemoveOptions{Purge: true})
		},
		"RemoveLeftover": func() (Receipt, error) {
			r := p.removalOf(Environment{Env: Env{Name: name, Application: "shop"}})
			return r.receipt, r.removeLeftover(t.Context())
		},
	} {
		removing.Go(func() {
			if r, err := remove(); !errors.Is(err, ErrTaken) || len(r.Removed) > 0 {
				t.Errorf("%s: %+v, %v", what, r, err)
			}
		})
	}
	_, err := p.newDeploy(nil).find(t.Context())
	removing.Wait()
	p.checkLeft("x", "1 versions, 1 bundles, a record: true")
	if address, ok := errors.AsType[*AddressError](err); !ok || !errors.Is(err, ErrTaken) || !strings.HasPrefix(address.CNAME, name) {
		t.Errorf("find: %v", err)
	}
}
