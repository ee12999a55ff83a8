package daemon

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/notify"
	"beansprout/notify/notifytest"
	"beansprout/test/must"
)

// partner is one of two daemons on the same cloud and the same Slack.
type partner struct {
	*plot
	running

	mu     sync.Mutex
	ended  []string // ids of the environments whose removal it has asked for
	notify chan string
}

// Do sends a call to the cloud, and remembers a removal.
func (w *partner) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		return http.DefaultClient.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer, err := http.DefaultClient.Do(r)
	form, _ := url.ParseQuery(string(body))
	if form.Get("Action") == "TerminateEnvironment" && err == nil && answer.StatusCode == http.StatusOK {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ended = append(w.ended, form.Get("EnvironmentId"))
		w.notify <- form.Get("EnvironmentId")
	}
	return answer, err
}

func (w *partner) removed() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.ended)
}

// receipts counts the removals of environments in its log, by name.
func (w *partner) receipts() map[string]int {
	found := map[string]int{}
	for _, line := range w.logged.with(w.T, "removed") {
		receipt, _ := line["receipt"].(map[string]any)
		removed, _ := receipt["removed"].([]any)
		for _, item := range removed {
			if name, ok := strings.CutPrefix(fmt.Sprint(item), "environment "); ok {
				found[strings.Fields(name)[0]]++
			}
		}
	}
	return found
}

// pair runs two daemons that sweep every second, by a clock that is ahead of the machine's.
func (p *plot) pair(ahead *atomic.Int64, warn time.Duration, removals int) (all []*partner) {
	p.Helper()
	for range 2 {
		own := &plot{T: p.T, cloud: p.cloud, aws: p.aws, slack: p.slack, logged: &lines{}}
		w := &partner{plot: own, notify: make(chan string, 100)}
		own.aws.HTTPClient = w
		own.client = notify.New(notifytest.Token, p.slack.URL, "#qa", &http.Client{})
		own.manager = own.newManager(map[string]envs.Announcer{"Slack": own.client})
		app := own.application("@every 1s")
		app.Janitor = &janitor.Janitor{
			Environments: own.manager, MaxDeletions: removals, Warn: warn,
			Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) },
			Log: slog.New(slog.NewJSONHandler(own.logged, nil)),
		}
		w.running = own.run(Config{Applications: []Application{app}, Live: true, Slack: Presses{AppToken: notifytest.AppToken}})
		all = append(all, w)
	}
	return all
}

// said counts the replies with a text in the threads of the environments' messages, by message.
func (p *plot) said(text string) map[string]int {
	found := map[string]int{}
	for _, m := range p.slack.Messages() {
		for _, r := range m.Replies {
			if strings.Contains(r.Text, text) {
				found[m.Timestamp]++
			}
		}
	}
	return found
}

// once reports whether each of so many was counted, and fails the test where one was counted twice.
func once(t *testing.T, what string, counts map[string]int, want int) bool {
	t.Helper()
	for item, n := range counts {
		if n > 1 {
			t.Fatalf("%s: %s %d times", what, item, n)
		}
	}
	return len(counts) == want
}

func TestTwoDaemonsDoEverythingOnce(t *testing.T) {
	const environments = 3
	p := newPlot(t)
	var all []envs.Environment
	for n := range environments {
		all = append(all, p.deployed(fmt.Sprintf("feature-%d", n)))
	}
	spared := p.deployed("spared")
	if _, err := p.manager.Protect(t.Context(), spared, "", envs.Options{By: "kim"}); err != nil {
		t.Fatal(err)
	}
	var ahead atomic.Int64
	advance := func(d time.Duration) { ahead.Add(int64(d)); p.cloud.Advance(d) }
	advance(5*day - 30*time.Minute)
	pair := p.pair(&ahead, time.Hour, 10)
	must.Wait(t, "two connections", func() bool { return p.slack.Sockets() == 2 })

	// Each of ten buttons is pressed twice at the same time, and Slack hands the presses to both.
	var pressing sync.WaitGroup
	for range 10 {
		payload := p.payload(notifytest.Message{Channel: "C000000900", Timestamp: "1700000000.000001"}, p.button(notify.ActionProtect, spared), kim)
		for range 2 {
			pressing.Go(func() {
				for range 100 { // Slack's users try again, too
					if _, err := p.slack.Send(payload); err == nil {
						return
					}
				}
				t.Error("a press was not acknowledged")
			})
		}
	}
	pressing.Wait()
	results := func(result string) (n int) {
		for _, w := range pair {
			n += strings.Count(w.logged.String(), `"result":"`+result+`"`)
		}
		return n
	}
	must.Wait(t, "all presses are answered", func() bool { return results(deedDone)+results(deedRefused) >= 20 })
	if done := results(deedDone); done != 10 {
		t.Fatalf("of ten buttons %d act", done)
	}
	for _, w := range pair {
		if !strings.Contains(w.logged.String(), `"msg":"press"`) {
			t.Error("one of the daemons got no press: that proves little")
		}
	}

	must.Wait(t, "each owner is warned", func() bool { return once(t, "a warning", p.said("It will be removed"), environments) })
	must.Wait(t, "each warning is noted, so that its time has begun", func() bool {
		noted := map[any]bool{}
		for _, w := range pair {
			for _, line := range w.logged.with(t, string(janitor.Warned)) {
				noted[line["environment"]] = true
			}
		}
		return len(noted) == environments
	})
	advance(3 * time.Hour)
	removals := func() map[string]int {
		found := map[string]int{}
		for _, w := range pair {
			for _, id := range w.removed() {
				found[id]++
			}
		}
		return found
	}
	must.Wait(t, "each is removed", func() bool { return once(t, "a removal", removals(), environments) })
	must.Wait(t, "each removal is told", func() bool { return once(t, "a reply", p.said("was removed"), environments) })
	pair[0].stop()
	pair[1].stop()
	receipts := map[string]int{}
	for _, w := range pair {
		for name, n := range w.receipts() {
			receipts[name] += n
		}
	}
	if !once(t, "a receipt", receipts, environments) || !once(t, "a warning", p.said("It will be removed"), environments) || !once(t, "a removal", removals(), environments) {
		t.Errorf("receipts %v, warnings %v, removals %v", receipts, p.said("It will be removed"), removals())
	}
	for _, e := range all {
		if receipts[e.Name] != 1 {
			t.Errorf("%s has no receipt", e.Name)
		}
	}
	if p.now("spared").ID != spared.ID {
		t.Error("what is protected is gone")
	}
}

func TestADaemonThatIsStoppedFinishesItsRemovalAndTheOtherGoesOn(t *testing.T) {
	p := newPlotThatTakes(t, 2*time.Second)
	p.manager = p.newManager(nil)
	names := map[string]string{}
	for n := range 4 {
		e := p.deployed(fmt.Sprintf("feature-%d", n))
		names[e.ID] = e.Name
	}
	var ahead atomic.Int64
	ahead.Add(int64(6 * day))
	p.cloud.Advance(6 * day)
	pair := p.pair(&ahead, 0, 1) // each sweep removes one
	stopped, other := pair[0], pair[1]
	select {
	case <-pair[0].notify:
	case <-pair[1].notify:
		stopped, other = other, stopped
	case <-time.After(4 * time.Minute):
		t.Fatal("nothing is removed")
	}
	stopped.stop()
	begun := stopped.removed()
	must.Wait(t, "the other removes the rest", func() bool { return len(begun)+len(other.removed()) == len(names) })
	other.stop()
	if len(begun) == len(names) || len(stopped.removed()) != len(begun) {
		t.Errorf("the first has removed %q of %d, and then %q", begun, len(names), stopped.removed())
	}
	for _, w := range []*partner{stopped, other} {
		want := map[string]int{}
		for _, id := range w.removed() {
			want[names[id]] = 1
		}
		if got := w.receipts(); !maps.Equal(got, want) {
			t.Errorf("one has begun to remove %v, and its receipts are %v", want, got)
		}
	}
}
