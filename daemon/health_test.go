package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/test/must"
)

func TestAHealthyDaemonSaysWhenItSweptAndWhenItSweepsNext(t *testing.T) {
	p := newPlot(t)
	p.deployed("login")
	d := p.run(Config{Applications: []Application{p.application("@every 2s")}, Live: true})
	if code, _ := d.get(t, "/livez"); code != 200 {
		t.Errorf("/livez answers %d", code)
	}
	var body struct {
		Healthy, Live bool
		Applications  []status
	}
	must.Wait(t, "a sweep", func() bool {
		code, text := d.get(t, "/healthz")
		if err := json.Unmarshal([]byte(text), &body); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return code == 200 && body.Healthy && body.Live && !body.Applications[0].LastSweep.IsZero() && body.Applications[0].NextSweep.After(body.Applications[0].LastSweep)
	})
	if body.Applications[0].Application != "shop" || len(body.Applications[0].Reasons) != 0 {
		t.Errorf("/healthz says %+v", body)
	}
	if code, _ := d.get(t, "/slack"); code != 404 && code != 405 {
		t.Errorf("without a signing secret /slack answers %d", code)
	}
	d.stop()
	for _, message := range []string{"started", "listening", "waiting", "stopped"} {
		if len(p.logged.with(t, message)) == 0 {
			t.Errorf("the log has no line %q: %s", message, p.logged)
		}
	}
}

func TestASweepThatFailsIsToldUntilOneSucceeds(t *testing.T) {
	p := newPlot(t)
	p.deployed("login")
	p.deny("DescribeEnvironments")
	d := p.run(Config{Applications: []Application{p.application("@every 2s")}, Live: true, Hint: func(error) string { return "look at the rights" }})
	must.Wait(t, "a failure in /healthz", func() bool {
		code, text := d.get(t, "/healthz")
		return code == 503 && strings.Contains(text, "the last sweep failed: ")
	})
	if code, _ := d.get(t, "/livez"); code != 200 {
		t.Errorf("/livez answers %d", code)
	}
	must.Wait(t, "two sweeps that failed", func() bool {
		_, text := d.get(t, "/metrics")
		_, after, _ := strings.Cut(text, `beansprout_refusals_total{application="shop",reason="other"} `)
		count, _, _ := strings.Cut(after, "\n")
		n, _ := strconv.Atoi(count)
		return n >= 2
	})
	p.deny("")
	must.Wait(t, "health", func() bool { code, _ := d.get(t, "/healthz"); return code == 200 })
	alerts := 0
	for _, m := range p.slack.Messages() {
		if strings.Contains(m.Text, "Sweep refused") {
			alerts++
			if !strings.Contains(string(m.Blocks), "look at the rights") {
				t.Errorf("the alert has no hint: %s", m.Blocks)
			}
		}
	}
	if alerts != 1 {
		t.Errorf("%d alerts in Slack, want one", alerts)
	}
}

func TestHealthGoesByTwoSchedules(t *testing.T) {
	hourly, err := janitor.Schedule("0 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	var slack error
	h := newHealth("shop", hourly, func() error { return slack })
	noon := time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)
	h.started = noon
	for _, step := range []struct {
		name  string
		sweep error
		swept bool
		slack error
		after time.Duration // noon
		want  string
	}{
		{name: "before the first sweep", after: 90 * time.Minute},
		{name: "two were due and none was made", after: 121 * time.Minute, want: "no time yet"},
		{name: "a sweep", swept: true, after: 121 * time.Minute},
		{name: "one was due", after: 190 * time.Minute},
		{name: "two were due", after: 241 * time.Minute, want: "two more were due"},
		{name: "a sweep that failed", swept: true, sweep: errors.New("no list\nof anything"), after: 242 * time.Minute, want: "the last sweep failed: no list"},
		{name: "one that did not", swept: true, after: 243 * time.Minute},
		{name: "a warning that was not delivered", slack: errors.New("no answer"), after: 244 * time.Minute, want: "Slack does not take warnings: no answer"},
		{name: "one that was", after: 245 * time.Minute},
	} {
		now := noon.Add(step.after)
		if slack = step.slack; step.swept {
			h.swept(now, step.sweep)
		}
		reasons := h.status(now, true).Reasons
		if (step.want == "") != (len(reasons) == 0) || !strings.Contains(strings.Join(reasons, "; "), step.want) || len(reasons) > 1 {
			t.Errorf("%s: %q, want %q", step.name, reasons, step.want)
		}
	}
}

// refusing is an announcer that may refuse.
type refusing struct{ err error }

func (r *refusing) Announce(_ context.Context, ref envs.MessageRef, _ envs.News) (envs.MessageRef, error) {
	return ref, r.err
}

func TestOnlyWarningsThatAreNotDeliveredMakeItUnhealthy(t *testing.T) {
	next, m := &refusing{errors.New("down")}, NewMetrics()
	a := Observe(next, m)
	tell := func(s envs.NewsState) {
		if _, err := a.Announce(t.Context(), envs.MessageRef{}, envs.News{State: s}); !errors.Is(err, next.err) {
			t.Errorf("the error is %v", err)
		}
	}
	if tell(envs.NewsReady); a.failure() != nil {
		t.Error("a message that is no warning counts")
	}
	if tell(envs.NewsExpiring); a.failure() == nil {
		t.Error("a warning that was not delivered does not count")
	}
	next.err = nil
	if tell(envs.NewsExpiring); a.failure() != nil {
		t.Error("a warning that was delivered does not count")
	}
	if (*Announcer)(nil).failure() != nil {
		t.Error("without Slack something fails")
	}
}

func TestListenGoesOnlyWhereItIsTold(t *testing.T) {
	for address, want := range map[string]string{":0": "127.0.0.1", "0": "127.0.0.1", "127.0.0.1:0": "127.0.0.1", "localhost:0": "127.0.0.1"} {
		l, err := Listen(t.Context(), address, false)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if host, _, _ := net.SplitHostPort(l.Addr().String()); host != want {
			t.Errorf("%s listens on %s", address, host)
		}
		_, err = Listen(t.Context(), l.Addr().String(), false)
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("a port in use: %v", err)
		}
		l.Close()
	}
	for _, address := range []string{"0.0.0.0:0", "[::]:0", "[::0]:0", "[::ffff:0.0.0.0]:0"} {
		if _, err := Listen(t.Context(), address, false); !errors.Is(err, ErrExposed) {
			t.Errorf("%s without a secret: %v", address, err)
		}
		l, err := Listen(t.Context(), address, true)
		if err != nil && !strings.Contains(address, "::") { // IPv6 may be off
			t.Errorf("%s with a secret: %v", address, err)
		} else if err == nil {
			l.Close()
		}
	}
}

func TestAnApplicationIsServedOnce(t *testing.T) {
	p := newPlot(t)
	if _, err := New(Config{Applications: []Application{p.application(never), p.application(never)}}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("the same application twice: %v", err)
	}
	app := p.application("0 0 30 2 *")
	if _, err := New(Config{Applications: []Application{app}}); err == nil {
		t.Error("a schedule that never comes is taken")
	}
}
