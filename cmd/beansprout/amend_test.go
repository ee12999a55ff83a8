package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/cmd/beansprout/config"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/ledger"
	"beansprout/localcloud"
	"beansprout/localcloud/engine"
)

// plot is a local cloud without Docker for the verbs that need no image.
type plot struct {
	*testing.T
	cloud   *localcloud.Cloud
	dir     string
	config  string
	account string
	clients *clients
	ledger  *ledger.Ledger
}

func newPlot(t *testing.T, cfg localcloud.Config) *plot {
	t.Helper()
	cfg.Dir = filepath.Join(t.TempDir(), "cloud")
	cloud, err := localcloud.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	p := &plot{T: t, cloud: cloud, dir: cfg.Dir, config: shop(t), clients: localClients(runningOf(cloud), localRegion)}
	p.account, err = p.clients.account(t.Context())
	if err == nil {
		p.ledger, err = p.clients.ledger(t.Context(), "")
	}
	if err == nil {
		err = p.clients.beanstalk.CreateApplication(t.Context(), "shop")
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *plot) name(feature string) string { return envs.Name(p.account, "shop", feature) }

// version registers a bundle for the environment of a feature, as up does.
func (p *plot) version(feature string, bundle []byte) string {
	p.Helper()
	label := envs.VersionLabel(p.name(feature), fmt.Sprintf("%x", sha256.Sum256(bundle)))
	err := p.ledger.Upload(p.Context(), ledger.BundleKey(label, "zip"), bytes.NewReader(bundle), int64(len(bundle)))
	if err == nil {
		err = p.clients.beanstalk.Register(p.Context(), beanstalk.Version{
			Application: "shop", Label: label, Description: "x", Bucket: p.ledger.Bucket(), Key: ledger.BundleKey(label, "zip"),
		})
	}
	if err != nil {
		p.Fatal(err)
	}
	return label
}

// launch asks for the environment of a feature, as up does.
func (p *plot) launch(feature string) beanstalk.Operation {
	p.Helper()
	return p.launchTagged(feature, envs.Ephemeral)
}

func (p *plot) launchTagged(feature, lifecycle string) beanstalk.Operation {
	p.Helper()
	tags := envs.NewTags(feature, "Kim", time.Now())
	tags[envs.TagLifecycle] = lifecycle
	platform, err := p.clients.beanstalk.Platform(p.Context(), "ECS running on 64bit Amazon Linux 2023")
	if err != nil {
		p.Fatal(err)
	}
	wish := beanstalk.Wish{InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role"}
	op, err := p.clients.beanstalk.Launch(p.Context(), beanstalk.Launch{
		Name: p.name(feature), Application: "shop", Description: envs.Describe(feature, "abc", "Kim"),
		Version: p.version(feature, []byte("bundle")), Tags: tags, Base: beanstalk.Base{Platform: platform}, Settings: wish.Settings(),
	})
	if err != nil {
		p.Fatal(err)
	}
	return op
}

// sprout launches the environment of a feature and waits until it is Ready.
func (p *plot) sprout(feature string) envs.Env {
	p.Helper()
	e, err := p.clients.beanstalk.Wait(p.Context(), p.launch(feature), nil)
	if err != nil {
		p.Fatal(err)
	}
	return e
}

func (p *plot) run(args ...string) said {
	p.Helper()
	return beansprout(p.Context(), p.T, p.dir, slices.Insert(slices.Clone(args), 1, "--config", p.config)...)
}

// ok runs a verb that must succeed and returns what it prints.
func (p *plot) ok(args ...string) string {
	p.Helper()
	out := p.run(args...)
	if out.code != 0 {
		p.Fatalf("%q ends with %d: %s", args, out.code, out.stderr)
	}
	return out.stdout
}

// refused runs a verb that must end with the code and say all of the texts.
func (p *plot) refused(code int, texts []string, args ...string) {
	p.Helper()
	out := p.run(args...)
	for _, text := range append(texts, "hint: ") {
		if out.code != code || !strings.Contains(out.stderr, text) {
			p.Errorf("%q ends with %d, %s; want %d, %q", args, out.code, out.stderr, code, text)
		}
	}
}

func (p *plot) status(feature string) (v state) {
	p.Helper()
	if err := json.Unmarshal([]byte(p.ok("status", "--json", feature)), &v); err != nil {
		p.Fatal(err)
	}
	return v
}

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

	p.refused(2, []string{"by how much"}, "extend", "login")
	p.refused(2, []string{"by how much"}, "extend", "login", "--by", "0s")
	p.refused(2, []string{"negative"}, "extend", "login", "--by", "-1d")
	p.refused(2, []string{"more than a year"}, "extend", "login", "--by", "366d")
	p.refused(1, []string{"more than a year from now"}, "extend", "login", "--by", "364d")
	p.refused(1, []string{`feature "nowhere" has no environment`}, "extend", "nowhere", "--by", "1d")
	if again := p.status("login"); !again.Expires.Equal(*now.Expires) {
		t.Errorf("what was refused has changed the expiry to %v", again.Expires)
	}
}

func TestAnExtensionIsWorthItsTime(t *testing.T) {
	now := time.Date(2026, 1, 10, 0, 0, 0, 1, time.UTC)
	for _, tt := range []struct {
		name       string
		expiry     time.Duration
		by, want   time.Duration
		impossible bool
	}{
		{"of one that lives", day, day, 2 * day, false},
		{"of one whose days are over", -10 * day, day, day, false},
		{"to a year from now", 364 * day, day, 365 * day, false},
		{"beyond a year from now", 365 * day, day, 0, true},
	} {
		until, err := extended(now.Add(tt.expiry), now, tt.by)
		if want := now.Add(tt.want).Truncate(time.Second); (err != nil) != tt.impossible || err == nil && !until.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", tt.name, until, err, want)
		}
	}
}

const day = 24 * time.Hour

func TestWhatIsKeptStaysUntilItIsNot(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	e := p.sprout("login")
	if text := p.ok("keep", "login", "--dry-run"); text != "would keep environment "+e.Name+"\n" {
		t.Errorf("a dry run prints %q", text)
	}
	if v := p.status("login"); v.Keep == nil || *v.Keep || v.Kept != nil {
		t.Errorf("a dry run keeps it: %+v", v)
	}
	if text := p.ok("unkeep", "login"); !strings.Contains(text, "expires at ") {
		t.Errorf("unkeep of what nobody keeps prints %q", text)
	}
	t.Setenv("BUILD_TAG", "jenkins-shop-1")
	if text := p.ok("keep", "login"); text != "environment "+e.Name+" is kept\n" {
		t.Errorf("keep prints %q", text)
	}
	t.Setenv("BUILD_TAG", "somebody else")
	p.ok("keep", "login", "--json")
	v := p.status("login")
	if !*v.Keep || v.Kept.By != "jenkins-shop-1" || time.Since(*v.Kept.Since).Abs() > time.Hour {
		t.Errorf("kept twice: %+v, %+v", v, v.Kept)
	}
	if text := p.ok("status", "login"); !strings.Contains(text, "never: jenkins-shop-1 keeps it") {
		t.Errorf("status says %s", text)
	}
	if text := p.ok("list"); !strings.Contains(text, "kept") {
		t.Errorf("list says %s", text)
	}
	if text := p.ok("list", "--expires-in", "300d", "--json"); text != "[]\n" {
		t.Errorf("it counts as one whose days will be over: %s", text)
	}
	p.refused(1, []string{"is kept"}, "down", "login")
	p.ok("unkeep", "login")
	if v := p.status("login"); *v.Keep || v.Kept != nil {
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
	op := p.launchTagged("login", envs.Keep)
	if _, err := p.clients.beanstalk.Wait(t.Context(), op, nil); err != nil {
		t.Fatal(err)
	}
	if v := p.status("login"); !*v.Keep || v.Kept != nil {
		t.Errorf("tagged by hand: %+v", v)
	}
	p.ok("keep", "login")
	p.refused(1, []string{"beansprout:lifecycle=keep", "still keeps it"}, "unkeep", "login")
	if v := p.status("login"); !*v.Keep || v.Kept != nil {
		t.Errorf("what the ledger said is to go all the same: %+v", v.Kept)
	}
}

func TestAFailedLaunchThatTheLedgerKeepsIsNotRemoved(t *testing.T) {
	p := newPlot(t, localcloud.Config{Pretend: &engine.Pretend{Outcome: func(engine.Deployment) error { return engine.Fail("no") }}})
	e, err := p.clients.beanstalk.Wait(t.Context(), p.launch("login"), nil)
	if err == nil {
		t.Fatal("the launch has not failed")
	}
	cfg, err := config.Load(p.config)
	if err != nil {
		t.Fatal(err)
	}
	d := &deployment{session: &session{clients: p.clients, cfg: cfg, account: p.account}, name: e.Name}
	for _, kept := range []bool{false, true} {
		if kept {
			p.ok("keep", "login")
		}
		if d.record, err = p.ledger.Read(t.Context(), e.Name); err != nil {
			t.Fatal(err)
		}
		if target, err := d.lookAhead(t.Context()); (err != nil) != kept || err == nil && !target.broken {
			t.Errorf("kept: %v; the target is %+v, %v", kept, target, err)
		}
	}
}

// TestNobodyIsInTheWayOfALook takes the lease and looks at an environment in each state.
func TestNobodyIsInTheWayOfALook(t *testing.T) {
	p := newPlot(t, localcloud.Config{CreateTime: 2 * time.Second, TerminateTime: 2 * time.Second})
	ctx := t.Context()
	lease, _, err := p.ledger.Take(ctx, p.name("login"), ledger.Claim{Verb: "up", By: "jenkins\x1b[31m-1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.refused(1, []string{"has no environment", "up by jenkins-1 is at work on it"}, "status", "login")
	op := p.launch("login")
	v := p.status("login")
	if v.Status != "Launching" || v.Lease == nil || v.Lease.Verb != "up" || v.Lease.Since == nil {
		t.Errorf("while it is launched: %+v, %+v", v, v.Lease)
	}
	p.ok("keep", "login")
	p.ok("extend", "login", "--by", "1d")
	e, err := p.clients.beanstalk.Wait(ctx, op, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := p.status("login"); v.Extended == nil || v.Kept == nil || v.Lease == nil {
		t.Errorf("when it is Ready: %+v", v)
	}
	err = lease.Release(ctx, func(r *ledger.Record) {
		r.Outcome = &ledger.Outcome{Verb: "up", Result: "failed", Reason: "no\x1b[2J\nluck", At: time.Now()}
	})
	if err != nil {
		t.Fatal(err)
	}
	text := p.ok("status", "login")
	if !strings.Contains(text, "up failed 0s ago: no luck\n") || strings.ContainsAny(text, "\x1b") {
		t.Errorf("status says %q", text)
	}
	if _, err := p.clients.beanstalk.Terminate(ctx, e); err != nil {
		t.Fatal(err)
	}
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
			putRecord(t, p, e.Name, record)
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

func putRecord(t *testing.T, p *plot, name, record string) {
	t.Helper()
	_, err := p.clients.s3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(p.ledger.Bucket()), Key: aws.String("beansprout/ledger/" + name + ".json"), Body: strings.NewReader(record),
	})
	if err != nil {
		t.Fatal(err)
	}
}
