//go:build !race

package browser

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/chromedp/chromedp/kb"

	"beansprout/daemon"
	"beansprout/daemon/access"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/janitor"
	"beansprout/localcloud"
	"beansprout/localcloud/fault"
	"beansprout/notify"
	"beansprout/notify/notifytest"
	"beansprout/test/must"
	"beansprout/test/source"
)

const kimsToken = "kims-token-0123456789"

// farm is a daemon at work over a local cloud and a Slack, with a person who may log in.
type farm struct {
	testing.TB
	cloud   *localcloud.Cloud
	slack   *notifytest.Server
	manager *envs.Manager
	url     string
}

func newFarm(t testing.TB) *farm {
	t.Helper()
	cloud, err := localcloud.Open(t.Context(), localcloud.Config{Dir: t.TempDir()})
	must.Succeed(t, err)
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	f := &farm{TB: t, cloud: cloud, slack: notifytest.New()}
	t.Cleanup(f.slack.Close)
	key, secret := cloud.Credentials()
	account := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(cloud.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider(key, secret, "")}
	slack := notify.New(notifytest.Token, f.slack.URL, "#qa", &http.Client{})
	f.manager, err = envs.New(t.Context(), account, envs.Config{
		Application: "shop", Repository: envs.Repository{Unused: true}, Days: envs.Days{TTL: 5 * 24 * time.Hour, RestoreFor: 3 * 24 * time.Hour},
		Announcers: map[string]envs.Announcer{"Slack": slack},
	})
	must.Succeed(t, err)
	f.run(daemon.Application{
		Manager: f.manager, Slack: slack, Schedule: "0 0 29 2 *", Check: envs.HealthCheck{Off: true},
		Janitor: &janitor.Janitor{Environments: f.manager, MaxDeletions: 10},
	})
	return f
}

// run runs the daemon until the end of the test.
func (f *farm) run(a daemon.Application) {
	f.Helper()
	listener, err := daemon.Listen(f.Context(), "127.0.0.1:0", false)
	must.Succeed(f, err)
	d, err := daemon.New(daemon.Config{
		Applications: []daemon.Application{a}, Live: true, Listener: listener, Slack: daemon.Presses{API: f.slack.URL}, Log: slog.New(slog.DiscardHandler),
		Access: access.Config{People: []access.Person{{Name: "kim", Token: kimsToken}}},
	})
	must.Succeed(f, err)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := d.Run(ctx); err != nil {
			f.Error(err)
		}
	})
	f.Cleanup(func() { stop(); running.Wait() })
	f.url = "http://" + listener.Addr().String()
}

// deployed deploys a page for a feature.
func (f *farm) deployed(feature, page string) envs.Environment {
	f.Helper()
	settings := beanstalk.Settings{InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role"}
	r, err := f.manager.Deploy(f.Context(), envs.Deployment{
		Feature: feature, Commit: strings.Repeat(page, 40)[:40], Subject: "Page " + page, Owner: "Lee", Source: source.Page(page), Settings: settings.List(),
		Base: envs.Base{Platform: "Corretto 21 running on 64bit Amazon Linux 2023"}, Check: envs.HealthCheck{Off: true},
	}, envs.Options{By: "lee"})
	must.Succeed(f, err)
	return r.Environment
}

// history returns what has happened to a feature, and by whom.
func (f *farm) history(feature string) (all []string) {
	f.Helper()
	history, err := f.manager.History(f.Context(), "shop", feature)
	must.Succeed(f, err)
	for _, h := range history {
		all = append(all, h.What+" by "+h.By)
	}
	return all
}

// logIn logs a person in from a page, with the keyboard, and comes back to it.
func (p *Page) logIn(token string) {
	p.Helper()
	p.Click("a.viewer")
	p.Wait("the page to log in", `document.activeElement?.id === "token"`)
	for _, letter := range token {
		p.Press(string(letter))
	}
	p.Press(kb.Enter)
	p.Wait("the page again, as a person who is known", `document.querySelector("form.viewer")`)
}

// timeline waits until the timeline of a feature's page has something.
func (p *Page) timeline(text string) {
	p.Helper()
	p.Wait(text+" in the timeline", fmt.Sprintf(`document.querySelector(".timeline")?.innerText.includes(%q)`, text))
}

// send clicks on a button of a form, and waits for the page that answers it.
func (p *Page) send(selector string) {
	p.Helper()
	p.stays()
	p.Click(selector)
	p.Wait("an answer", "!window.stays")
}

func TestEachActIsDoneAndSeen(t *testing.T) {
	t.Parallel()
	f := newFarm(t)
	f.deployed("login", "a")
	f.deployed("login", "b")
	p := blank(t)
	p.Wide(1400, 900)
	p.Open(f.url + "/features/shop/login")
	if acts := Eval[int](p, `document.querySelectorAll(".acts form").length`); acts != 0 {
		t.Errorf("a person who is not known is offered %d acts", acts)
	}
	p.logIn(kimsToken)

	p.send("form.extend button")
	p.timeline("extended by kim")
	p.Click("summary.protect")
	p.Click("#protect-reason")
	for _, letter := range "<b>Fri" {
		p.Press(string(letter))
	}
	p.send("form.protect button")
	p.Wait("the protection", `document.querySelector(".verdict").innerText.includes("keeps it: <b>Fri")`)
	p.send("form.unprotect button")
	p.timeline("unprotected by kim")
	p.Click(".acts details:has(form.rollback) summary")
	p.send("form.rollback button")
	p.Wait("the version before runs", `document.querySelector(".facts").innerText.includes("`+strings.Repeat("a", 40)+`")`)
	p.Click("summary.remove")
	p.send("form.remove button")
	p.Wait("the environment has gone", `document.querySelector(".state").innerText.toLowerCase().includes("removed")`)
	p.Wait("it can be restored", `document.querySelector("form.restore button")`)
	p.send("form.restore button")
	p.Wait("it is back", `document.querySelector(".state").innerText.toLowerCase().includes("running")`)

	got := f.history("login")
	for _, want := range []string{"extended by kim", "protected by kim", "unprotected by kim", "rolled back by kim", "removed by kim", "restored by kim"} {
		if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, want) }) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	p.send("form.viewer button")
	p.Wait("a person who is not known", `document.querySelector("a.viewer")`)
}

// A page of long ago shows an environment that has gone. What is asked for there does not happen to the next one.
func TestAnOldPageActsOnNothing(t *testing.T) {
	t.Parallel()
	f := newFarm(t)
	e := f.deployed("login", "a")
	p := blank(t)
	p.Wide(1400, 900)
	p.Open(f.url + "/features/shop/login")
	p.logIn(kimsToken)
	p.WithoutScript()
	p.Open(f.url + "/features/shop/login")
	_, err := f.manager.Remove(t.Context(), e, envs.RemoveOptions{Options: envs.Options{By: "lee"}, Purge: true})
	must.Succeed(t, err)
	next := f.deployed("login", "c")
	p.Click("summary.remove")
	p.send("form.remove button")
	must.Wait(t, "the page says that nothing was done", func() bool {
		p.Open(f.url + "/features/shop/login")
		return strings.Contains(p.Text(), "remove refused")
	})
	if now, err := f.manager.Get(t.Context(), "shop", "login"); err != nil || now.ID != next.ID || now.State != envs.Ready {
		t.Errorf("the next environment is %s %s (%v)", now.ID, now.State, err)
	}
}

func TestTheBoardWorksWhileSlackIsDown(t *testing.T) {
	t.Parallel()
	f := newFarm(t)
	f.deployed("login", "a")
	f.slack.Always(notifytest.HangUp())
	p := blank(t)
	p.Open(f.url + "/features/shop/login")
	p.logIn(kimsToken)
	p.send("form.extend button")
	p.timeline("extended by kim")
}

func TestTheBoardShowsWhatItKnowsWhileAWSThrottles(t *testing.T) {
	t.Parallel()
	f := newFarm(t)
	f.deployed("login", "a")
	p := blank(t)
	p.Open(f.url)
	p.started()
	p.stays()
	must.Succeed(t, f.cloud.Inject(fault.Rule{Service: "elasticbeanstalk", Operation: "reads", Kind: fault.Throttle}))
	p.Wait("the reason", `document.querySelector("#head .notice")`)
	if got := p.listed(); !slices.Equal(got, []string{"login"}) {
		t.Errorf("the list shows %q", got)
	}
	f.cloud.Clear()
	p.Wait("all is well again", `!document.querySelector("#head .notice")`)
	f.deployed("basket", "b")
	p.Wait("a feature that another program has deployed", rowOf("basket"))
	p.stayed(t)
}

// The clock of the machine is 40 days behind AWS's.
func TestTheDaemonsClockMayBeOff(t *testing.T) {
	t.Parallel()
	f := newFarm(t)
	f.deployed("login", "a")
	f.cloud.Advance(40 * 24 * time.Hour)
	p := blank(t)
	p.Open(f.url)
	p.started()
	p.Wait("an age by AWS's clock", rowOf("login")+`?.innerText.includes("40d")`)
	p.Wait("a word about the clock", `document.querySelector("#head .notice")?.innerText.includes("clock")`)
}
