package daemon

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/notify"
	"beansprout/notify/notifytest"
	"beansprout/test/must"

	"github.com/slack-go/slack"
)

var (
	kim = notifytest.User{ID: "U0KIM", Name: "kim"}
	eve = notifytest.User{ID: "U0EVE", Name: "eve"}
)

// button returns a button for an environment.
func (p *plot) button(action notify.Action, e envs.Environment) notify.Button {
	p.Helper()
	account, err := p.manager.Account(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	return p.buttonOf(account, action, e)
}

// buttonOf is button of an account that is known.
func (p *plot) buttonOf(account string, action notify.Action, e envs.Environment) notify.Button {
	return notify.Button{
		Action: action, Account: account, Region: testRegion, Application: "shop",
		Name: e.Name, ID: e.ID, Feature: e.Feature, Token: rand.Text(),
	}
}

// payload is what Slack sends when a user presses a button of a message.
func (p *plot) payload(at notifytest.Message, b notify.Button, u notifytest.User) []byte {
	p.Helper()
	value, err := p.client.SealButton(b)
	if err != nil {
		p.Fatal(err)
	}
	return notifytest.Payload(at, string(b.Action), value, u)
}

// message posts a message whose thread is for replies.
func (p *plot) message() notifytest.Message {
	p.Helper()
	ref, _, err := p.client.Test(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	return notifytest.Message{Channel: ref.Channel, Timestamp: ref.Timestamp}
}

// replies are the texts in the thread of a message.
func (p *plot) replies(at notifytest.Message) (texts []string) {
	for _, m := range p.slack.Messages() {
		if m.Channel == at.Channel && m.Timestamp == at.Timestamp {
			for _, r := range m.Replies {
				texts = append(texts, r.Text)
			}
		}
	}
	return texts
}

// now reads an environment again.
func (p *plot) now(feature string) envs.Environment {
	p.Helper()
	e, err := p.manager.Get(p.Context(), "shop", feature)
	if err != nil {
		p.Fatal(err)
	}
	return e
}

func TestAButtonDoesWhatItSays(t *testing.T) {
	p := newPlot(t)
	e := p.deployed("login")
	d := p.run(Config{Applications: []Application{p.application(never)}, Live: true, Slack: Presses{AppToken: notifytest.AppToken}})
	must.Wait(t, "a connection of Socket Mode", func() bool { return p.slack.Sockets() > 0 })
	press := func(action notify.Action, e envs.Environment, done int) {
		t.Helper()
		payload := p.payload(p.message(), p.button(action, e), kim)
		p.silent.Lock()
		_, err := p.slack.Send(payload)
		p.silent.Unlock()
		if err != nil {
			t.Fatalf("%s while AWS is silent: %v", action, err)
		}
		must.Wait(t, string(action)+" is done", func() bool { return len(p.logged.with(t, "press")) == done })
		if line := p.logged.with(t, "press")[done-1]; line["result"] != deedDone || line["action"] != string(action) || line["name"] != "kim" {
			t.Fatalf("the log says %v", line)
		}
	}
	press(notify.ActionExtend, e, 1)
	if now := p.now("login"); !now.Expires.Equal(e.Expires.Add(notify.ExtendBy).Truncate(time.Second)) {
		t.Errorf("extended from %v to %v", e.Expires, now.Expires)
	}
	press(notify.ActionProtect, e, 2)
	if now := p.now("login"); now.Protection() != "kim in Slack keeps it" {
		t.Errorf("protected: %q", now.Protection())
	}
	press(notify.ActionUnprotect, e, 3)
	if now := p.now("login"); now.Protected() {
		t.Error("it is still protected")
	}
	press(notify.ActionRemove, e, 4)
	if _, err := p.manager.Get(t.Context(), "shop", "login"); err == nil {
		t.Error("it is still there")
	}
	press(notify.ActionRestore, e, 5)
	if now := p.now("login"); now.ID != e.ID || now.Version != e.Version {
		t.Errorf("restored: %s with %s", now.ID, now.Version)
	}
	_, text := d.get(t, "/metrics")
	for _, line := range []string{
		`beansprout_presses_total{action="restore",result="done"} 1`,
		`beansprout_removals_total{application="shop",reason="press",result="ok"} 1`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("/metrics lacks %s", line)
		}
	}
	d.stop()
	if len(p.logged.with(t, "removed")) != 1 {
		t.Errorf("the log has no receipt: %s", p.logged)
	}
}

func TestAPressThatDoesNothingSaysWhy(t *testing.T) {
	p := newPlot(t)
	e := p.deployed("login")
	app := p.application(never)
	app.Users = []string{kim.ID}
	p.run(Config{Applications: []Application{app}, Live: true, Slack: Presses{AppToken: notifytest.AppToken}})
	must.Wait(t, "a connection of Socket Mode", func() bool { return p.slack.Sockets() > 0 })
	good := func() notify.Button { return p.button(notify.ActionProtect, e) }
	twice := p.button(notify.ActionUnprotect, e)
	for _, tt := range []struct {
		name   string
		button func() notify.Button
		user   notifytest.User
		want   string
	}{
		{"another user", good, eve, "Nothing was done. eve pressed \"protect\": only the users that slack.users lists"},
		{"another environment of the name", func() notify.Button { b := good(); b.ID = "e-0123456789"; return b }, kim, "it was made for environment e-0123456789"},
		{"another name", func() notify.Button { b := good(); b.Name = "shop-login-aaaaaaaaaa"; return b }, kim, "no more what is there"},
		{"a feature without an environment", func() notify.Button { b := good(); b.Feature = "gone"; return b }, kim, "no more what is there"},
		{"another account", func() notify.Button { b := good(); b.Account = "999999999999"; return b }, kim, "does not serve application \"shop\" of account 999999999999"},
		{"another region", func() notify.Button { b := good(); b.Region = "eu-west-1"; return b }, kim, "in eu-west-1"},
		{"another application", func() notify.Button { b := good(); b.Application = "other"; return b }, kim, "does not serve application \"other\""},
		{"what lives already", func() notify.Button { return p.button(notify.ActionRestore, e) }, kim, "it lives"},
		{"once", func() notify.Button { return twice }, kim, ""},
		{"twice", func() notify.Button { return twice }, kim, "acts once"},
	} {
		at := p.message()
		before := p.now("login")
		if _, err := p.slack.Send(p.payload(at, tt.button(), tt.user)); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if tt.want == "" {
			must.Wait(t, tt.name, func() bool { return strings.Contains(p.logged.String(), `"result":"done"`) })
			continue
		}
		must.Wait(t, tt.name+" is told "+tt.want, func() bool { return strings.Contains(strings.Join(p.replies(at), "\n"), tt.want) })
		if now := p.now("login"); now.Protected() || !now.Expires.Equal(before.Expires) {
			t.Errorf("%s: it acts", tt.name)
		}
	}
	at := p.message()
	if _, err := p.slack.Send(notifytest.Payload(at, "protect", "bm9uc2Vuc2U", kim)); err != nil {
		t.Fatal(err)
	}
	must.Wait(t, "a forged value is told", func() bool { return strings.Contains(strings.Join(p.replies(at), "\n"), "not made by this app") })
}

// What could not be noted as pressed could be pressed again.
func TestAPressThatCannotBeNotedDoesNotAct(t *testing.T) {
	p := newPlot(t)
	e := p.deployed("login")
	d, err := New(Config{Applications: []Application{p.application(never)}, Live: true})
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.once = "PUT /elasticbeanstalk-" + testRegion + "-" + p.button(notify.ActionProtect, e).Account + "/beansprout/ledger/"
	p.mu.Unlock()
	if err := d.carryOut(t.Context(), d.services[0], p.button(notify.ActionProtect, e), press{user: kim.ID}); err == nil || p.now("login").Protected() {
		t.Errorf("%v, and it is protected: %v", err, p.now("login").Protected())
	}
}

// Slack tells the user of what is not acknowledged.
func TestAPressThatWillNotBeHandledIsNotAcknowledged(t *testing.T) {
	d := &Daemon{deeds: newDeedQueue()}
	c := slack.InteractionCallback{Type: slack.InteractionTypeBlockActions}
	c.ActionCallback.BlockActions = []*slack.BlockAction{{Value: "sealed"}}
	for range waitingDeeds {
		if !d.accept(c) {
			t.Fatal("there is room, and it is refused")
		}
	}
	if d.accept(c) {
		t.Error("there is no room, and it is acknowledged")
	}
	d.deeds.close()
	if d.accept(c) {
		t.Error("the daemon ends, and it is acknowledged")
	}
	if c.Type = slack.InteractionTypeViewSubmission; !d.accept(c) {
		t.Error("what is no press waits for room")
	}
}

// A request's date may be five minutes away in both directions.
func TestARequestIsRememberedAsLongAsItsDateIsGood(t *testing.T) {
	h := newWebhook(notifytest.SigningSecret, nil)
	now := time.Now()
	for _, tt := range []struct {
		request string
		after   time.Duration
		want    error
	}{{"one", 0, nil}, {"two", 10 * time.Minute, nil}, {"one", 10 * time.Minute, errReplayed}, {"two", 20 * time.Minute, errReplayed}} {
		if err := h.remember(sha256.Sum256([]byte(tt.request)), now.Add(tt.after)); !errors.Is(err, tt.want) {
			t.Errorf("%s after %v: %v, want %v", tt.request, tt.after, err, tt.want)
		}
	}
	for i := range maxRemembered {
		h.seen[sha256.Sum256(fmt.Append(nil, i))] = now
	}
	if err := h.remember(sha256.Sum256([]byte("more")), now); !errors.Is(err, errFull) {
		t.Errorf("of what can't be remembered: %v", err)
	}
}

func TestAnEndlessRequestIsNotRead(t *testing.T) {
	h := newWebhook(notifytest.SigningSecret, func(slack.InteractionCallback) bool { return true })
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/slack", strings.NewReader(strings.Repeat("x", maxBody+1))))
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("the answer is %d", w.Code)
	}
}

func TestADaemonThatOnlyReportsChangesNothing(t *testing.T) {
	p := newPlot(t)
	e := p.deployed("login")
	p.run(Config{Applications: []Application{p.application(never)}, Slack: Presses{AppToken: notifytest.AppToken}})
	must.Wait(t, "a connection of Socket Mode", func() bool { return p.slack.Sockets() > 0 })
	at := p.message()
	if _, err := p.slack.Send(p.payload(at, p.button(notify.ActionRemove, e), kim)); err != nil {
		t.Fatal(err)
	}
	must.Wait(t, "it says so", func() bool { return strings.Contains(strings.Join(p.replies(at), "\n"), "only reports") })
	if p.now("login").ID != e.ID {
		t.Error("the environment was removed")
	}
}

func TestTheSocketConnectsAgain(t *testing.T) {
	p := newPlot(t)
	e := p.deployed("login")
	p.run(Config{Applications: []Application{p.application(never)}, Live: true, Slack: Presses{AppToken: notifytest.AppToken}})
	for i, end := range []func(){p.slack.CutSockets, p.slack.RefreshSockets, func() {}} {
		must.Wait(t, "a connection", func() bool { return p.slack.Sockets() > 0 && p.slack.SocketsOpened() > i })
		must.Wait(t, "an acknowledgement", func() bool {
			_, err := p.slack.Send(p.payload(p.message(), p.button(notify.ActionExtend, e), kim))
			return err == nil
		})
		end()
	}
	must.Wait(t, "three presses", func() bool { return strings.Count(p.logged.String(), `"result":"done"`) >= 3 })
}

func TestAnAppTokenThatSlackRefusesIsNamed(t *testing.T) {
	p := newPlot(t)
	d := p.run(Config{Applications: []Application{p.application(never)}, Slack: Presses{AppToken: "xapp-other"}})
	must.Wait(t, "the log says so", func() bool {
		return strings.Contains(p.logged.String(), "invalid_auth: check the token in SLACK_APP_TOKEN")
	})
	if strings.Contains(p.logged.String(), "xapp-other") {
		t.Error("the log has the token")
	}
	if problem := d.socket.problem(time.Now().Add(time.Hour)); !strings.Contains(problem, "invalid_auth") {
		t.Errorf("after an hour it is no problem: %q", problem)
	}
	if code, _ := d.get(t, "/healthz"); code == http.StatusServiceUnavailable {
		t.Error("at once it is a problem")
	}
}
