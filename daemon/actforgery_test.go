package daemon

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"beansprout/daemon/access"
	"beansprout/envs"
	"beansprout/notify"
	"beansprout/test/must"
)

// actForger sends forms that must not act.
type actForger struct {
	*plot
	random   *mathrand.Rand
	all      []envs.Environment
	old      []envs.Environment // as they were before another one took their names
	kim, lee visitor
	stranger visitor
	before   visitor // logged in at a daemon that has ended
	expired  []url.Values
	spent    []url.Values
}

func (f *actForger) any() envs.Environment { return f.all[f.random.IntN(len(f.all))] }

// form returns a good form of kim's: each action that there is, by chance.
func (f *actForger) form() url.Values {
	e := f.any()
	actions := []notify.Action{notify.ActionExtend, notify.ActionProtect, notify.ActionUnprotect, notify.ActionRemove, notify.ActionRestore, actionRollback}
	return f.kim.form(actions[f.random.IntN(len(actions))], e, "confirm", e.Feature, "reason", "a reason")
}

func (f *actForger) request(v visitor, form url.Values) *http.Request { return v.request("/act", form) }

// change changes a field of a form to another value.
func (f *actForger) change(form url.Values, name, value string) url.Values {
	if form.Get(name) == value {
		value += "x"
	}
	form.Set(name, value)
	return form
}

// forgedActs are the ways to forge an act, each with who sends it.
var forgedActs = map[string]func(f *actForger) (visitor, *http.Request){
	"without a session": func(f *actForger) (visitor, *http.Request) { return f.stranger, f.request(f.stranger, f.form()) },
	"with a session that there is not": func(f *actForger) (visitor, *http.Request) {
		r := f.request(f.stranger, f.form())
		r.AddCookie(&http.Cookie{Name: f.cookieName(), Value: fmt.Sprintf("%052d", f.random.Uint64())})
		return f.stranger, r
	},
	"with a session of a daemon that has ended": func(f *actForger) (visitor, *http.Request) {
		r := f.request(f.stranger, f.form())
		for _, c := range f.before.cookies() {
			r.AddCookie(&http.Cookie{Name: f.cookieName(), Value: c.Value})
		}
		return f.stranger, r
	},
	"with a form of a daemon that has ended": func(f *actForger) (visitor, *http.Request) {
		return f.kim, f.request(f.kim, f.expired[f.random.IntN(len(f.expired))])
	},
	"with another person's form": func(f *actForger) (visitor, *http.Request) { return f.lee, f.request(f.lee, f.form()) },
	"with a form that was sent before": func(f *actForger) (visitor, *http.Request) {
		return f.kim, f.request(f.kim, f.spent[f.random.IntN(len(f.spent))])
	},
	"with a token in which a letter differs": func(f *actForger) (visitor, *http.Request) {
		form := f.form()
		token := []byte(form.Get("token"))
		i := f.random.IntN(len(token))
		token[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(int(token[i])+1+f.random.IntN(20))%26]
		return f.kim, f.request(f.kim, f.change(form, "token", string(token)))
	},
	"with a part of a token": func(f *actForger) (visitor, *http.Request) {
		form := f.form()
		return f.kim, f.request(f.kim, f.change(form, "token", form.Get("token")[:f.random.IntN(70)]))
	},
	"with a line end in the token": func(f *actForger) (visitor, *http.Request) {
		form := f.form()
		return f.kim, f.request(f.kim, f.change(form, "token", form.Get("token")+"\n"))
	},
	"for another id": func(f *actForger) (visitor, *http.Request) {
		return f.kim, f.request(f.kim, f.change(f.form(), "id", fmt.Sprintf("e-%010d", f.random.IntN(1e9))))
	},
	"for another environment": func(f *actForger) (visitor, *http.Request) {
		form, e := f.form(), f.any()
		form.Set("feature", e.Feature)
		form.Set("name", e.Name)
		return f.kim, f.request(f.kim, f.change(form, "id", e.ID))
	},
	"for another action": func(f *actForger) (visitor, *http.Request) {
		e := f.any()
		return f.kim, f.request(f.kim, f.change(f.kim.form(notify.ActionExtend, e, "confirm", e.Feature), "action", "remove"))
	},
	"for another version": func(f *actForger) (visitor, *http.Request) {
		return f.kim, f.request(f.kim, f.change(f.kim.form(actionRollback, f.any()), "version", "another"))
	},
	"for another application": func(f *actForger) (visitor, *http.Request) {
		return f.kim, f.request(f.kim, f.change(f.form(), "application", "blog"))
	},
	"for another region": func(f *actForger) (visitor, *http.Request) {
		return f.kim, f.request(f.kim, f.change(f.form(), "region", "eu-west-1"))
	},
	"on a page that is out of date": func(f *actForger) (visitor, *http.Request) {
		e := f.old[f.random.IntN(len(f.old))]
		actions := []notify.Action{notify.ActionExtend, notify.ActionProtect, notify.ActionRemove, notify.ActionRestore, actionRollback}
		return f.kim, f.request(f.kim, f.kim.form(actions[f.random.IntN(len(actions))], e, "confirm", e.Feature, "reason", "a reason"))
	},
	"by GET": func(f *actForger) (visitor, *http.Request) {
		r := f.request(f.kim, f.form())
		r.Method = http.MethodGet
		return f.kim, r
	},
	"by GET, in the address": func(f *actForger) (visitor, *http.Request) {
		r := f.request(f.kim, nil)
		r.Method, r.URL.RawQuery = http.MethodGet, f.form().Encode()
		return f.kim, r
	},
	"in the address": func(f *actForger) (visitor, *http.Request) {
		r := f.request(f.kim, nil)
		r.URL.RawQuery = f.form().Encode()
		return f.kim, r
	},
	"by PUT": func(f *actForger) (visitor, *http.Request) {
		r := f.request(f.kim, f.form())
		r.Method = http.MethodPut
		return f.kim, r
	},
	"from another site": func(f *actForger) (visitor, *http.Request) {
		r := f.request(f.kim, f.form())
		r.Header.Set("Sec-Fetch-Site", []string{"cross-site", "same-site"}[f.random.IntN(2)])
		return f.kim, r
	},
	"from another origin": func(f *actForger) (visitor, *http.Request) {
		r := f.request(f.kim, f.form())
		r.Header.Set("Origin", []string{"https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"}[f.random.IntN(4)])
		return f.kim, r
	},
	"for another host": func(f *actForger) (visitor, *http.Request) {
		r := f.request(f.kim, f.form())
		r.Host = []string{"evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1"}[f.random.IntN(4)]
		return f.kim, r
	},
	"with a proxy's header from an address that is not listed": func(f *actForger) (visitor, *http.Request) {
		r := f.request(f.stranger, f.form())
		r.Header.Set("X-Forwarded-User", "kim")
		r.Header.Set("X-Forwarded-For", "203.0.113.7")
		return f.stranger, r
	},
	"with a broken body": func(f *actForger) (visitor, *http.Request) {
		r := f.request(f.kim, f.form())
		return f.kim, replace(r, func(b []byte) []byte { return append([]byte("%zz=%&;"), b[:f.random.IntN(len(b)/2)]...) })
	},
	"with a body of another type": func(f *actForger) (visitor, *http.Request) {
		r := f.request(f.kim, f.form())
		r.Header.Set("Content-Type", []string{"text/plain", "application/json", "multipart/form-data; boundary=x", ""}[f.random.IntN(4)])
		return f.kim, r
	},
	"with an endless body": func(f *actForger) (visitor, *http.Request) {
		form := f.form()
		form.Set("a", strings.Repeat("x", 64<<10)) // sorted, it is the first field
		return f.kim, f.request(f.kim, form)
	},
	"a removal that was not confirmed": func(f *actForger) (visitor, *http.Request) {
		return f.kim, f.request(f.kim, f.kim.form(notify.ActionRemove, f.any(), "confirm", "yes"))
	},
}

func (f *actForger) cookieName() string { return f.kim.cookies()[0].Name }

// cookies are those of a visitor's browser.
func (v visitor) cookies() []*http.Cookie {
	u, err := url.Parse(v.d.url)
	must.Succeed(v, err)
	return v.client.Jar.Cookies(u)
}

// replaced removes an environment and deploys its feature again, and returns the one before.
func (p *plot) replaced(feature string) envs.Environment {
	p.Helper()
	e := p.deployed(feature)
	_, err := p.manager.Remove(p.Context(), e, envs.RemoveOptions{Purge: true, Options: envs.Options{By: "test"}})
	must.Succeed(p, err)
	if now := p.deployed(feature); now.ID == e.ID {
		p.Fatal("it is the same environment")
	}
	return e
}

func TestForgedFormsDoNotActAndGenuineOnesDo(t *testing.T) {
	const forged, environments = 1000, 6
	p := newPlot(t)
	calls := &changingCalls{plot: p}
	p.aws.HTTPClient = calls
	p.manager = p.newManager(nil) // Slack takes 50 updates of messages a minute
	f := &actForger{plot: p, random: mathrand.New(mathrand.NewPCG(3, 4))}
	for i := range environments {
		f.all = append(f.all, p.deployed(fmt.Sprintf("feature-%d", i)))
	}
	for i := range 2 {
		f.old = append(f.old, p.replaced(fmt.Sprintf("replaced-%d", i)))
	}
	config := Config{
		Applications: []Application{p.application(never)}, Live: true,
		Access: access.Config{People: boardPeople, Proxy: access.Proxy{Header: "X-Forwarded-User", From: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}},
	}
	f.before = p.run(config).visit(t, boardPeople[0].Token)
	f.kim = f.before
	for range 20 {
		f.expired = append(f.expired, f.form())
	}
	f.before.d.stop()
	config.Applications = []Application{p.application(never)}
	d := p.run(config)
	f.kim, f.lee, f.stranger = d.visit(t, boardPeople[0].Token), d.visit(t, boardPeople[1].Token), d.visit(t, "")
	for range 20 {
		form := f.kim.form(notify.ActionExtend, f.all[0])
		if code, text := f.kim.post("/act", form); code != http.StatusSeeOther {
			t.Fatalf("a genuine form is answered %d: %s", code, text)
		}
		f.spent = append(f.spent, form)
	}
	done := func() int { return strings.Count(p.logged.String(), `"result":"`+deedDone+`"`) }
	must.Wait(t, "they act", func() bool { return done() == len(f.spent) })
	for i, e := range f.all {
		f.all[i] = p.now(e.Feature)
	}
	before := calls.Load()
	if before == 0 {
		t.Fatal("no call was counted")
	}
	sent := f.send(forged)
	must.Wait(t, "genuine ones act", func() bool { return done() >= len(f.spent)+2*sent.rounds })
	d.stop() // what else waits is done
	by := map[any]int{}
	for _, line := range p.logged.with(t, "press")[len(f.spent):] {
		if by[line["result"]]++; line["result"] == deedDone {
			by[line["name"]]++
		}
	}
	if by["kim"] != sent.rounds || by["lee"] != sent.rounds || by[deedDone] != 2*sent.rounds || by[deedFailed] != 0 || by[deedRefused] != sent.admitted {
		t.Errorf("of %d rounds and %d forms that are refused later: %v", sent.rounds, sent.admitted, by)
	}
	for i, e := range f.all {
		acts := sent.genuine[i]
		now, want := p.now(e.Feature), e.Expires.Add(time.Duration(acts)*notify.ExtendBy)
		if now.ID != e.ID || now.Version != e.Version || now.Protected() || !now.Expires.Equal(want.Truncate(time.Second)) {
			t.Errorf("%s was changed by a forged form: it expires at %v, want %v", e.Name, now.Expires, want)
		}
		if writes := now.Own().Counter - e.Own().Counter; writes != int64(2*acts) { // the press, and what it asked for
			t.Errorf("the record of %s was written %d times for %d acts", e.Name, writes, acts)
		}
	}
	if changing := calls.Load() - before; changing != 0 {
		t.Errorf("%d calls of Beanstalk changed something", changing)
	}
	t.Logf("%d forged forms of %d kinds, %d of them refused after they were taken; %d genuine ones", forged, len(forgedActs), sent.admitted, 2*sent.rounds)
}

// sentForms are how many forms were sent.
type sentForms struct {
	rounds   int // with one genuine form of each of two people
	admitted int // forged, and refused only where the environment is looked up
	genuine  map[int]int
}

// send sends forged forms, and genuine ones in between.
func (f *actForger) send(forged int) sentForms {
	f.Helper()
	kinds := slices.Sorted(maps.Keys(forgedActs))
	sent := sentForms{genuine: map[int]int{}}
	for n := range forged {
		kind := kinds[f.random.IntN(len(kinds))]
		if n < len(kinds) { // each at least once
			kind = kinds[n]
		}
		v, r := forgedActs[kind](f)
		code, text := v.do(r)
		switch kind {
		case "on a page that is out of date":
			sent.admitted++
			fallthrough
		case "with a form that was sent before":
			if code != http.StatusSeeOther {
				f.Errorf("%s: the answer is %d: %s", kind, code, text)
			}
		case "a removal that was not confirmed":
			sent.admitted++
			fallthrough
		default:
			if code < 400 || code >= 500 {
				f.Errorf("%s: the answer is %d: %s", kind, code, text)
			}
		}
		if n%25 == 0 {
			for _, v := range []visitor{f.kim, f.lee} {
				i := f.random.IntN(len(f.all))
				if code, text := v.post("/act", v.form(notify.ActionExtend, f.all[i])); code != http.StatusSeeOther {
					f.Errorf("a genuine form is answered %d: %s", code, text)
				}
				sent.genuine[i]++
			}
			sent.rounds++
		}
	}
	return sent
}

// changingCalls counts the calls of Beanstalk that change something.
type changingCalls struct {
	*plot
	atomic.Int64
}

// Do sends a call to the cloud.
func (c *changingCalls) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		action, _, _ := strings.Cut(strings.TrimPrefix(string(body), "Action="), "&")
		if !strings.HasPrefix(action, "Describe") && !strings.HasPrefix(action, "List") && !strings.HasPrefix(action, "Get") {
			c.Add(1)
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return c.plot.Do(r)
}
