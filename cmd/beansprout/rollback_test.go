package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/dockerrun"
	"beansprout/envs"
	"beansprout/envs/ledger"
	"beansprout/localcloud"
)

func TestTheVersionToGoBackToIsTheLastGoodOneThatDoesNotRun(t *testing.T) {
	name := "shop-login-abcdefghij"
	label := func(n int) string { return fmt.Sprintf("%s-%020x", name, n) }
	record := &ledger.Record{Environment: "e-1", Version: label(2), Commit: "two", Before: ledger.Run{Version: label(1), Commit: "one"}}
	ended := func(result string) *ledger.Record {
		r := *record
		r.Outcome = &ledger.Outcome{Verb: "rollback", Result: result, Version: label(1)}
		return &r
	}
	for _, tt := range []struct {
		name          string
		runs          int
		record        *ledger.Record
		label         string
		version, want string
	}{
		{"what runs is the last good one", 2, record, "", label(1), "one"},
		{"what runs failed its check", 3, record, "", label(2), "two"},
		{"what runs failed its check, and that was a rollback", 1, ended("failed"), "", label(2), "two"},
		{"what runs is what a rollback went to that was cut off", 1, ended(begun), "", label(1), "one"},
		{"a rollback that was cut off did not come through", 2, ended(begun), "", label(1), "one"},
		{"by its label, and known", 3, record, label(1), label(1), "one"},
		{"by its label, and not known", 3, record, label(7), label(7), ""},
		{"nothing ran before", 1, &ledger.Record{Environment: "e-1", Version: label(1)}, "", "", ""},
		{"the ledger speaks of another environment", 2, &ledger.Record{Environment: "e-0", Before: ledger.Run{Version: label(1)}}, "", "", ""},
		{"the ledger is not to be had", 2, nil, "", "", ""},
		{"the ledger names somebody else's version", 2, &ledger.Record{Environment: "e-1", Version: label(2), Before: ledger.Run{Version: "production-1"}}, "", "", ""},
	} {
		m := member{Env: envs.Env{ID: "e-1", Name: name, Version: label(tt.runs)}, record: tt.record}
		if got := m.ran(tt.label); got.Version != tt.version || got.Commit != tt.want {
			t.Errorf("%s: %+v, want %s of commit %q", tt.name, got, tt.version, tt.want)
		}
	}
}

func TestOnlyImagesOfOurRepositoryAreOurs(t *testing.T) {
	for _, tt := range []struct {
		repository, reference string
		want                  bool
	}{
		{"shop", "1.dkr.ecr.eu-west-1.example/shop@" + someDigest, true},
		{"shop", "127.0.0.1:2326/shop@" + someDigest, true},
		{"team/shop", "127.0.0.1:2326/team/shop@" + someDigest, true},
		{"1.dkr.ecr.eu-west-1.example/team/shop", "1.dkr.ecr.eu-west-1.example/team/shop@" + someDigest, true},
		{"shop", "127.0.0.1:2326/team/shop@" + someDigest, false},
		{"shop", "shop@" + someDigest, false},
		{"shop", "127.0.0.1:2326/shop:latest", false},
		{"shop", "127.0.0.1:2326/shop@sha256:abc", false},
		{"shop", "", false},
	} {
		if digest, ours := digestIn(tt.repository, tt.reference); ours != tt.want || ours && digest != someDigest {
			t.Errorf("%s in %s: %q, %v", tt.reference, tt.repository, digest, ours)
		}
	}
}

func TestAnImageKeepsTheTagThatItHad(t *testing.T) {
	const name = "shop-login-abcdefghij"
	had := envs.LiveTag(name, "web-proxy", someDigest)
	for _, tt := range []struct {
		container string
		tags      []string
		want      string
	}{
		{"proxy", []string{"live-" + name + "-web-ffffffffffff", had}, had},
		{"proxy", nil, envs.LiveTag(name, "proxy", someDigest)},
		{"$(reboot)", nil, envs.LiveTag(name, "image", someDigest)},
		{"proxy", []string{"live-other-abcdefghij-proxy-0123456789ab"}, envs.LiveTag(name, "proxy", someDigest)},
	} {
		if got := newRunningImage(name, dockerrun.Container{Name: tt.container}, someDigest, tt.tags).tag; got != tt.want {
			t.Errorf("%q with %q: %q, want %q", tt.container, tt.tags, got, tt.want)
		}
	}
}

// bundleOf is a bundle like those of up, of images that are nobody's.
func bundleOf(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	document := `{"AWSEBDockerrunVersion":2,"containerDefinitions":[{"name":"web","image":"` + text + `","memory":64}]}`
	if err := dockerrun.Bundle(&b, []byte(document), t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// twice makes an environment run one version and then another, and returns their labels.
func (p *plot) twice(feature string) (one, two string) {
	p.Helper()
	e := p.sprout(feature)
	one, two = p.version(feature, bundleOf(p.T, "one")), p.version(feature, bundleOf(p.T, "two"))
	for _, label := range []string{one, two} {
		op, err := p.clients.beanstalk.Deploy(p.Context(), e, label, envs.Describe(feature, "abc", "Kim"))
		if err == nil {
			_, err = p.clients.beanstalk.Wait(p.Context(), op, nil)
		}
		if err != nil {
			p.Fatal(err)
		}
	}
	_, err := p.ledger.Change(p.Context(), e.Name, func(r *ledger.Record) {
		r.Draw("two")
		r.SpeakOf(e.ID)
		r.Version, r.Commit, r.Ran, r.Before = two, "two", r.Ticket, ledger.Run{Version: one, Commit: "one"}
	})
	if err != nil {
		p.Fatal(err)
	}
	return one, two
}

func TestARollbackIsOfRecord(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	one, two := p.twice("login")
	if text := p.ok("rollback", "login"); text != "http://"+p.status("login").URL[len("http://"):]+"\n" {
		t.Errorf("rollback prints %q", text)
	}
	v := p.status("login")
	if v.Version != one || v.Commit != "one" || v.Before != two || v.Outcome.Verb != "rollback" || v.Outcome.Result != deployed || v.Lease != nil {
		t.Errorf("afterwards: %+v, %+v", v, v.Outcome)
	}
	r, err := p.ledger.Read(t.Context(), p.name("login"))
	if err != nil || r.Ticket != 2 || r.Ran != 2 || r.Asked != "one" {
		t.Errorf("the record is %+v, %v", r, err)
	}
	p.ok("keep", "login")
	until := strings.TrimSpace(p.ok("extend", "login", "--by", "30d"))
	var up struct {
		view
		Outcome string
	}
	if err := json.Unmarshal([]byte(p.ok("rollback", "--json", "login")), &up); err != nil || up.Outcome != deployed || up.Version != two || !*up.Keep || up.Expires.Format(time.RFC3339) != until {
		t.Errorf("and forth: %+v, until %v, %v; want %s", up, up.Expires, err, until)
	}
}

func TestARollbackThatIsCutOffGoesOn(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	p := newPlot(t, localcloud.Config{UpdateTime: 2 * time.Second})
	one, two := p.twice("login")
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan said, 1)
	go func() { ended <- beansprout(ctx, t, p.dir, "rollback", "login", "--config", p.config) }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if e, err := p.clients.beanstalk.Find(t.Context(), p.name("login")); err == nil && e.State == envs.Updating {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it deploys nothing")
		}
	}
	interrupt()
	if out := <-ended; out.code != exitInterrupted || out.stdout != "" {
		t.Errorf("interrupted, it ends with %d, %q, %s", out.code, out.stdout, out.stderr)
	}
	e, err := p.clients.beanstalk.Find(t.Context(), p.name("login"))
	if err == nil {
		e, err = p.clients.beanstalk.Settle(t.Context(), e)
	}
	if err != nil || e.Version != one {
		t.Fatalf("AWS has gone on to %+v, %v", e, err)
	}
	for _, again := range [][]string{nil, {"--to", one}} {
		var r struct {
			view
			Outcome string
		}
		text := p.ok(append([]string{"rollback", "login", "--json"}, again...)...)
		if err := json.Unmarshal([]byte(text), &r); err != nil || r.Version != one || r.Outcome != unchanged {
			t.Errorf("again: %s, %v", text, err)
		}
	}
	if v := p.status("login"); v.Version != one || v.Before != two || v.Outcome.Result != unchanged {
		t.Errorf("afterwards: %+v, %+v", v, v.Outcome)
	}
}

func TestARollbackThatIsOvertakenStops(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	p.twice("login")
	ctx, name := t.Context(), p.name("login")
	lease, _, err := p.ledger.Take(ctx, name, ledger.Claim{Verb: "up"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan said, 1)
	go func() { ended <- p.run("rollback", "login") }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if r, err := p.ledger.Read(ctx, name); err == nil && r.Ticket == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it draws no ticket")
		}
	}
	if err := lease.Release(ctx, func(r *ledger.Record) { r.Draw("three") }); err != nil {
		t.Fatal(err)
	}
	if out := <-ended; out.code != 0 || out.stdout != "" {
		t.Errorf("it ends with %d, %q, %s", out.code, out.stdout, out.stderr)
	}
	if v := p.status("login"); v.Commit != "two" {
		t.Errorf("it has deployed all the same: %+v", v)
	}
}

func TestARollbackRefusesWhatCannotBeDeployed(t *testing.T) {
	p := newPlot(t, localcloud.Config{})
	one, _ := p.twice("login")
	p.refused(1, []string{`version "nonsense"`, "not found", one}, "rollback", "login", "--to", "nonsense")
	p.refused(2, []string{"label is empty"}, "rollback", "login", "--to=")

	put := func(body string) {
		key := ledger.BundleKey(one, "zip")
		_, err := p.clients.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(p.ledger.Bucket()), Key: &key, Body: strings.NewReader(body)})
		if err != nil {
			t.Fatal(err)
		}
	}
	put(string(bundleOf(t, "evil")))
	p.refused(1, []string{"somebody has replaced its bundle"}, "rollback", "login", "--dry-run")
	p.refused(1, []string{"somebody has replaced its bundle"}, "rollback", "login")
	if err := p.ledger.DeleteBundle(t.Context(), ledger.BundleKey(one, "zip")); err != nil {
		t.Fatal(err)
	}
	p.refused(1, []string{"not found"}, "rollback", "login")
	if err := p.clients.beanstalk.DeleteVersion(t.Context(), "shop", one); err != nil {
		t.Fatal(err)
	}
	p.refused(1, []string{one, "not found"}, "rollback", "login")
	if r, err := p.ledger.Read(t.Context(), p.name("login")); err != nil || r.Ticket != 1 {
		t.Errorf("what was refused has drawn a ticket: %+v, %v", r, err)
	}
}
