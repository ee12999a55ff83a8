package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/notify"
	"beansprout/notify/notifytest"
	"beansprout/test/must"
)

// outage is a way in which Slack, or the way to it, is broken.
type outage struct {
	slack    func(*notifytest.Server)
	network  func(*http.Transport)
	delivers bool // late, but it does
	acts     bool // although it does not say so
}

func always(a notifytest.Answer) func(*notifytest.Server) {
	return func(s *notifytest.Server) { s.Always(a) }
}

var outages = map[string]outage{
	"down":                      {slack: always(notifytest.Body(503, "unavailable"))},
	"slow":                      {slack: always(notifytest.Slow(50 * time.Millisecond)), delivers: true},
	"silent":                    {slack: always(notifytest.Hang())},
	"asking to wait":            {slack: always(notifytest.RateLimit(3600))},
	"half an answer":            {slack: always(notifytest.Half()), acts: true},
	"an answer that is lost":    {slack: always(notifytest.ActThen(notifytest.HangUp())), acts: true},
	"token revoked":             {slack: always(notifytest.Refuse("token_revoked"))},
	"a scope is missing":        {slack: func(s *notifytest.Server) { s.SetScopes("users:read") }},
	"the channel is archived":   {slack: always(notifytest.Refuse("is_archived"))},
	"the bot is not there":      {slack: func(s *notifytest.Server) { s.RemoveBot("#qa") }},
	"JSON that is none":         {slack: always(notifytest.Body(200, `{"ok": tru`))},
	"the connection is cut":     {slack: always(notifytest.HangUp())},
	"replies alone are refused": {slack: func(s *notifytest.Server) { s.On("chat.postMessage", notifytest.Refuse("fatal_error")) }},
	"no such host": {network: func(t *http.Transport) {
		t.DialContext = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "slack.example.com", IsNotFound: true}
		}
	}},
	"a certificate that is not trusted": {network: func(t *http.Transport) {
		t.DialContext = func(context.Context, string, string) (net.Conn, error) {
			return nil, &tls.CertificateVerificationError{Err: errors.New("unknown authority")}
		}
	}},
}

// TestABrokenSlackFailsNothingAndRemovesNothing deploys, warns and removes while Slack is broken, and
// after that. What was not warned of stays; what was is told once.
func TestABrokenSlackFailsNothingAndRemovesNothing(t *testing.T) {
	for name, o := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.endure(t)
		})
	}
}

func (o outage) endure(t *testing.T) {
	p := newPlot(t)
	var broken atomic.Bool
	way := http.DefaultTransport.(*http.Transport).Clone()
	defer way.CloseIdleConnections()
	if o.network != nil {
		o.network(way)
	}
	p.client = notify.New(notifytest.Token, p.slack.URL, "#qa", &http.Client{Transport: switched{&broken, way}})
	p.manager = p.newManager(map[string]envs.Announcer{"Slack": p.client})
	p.deployed("before")
	broken.Store(true)
	if o.slack != nil {
		o.slack(p.slack)
	}
	p.client.Limit = time.Second
	if o.delivers {
		p.client.Limit = time.Minute
	}
	p.deployed("during") // it fails the test unless it succeeds
	before := len(p.cloud.Calls())
	removals := func() (n int) {
		for _, call := range p.cloud.Calls()[before:] {
			if call.Action == "TerminateEnvironment" {
				n++
			}
		}
		return n
	}
	var ahead time.Duration
	sweep := func() error {
		j := &janitor.Janitor{Environments: p.manager, MaxDeletions: 10, Warn: day, Now: func() time.Time { return time.Now().Add(ahead) }}
		_, err := j.Sweep(t.Context(), true)
		return err
	}
	advance := func(d time.Duration) { ahead += d; p.cloud.Advance(d) }
	const attempts = 3
	advance(6 * day)
	for range attempts {
		if err := sweep(); (err == nil) != o.delivers {
			t.Errorf("a sweep ends with %v", err)
		}
		if n := removals(); n > 0 {
			t.Fatalf("%d environments are removed without a warning that was delivered", n)
		}
		if !o.delivers {
			advance(2 * day) // what was not delivered counts for nothing, however long ago
		}
	}
	broken.Store(false)
	p.slack.Always(nil)
	p.slack.On("chat.postMessage", nil)
	p.slack.SetScopes("chat:write", "users:read", "users:read.email")
	// What only a person in Slack mends is left behind, and so is how long Slack has asked to wait.
	p.client = notify.New(notifytest.Token, p.slack.URL, "#other", &http.Client{})
	p.manager = p.newManager(map[string]envs.Announcer{"Slack": p.client})
	p.client.Limit = time.Minute
	if err := sweep(); err != nil {
		t.Errorf("the first sweep with Slack: %v", err)
	}
	most := 1
	if o.acts {
		most += attempts
	}
	if warned := p.warnings(); len(warned) != 2 || removals() > 0 {
		t.Errorf("warned of %v, and %d are removed", warned, removals())
	} else {
		for feature, n := range warned {
			if n > most {
				t.Errorf("the warning of %s is told %d times", feature, n)
			}
		}
	}
	advance(day + time.Minute)
	if err := sweep(); err != nil || removals() != 2 {
		t.Errorf("in the end: %v, and %d are removed", err, removals())
	}
}

// warnings counts the warnings in threads, by feature.
func (p *plot) warnings() map[string]int {
	found := map[string]int{}
	for _, m := range p.slack.Messages() {
		for _, r := range m.Replies {
			for _, feature := range []string{"before", "during"} {
				if strings.Contains(r.Text, "`"+feature+"`: It will be removed") {
					found[feature]++
				}
			}
		}
	}
	return found
}

// switched is a way that is broken for a while.
type switched struct {
	broken *atomic.Bool
	way    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (s switched) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.broken.Load() {
		return s.way.RoundTrip(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// TestPressesActWhereTheConnectionIsCutAgainAndAgain presses buttons while no connection lasts.
func TestPressesActWhereTheConnectionIsCutAgainAndAgain(t *testing.T) {
	p := newPlot(t)
	e := p.deployed("login")
	p.slack.CutSocketsAfter(time.Second)
	p.run(Config{Applications: []Application{p.application(never)}, Live: true, Slack: Presses{AppToken: notifytest.AppToken}})
	at := p.message()
	for range 4 {
		cuts := p.slack.SocketsOpened()
		payload := p.payload(at, p.button(notify.ActionExtend, e), kim)
		must.Wait(t, "an acknowledgement", func() bool { _, err := p.slack.Send(payload); return err == nil })
		must.Wait(t, "another connection", func() bool { return p.slack.SocketsOpened() > cuts })
	}
	done := func() int { return strings.Count(p.logged.String(), `"result":"done"`) }
	must.Wait(t, "four presses act", func() bool { return done() == 4 })
	want := e.Expires.Truncate(time.Second).Add(4 * notify.ExtendBy)
	if now := p.now("login"); !now.Expires.Equal(want) || done() != 4 {
		t.Errorf("it expires at %v, want %v, after %d presses", now.Expires, want, done())
	}
}
