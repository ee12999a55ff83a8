package main

import (
	"strings"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/envs/store"
	"beansprout/localcloud"
	"beansprout/test/must"
)

func TestDaysAreExtendedFromTheExpiryOrFromNow(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	e := p.sprout("login")
	before := *p.status("login").Expires
	if text := p.ok("extend", "login", "--by", "3d", "--dry-run"); !strings.HasPrefix(text, "would extend by 3d environment shop-login-") {
		t.Errorf("a dry run prints %q", text)
	}
	if now := p.status("login"); !now.Expires.Equal(before) || now.Extended != nil {
		t.Errorf("a dry run has extended it: %v", now.Expires)
	}
	for i, by := range []string{"3d", "12h"} {
		want := before.Add([]time.Duration{72 * time.Hour, 84 * time.Hour}[i]).Truncate(time.Second).Format(time.RFC3339)
		if text := p.ok("extend", "--by="+by, "login"); text != want+"\n" {
			t.Errorf("extended by %s it prints %q, want %q", by, text, want)
		}
	}
	now := p.status("login")
	if !now.Extended.Equal(*now.Expires) || now.Name != e.Name {
		t.Errorf("afterwards: %+v", now)
	}
	if text := p.ok("list", "--expires-in", "6d", "--json"); text != "[]\n" {
		t.Errorf("it is still among those whose days are over in 6: %s", text)
	}
	if text := p.ok("list", "--expires-in", "10d"); !strings.Contains(text, "login") {
		t.Errorf("it is not among those whose days are over in 10: %s", text)
	}

	p.refused(2, []string{"extend needs --by with a duration above zero"}, "extend", "login")
	p.refused(2, []string{"extend needs --by with a duration above zero"}, "extend", "login", "--by", "0s")
	p.refused(2, []string{"negative"}, "extend", "login", "--by", "-1d")
	p.refused(2, []string{"more than a year"}, "extend", "login", "--by", "366d")
	p.refused(1, []string{"more than a year from now"}, "extend", "login", "--by", "364d")
	p.refused(1, []string{`feature "nowhere" has no environment`}, "extend", "nowhere", "--by", "1d")
	if again := p.status("login"); !again.Expires.Equal(*now.Expires) {
		t.Errorf("what was refused has changed the expiry to %v", again.Expires)
	}
}

func TestWhatIsKeptStaysUntilItIsNot(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	e := p.sprout("login")
	if text := p.ok("keep", "login", "--dry-run"); text != "would keep environment "+e.Name+"\n" {
		t.Errorf("a dry run prints %q", text)
	}
	if v := p.status("login"); v.Keep == nil || *v.Keep || v.Protected != nil {
		t.Errorf("a dry run keeps it: %+v", v)
	}
	if text := p.ok("unkeep", "login"); !strings.Contains(text, "expires at ") {
		t.Errorf("unkeep of an unprotected environment prints %q", text)
	}
	t.Setenv("BUILD_TAG", "jenkins-shop-1")
	if text := p.ok("keep", "login"); text != "environment "+e.Name+" is kept\n" {
		t.Errorf("keep prints %q", text)
	}
	t.Setenv("BUILD_TAG", "another caller")
	p.ok("keep", "login", "--json")
	v := p.status("login")
	if !*v.Keep || v.Protected.By != "jenkins-shop-1" || time.Since(*v.Protected.Since).Abs() > time.Hour {
		t.Errorf("kept twice: %+v, %+v", v, v.Protected)
	}
	if text := p.ok("status", "login"); !strings.Contains(text, "never: jenkins-shop-1 keeps it") {
		t.Errorf("status says %s", text)
	}
	if text := p.ok("list"); !strings.Contains(text, "kept") {
		t.Errorf("list says %s", text)
	}
	if text := p.ok("list", "--expires-in", "300d", "--json"); text != "[]\n" {
		t.Errorf("list --expires-in has a protected environment: %s", text)
	}
	p.refused(1, []string{"is kept"}, "down", "login")
	p.ok("unkeep", "login")
	if v := p.status("login"); *v.Keep || v.Protected != nil {
		t.Errorf("not kept any more: %+v", v)
	}
	p.ok("keep", "login")
	p.ok("down", "login", "--force")
	p.refused(1, []string{"has no environment"}, "unkeep", "login")
	p.sprout("login")
	if v := p.status("login"); *v.Keep {
		t.Error("the next environment of the name is kept, too")
	}
}

func TestTheTagThatKeepsIsNotTakenAway(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	p.ready(p.launchTagged("login", envs.Keep).Environment())
	if v := p.status("login"); !*v.Keep || v.Protected != nil {
		t.Errorf("tagged by hand: %+v", v)
	}
	p.ok("keep", "login")
	p.refused(1, []string{"beansprout:lifecycle=keep", "still protects it"}, "unkeep", "login")
	if v := p.status("login"); !*v.Keep || v.Protected != nil {
		t.Errorf("unkeep leaves the record's protection: %+v", v.Protected)
	}
}

// TestLooksDoNotWaitForTheLease takes the lease and looks at an environment in each state.
func TestLooksDoNotWaitForTheLease(t *testing.T) {
	p := newPlot(t, localcloud.Config{CreateTime: 2 * time.Second, TerminateTime: 2 * time.Second})
	ctx := t.Context()
	lease, _, err := p.store.Take(ctx, p.name("login"), store.LeaseRequest{Verb: "up", By: "jenkins\x1b[31m-1"}, nil)
	must.Succeed(t, err)
	p.refused(1, []string{"has no environment", "up by jenkins-1 is at work on it"}, "status", "login")
	op := p.launch("login")
	v := p.status("login")
	if v.Status != "Launching" || v.Lease == nil || v.Lease.Verb != "up" || v.Lease.Since == nil {
		t.Errorf("while it is launched: %+v, %+v", v, v.Lease)
	}
	p.ok("keep", "login")
	p.ok("extend", "login", "--by", "1d")
	e := p.ready(op.Environment())
	if v := p.status("login"); v.Extended == nil || v.Protected == nil || v.Lease == nil {
		t.Errorf("when it is Ready: %+v", v)
	}
	err = lease.Release(ctx, func(r *store.Record) {
		r.Outcome = &store.Outcome{Verb: "up", Result: "failed", Reason: "no\x1b[2J\nluck", At: time.Now()}
	})
	must.Succeed(t, err)
	text := p.ok("status", "login")
	if !strings.Contains(text, "up failed 0s ago: no luck\n") || strings.ContainsAny(text, "\x1b") {
		t.Errorf("status says %q", text)
	}
	_, err = p.beanstalk.Changing(allowed).Terminate(ctx, e)
	must.Succeed(t, err)
	if v := p.status("login"); v.Status != "Terminating" || v.Outcome == nil || v.Outcome.Result != "failed" || v.Lease != nil {
		t.Errorf("while it is terminated: %+v", v)
	}
	p.refused(1, []string{"being terminated"}, "keep", "login")
}

// TestAHostileRecordIsNoObstacle lets an instance write what it likes into the ledger.
func TestAHostileRecordIsNoObstacle(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	e := p.sprout("login")
	far := `"9999-12-31T23:59:59-12:00"`
	for name, record := range map[string]string{
		"garbage":   `<html>`,
		"far dates": `{"environment":"` + e.ID + `","kept":{"since":` + far + `},"outcome":{"at":` + far + `},"extended":` + far + `,"lease":{"holder":"x","renewed":` + far + `,"since":` + far + `}}`,
		"terminal":  `{"environment":"` + e.ID + `","kept":{"by":"\u001b[31m\u202e"},"outcome":{"verb":"\u001b]0;x\u0007","reason":"a\u0000b\nc"}}`,
		"numbers":   `{"environment":"` + e.ID + `","counter":9223372036854775807,"ticket":-1}`,
	} {
		t.Run(name, func(t *testing.T) {
			q := *p
			q.T = t
			p.put("beansprout/ledger/"+e.Name+".json", record)
			for _, args := range [][]string{{"status", "login"}, {"status", "login", "--json"}, {"list"}, {"list", "--json"}, {"unkeep", "login"}, {"extend", "login", "--by", "1d"}, {"keep", "login"}, {"status", "login", "--json"}} {
				out := q.run(args...)
				// One that was extended for ever can't be extended: that is said.
				if out.code != 0 && !strings.Contains(out.stderr, "more than a year from now") || strings.ContainsAny(out.stdout+out.stderr, "\x1b\x07\x00\u202e") {
					t.Errorf("%q: %d, %q, %q", args, out.code, out.stdout, out.stderr)
				}
			}
		})
	}
}
