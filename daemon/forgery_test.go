package daemon

import (
	"bytes"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/notify"
	"beansprout/notify/notifytest"
	"beansprout/test/must"
)

// forger makes presses that no user has made.
type forger struct {
	*plot
	address string
	random  *mathrand.Rand
	all     []envs.Environment
	genuine []byte // the body and the headers of a press that was made
	header  http.Header
}

func (f *forger) any() envs.Environment { return f.all[f.random.IntN(len(f.all))] }

// at is a message in a channel of its own: replies to a channel come one a second.
func (f *forger) at() notifytest.Message {
	return notifytest.Message{Channel: fmt.Sprintf("C0%08d", 100+f.random.IntN(1_000_000)), Timestamp: "1700000000.000001"}
}

func (f *forger) body() []byte {
	return f.payload(f.at(), f.button(notify.ActionRemove, f.any()), kim)
}

// signed returns a request with a signature.
func (f *forger) signed(payload []byte, at time.Time, secret string) *http.Request {
	r, err := notifytest.SignedRequest(f.address, payload, at, secret)
	if err != nil {
		f.Fatal(err)
	}
	return r
}

// replace gives a request another body.
func replace(r *http.Request, change func([]byte) []byte) *http.Request {
	body, _ := io.ReadAll(r.Body)
	body = change(body)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return r
}

// forgeries are the ways to forge a press that the server itself refuses.
var forgeries = map[string]func(f *forger) *http.Request{
	"a bit of the body": func(f *forger) *http.Request {
		return replace(f.signed(f.body(), time.Now(), notifytest.SigningSecret), func(b []byte) []byte {
			b[f.random.IntN(len(b))] ^= 1 << f.random.IntN(8)
			return b
		})
	},
	"a digit of the signature": func(f *forger) *http.Request {
		r := f.signed(f.body(), time.Now(), notifytest.SigningSecret)
		s := []byte(r.Header.Get("X-Slack-Signature"))
		i := len("v0=") + f.random.IntN(64)
		s[i] = "0123456789abcdef"[(strings.IndexByte("0123456789abcdef", s[i])+1+f.random.IntN(15))%16]
		r.Header.Set("X-Slack-Signature", string(s))
		return r
	},
	"old": func(f *forger) *http.Request {
		return f.signed(f.body(), time.Now().Add(-5*time.Minute-time.Duration(2+f.random.IntN(1e6))*time.Second), notifytest.SigningSecret)
	},
	"from the future": func(f *forger) *http.Request {
		return f.signed(f.body(), time.Now().Add(5*time.Minute+time.Duration(30+f.random.IntN(1e6))*time.Second), notifytest.SigningSecret)
	},
	"old, with a new date": func(f *forger) *http.Request {
		r := f.signed(f.body(), time.Now().Add(-time.Hour), notifytest.SigningSecret)
		r.Header.Set("X-Slack-Request-Timestamp", fmt.Sprint(time.Now().Unix()))
		return r
	},
	"another secret":  func(f *forger) *http.Request { return f.signed(f.body(), time.Now(), fmt.Sprint(f.random.Uint64())) },
	"an empty secret": func(f *forger) *http.Request { return f.signed(f.body(), time.Now(), "") },
	"replayed": func(f *forger) *http.Request {
		r := f.signed(nil, time.Now(), "")
		r.Header = f.header.Clone()
		return replace(r, func([]byte) []byte { return bytes.Clone(f.genuine) })
	},
	"replayed, with the signature in capitals": func(f *forger) *http.Request {
		r := f.signed(nil, time.Now(), "")
		r.Header = f.header.Clone()
		r.Header.Set("X-Slack-Signature", "v0="+strings.ToUpper(strings.TrimPrefix(f.header.Get("X-Slack-Signature"), "v0=")))
		return replace(r, func([]byte) []byte { return bytes.Clone(f.genuine) })
	},
	"re-encoded": func(f *forger) *http.Request {
		return replace(f.signed(f.body(), time.Now(), notifytest.SigningSecret), func(b []byte) []byte {
			form, _ := url.ParseQuery(string(b))
			var all strings.Builder
			for _, c := range []byte(form.Get("payload")) {
				fmt.Fprintf(&all, "%%%02X", c)
			}
			return []byte("payload=" + all.String())
		})
	},
	"no signature": func(f *forger) *http.Request {
		r := f.signed(f.body(), time.Now(), notifytest.SigningSecret)
		r.Header.Del([]string{"X-Slack-Signature", "X-Slack-Request-Timestamp"}[f.random.IntN(2)])
		return r
	},
	"half a signature": func(f *forger) *http.Request {
		r := f.signed(f.body(), time.Now(), notifytest.SigningSecret)
		s := r.Header.Get("X-Slack-Signature")
		r.Header.Set("X-Slack-Signature", s[:f.random.IntN(len(s))])
		return r
	},
	"too long": func(f *forger) *http.Request {
		return replace(f.signed(f.body(), time.Now(), notifytest.SigningSecret), func(b []byte) []byte {
			return append(b, bytes.Repeat([]byte("x"), maxBody)...)
		})
	},
}

// deceptions are presses that Slack vouches for and that must not act: who pressed them answers for it.
var deceptions = map[string]func(f *forger) []byte{
	"another user's": func(f *forger) []byte { return f.payload(f.at(), f.button(notify.ActionRemove, f.any()), eve) },
	"another environment's": func(f *forger) []byte {
		b := f.button(notify.ActionRemove, f.any())
		b.ID = fmt.Sprintf("e-%010d", f.random.IntN(1e9))
		return f.payload(f.at(), b, kim)
	},
	"another application's": func(f *forger) []byte {
		b := f.button(notify.ActionRemove, f.any())
		b.Application = "other"
		return f.payload(f.at(), b, kim)
	},
	"a changed value": func(f *forger) []byte {
		value, err := f.client.SealButton(f.button(notify.ActionRemove, f.any()))
		if err != nil {
			f.Fatal(err)
		}
		changed := []byte(value)
		changed[f.random.IntN(len(changed))] = "ABCDabcd0123-_ \n"[f.random.IntN(16)]
		if string(changed) == value {
			changed = changed[1:]
		}
		return notifytest.Payload(f.at(), "remove", string(changed), kim)
	},
	"sealed with another token": func(f *forger) []byte {
		value, err := notify.New("xoxb-other", f.slack.URL, "#qa", &http.Client{}).SealButton(f.button(notify.ActionRemove, f.any()))
		if err != nil {
			f.Fatal(err)
		}
		return notifytest.Payload(f.at(), "remove", value, kim)
	},
	"pressed twice": func(f *forger) []byte {
		b := f.button(notify.ActionProtect, f.all[0])
		b.Token = "spent"
		return f.payload(f.at(), b, kim)
	},
}

// send sends a request, and returns the status and how long the answer took.
func send(t *testing.T, r *http.Request) (int, time.Duration) {
	t.Helper()
	began := time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.StatusCode, time.Since(began)
}

func TestForgedPressesDoNotActAndGenuineOnesDo(t *testing.T) {
	const forged, genuine, environments = 2000, 200, 20
	p := newPlot(t)
	p.manager = p.newManager(nil) // Slack takes 50 updates of messages a minute
	f := &forger{plot: p, random: mathrand.New(mathrand.NewPCG(1, 2))}
	for i := range environments {
		f.all = append(f.all, p.deployed(fmt.Sprintf("feature-%d", i)))
	}
	app := p.application(never)
	app.Users = []string{kim.ID}
	d := p.run(Config{Applications: []Application{app}, Live: true, Slack: Presses{AppToken: notifytest.AppToken, SigningSecret: notifytest.SigningSecret}})
	f.address = d.url + "/slack"
	must.Wait(t, "a connection of Socket Mode", func() bool { return p.slack.Sockets() > 0 })
	results := func(result string) int { return strings.Count(p.logged.String(), `"result":"`+result+`"`) }

	// One press is made, recorded by a listener, and spends a button.
	spent := p.button(notify.ActionProtect, f.all[0])
	spent.Token = "spent"
	r := f.signed(p.payload(f.at(), spent, kim), time.Now(), notifytest.SigningSecret)
	r = replace(r, func(b []byte) []byte { f.genuine = bytes.Clone(b); return b })
	f.header = r.Header.Clone()
	if code, _ := send(t, r); code != http.StatusOK {
		t.Fatalf("a genuine press is answered %d", code)
	}
	must.Wait(t, "it acts", func() bool { return results(deedDone) == 1 })
	if _, err := p.manager.Unprotect(t.Context(), p.now(f.all[0].Feature), envs.Options{}); err != nil {
		t.Fatal(err)
	}

	account, err := p.manager.Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signedOnes := 0
	for n := 0; n < forged; {
		for name, forge := range forgeries {
			code, _ := send(t, forge(f))
			if code != http.StatusUnauthorized && (name != "too long" || code != http.StatusRequestEntityTooLarge) {
				t.Errorf("%s: the answer is %d", name, code)
			}
			n++
		}
		for name, deceive := range deceptions {
			payload := deceive(f)
			if signedOnes++; signedOnes%2 == 0 {
				if code, _ := send(t, f.signed(payload, time.Now(), notifytest.SigningSecret)); code != http.StatusOK {
					t.Errorf("%s: the answer is %d", name, code)
				}
			} else if _, err := p.slack.Send(payload); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			n++
		}
	}
	must.Wait(t, "each is answered", func() bool { return results(deedRefused) == signedOnes })
	if done, failed := results(deedDone), results(deedFailed); done != 1 || failed != 0 {
		t.Errorf("of the forged presses %d acted, and %d failed", done-1, failed)
	}
	sentences := func() (n int) {
		for _, m := range p.slack.Messages() {
			if strings.HasPrefix(m.Text, "Nothing was done.") {
				n++
			}
		}
		return n
	}
	must.Wait(t, "each gets a sentence", func() bool { return sentences() == signedOnes })
	for _, e := range f.all {
		if now := p.now(e.Feature); now.ID != e.ID || now.Protected() || !now.Expires.Equal(e.Expires) {
			t.Errorf("%s was changed by a forged press", e.Name)
		}
	}

	// While the cloud answers nothing, each press is acknowledged: nothing of its work is waited for.
	p.silent.Lock()
	var slowest time.Duration
	for n := range genuine {
		payload := p.payload(f.at(), p.buttonOf(account, notify.ActionExtend, f.all[n%environments]), kim)
		var took time.Duration
		if n%2 == 0 {
			code, after := send(t, f.signed(payload, time.Now(), notifytest.SigningSecret))
			if took = after; code != http.StatusOK {
				t.Errorf("a genuine press is answered %d", code)
			}
		} else {
			ack, err := p.slack.Send(payload)
			if took = ack.After; err != nil {
				t.Errorf("a genuine press: %v", err)
			}
		}
		slowest = max(slowest, took)
	}
	if done := results(deedDone); done != 1 {
		t.Errorf("%d presses acted without the cloud", done-1)
	}
	p.silent.Unlock()
	for end := time.Now().Add(15 * time.Minute); results(deedDone) < 1+genuine && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	if done := results(deedDone); done != 1+genuine {
		t.Errorf("of %d genuine presses %d acted", genuine, done-1)
	}
	for _, e := range f.all {
		want := e.Expires.Truncate(time.Second).Add(genuine / environments * notify.ExtendBy)
		if now := p.now(e.Feature); !now.Expires.Equal(want) {
			t.Errorf("%s expires at %v, want %v", e.Name, now.Expires, want)
		}
	}
	t.Logf("%d forged presses, %d of them signed; %d genuine ones, the slowest acknowledged after %v", forged, signedOnes, genuine, slowest)
}
