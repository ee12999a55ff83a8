package board

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
)

func TestTheTimelineMergesWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := environment("login")
		e.Record.History = []store.Happening{
			{At: midnight.Add(-9 * time.Hour), ID: "e-before", What: "removed", By: "ann"},
			{At: midnight.Add(-5 * time.Hour), ID: e.ID, What: "failed", By: "kim", Text: "up: the check failed", Log: "line 1 geheim\n<b>line</b> 2\u202e", Build: "https://ci.example.com/6"},
			{At: midnight.Add(-1 * time.Hour), ID: e.ID, What: "deployed", By: "kim", Text: "token=geheim", Build: "https://ci.example.com/geheim"},
			{At: midnight.Add(-2 * time.Minute), ID: e.ID, What: "pressed", By: "lee in Slack", Text: "remove"},
			{At: midnight.Add(-time.Minute), ID: e.ID, What: "pressed", By: "bob on the board", Text: "remove"},
		}
		answers := func(name, id string) []Answer {
			if name != e.Name || id != e.ID {
				t.Errorf("asked for the answers of %s %s", name, id)
			}
			return []Answer{{At: time.Now().Add(-time.Minute), By: "bob on the board", Action: "remove", Result: "refused", Text: "it is protected"}}
		}
		p := newPlot(t, Config{Answers: answers, Mask: func(s string) string { return strings.ReplaceAll(s, "geheim", "***") }}, e)
		p.set(func(c *cloud) {
			c.ahead = 20 * time.Second
			c.events = []beanstalk.Event{{Time: midnight.Add(-7 * time.Hour), Severity: "WARN", Message: "geheim: Health is severe\nsince long"}, {Time: midnight.Add(-2 * time.Hour), Severity: "INFO", Message: "Deploying"}, {Time: midnight.Add(-2 * time.Hour), Severity: "ERROR", Message: "Failed to deploy"}}
		})
		w := p.get(t, "/features/shop/login")
		_, words := elements(t, w.Body.String())
		at := 0
		for _, want := range []string{"1999-12-31 23:59:20 UTCremove refused", "it is protected", "lee in Slack", "token=***", "Failed to deploy", "Deploying", "up: the check failed", "line 1 ***\n<b>line</b> 2\\u202e", "***: Health is severe", "ann"} {
			i := strings.Index(words[at:], want)
			if i < 0 {
				t.Fatalf("%q does not come after what is newer:\n%s", want, words)
			}
			at += i
		}
		if strings.Contains(words, "pressed by bob") {
			t.Errorf("a press is told besides what came of it:\n%s", words)
		}
		if text := w.Body.String(); !strings.Contains(text, "https://ci.example.com/6") || strings.Contains(text, "geheim") || strings.Contains(text, "ci.example.com/***") {
			t.Errorf("the links to builds are wrong:\n%s", text)
		}
	})
}

func TestFormsAskForTheEnvironmentThatWasShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		protected, busy := environment("kept"), environment("busy")
		protected.Record.Protected = &store.Protection{By: "ann"}
		busy.State = envs.Terminating
		odd, tagged := environment("a\u200bb"), environment("tagged")
		tagged.Tags = envs.Tags{envs.TagLifecycle: envs.Keep}
		form := func(_ *http.Request, a Act) map[string]string {
			return map[string]string{"token": a.Action + " " + a.Name + " " + a.Region + " " + a.Version, "csrf": "1"}
		}
		p := newPlot(t, Config{Live: true, Form: form, Viewer: func(*http.Request) string { return "kim" }}, environment("login"), protected, busy, odd, tagged)
		p.set(func(c *cloud) {
			c.snapshot.Removed = []envs.Gone{
				{Name: "shop-gone", Application: "shop", Feature: "gone", Until: midnight.Add(time.Hour), Record: store.Record{Restorable: &store.Restorable{ID: "e-gone"}}},
				{Name: "shop-lost", Application: "shop", Feature: "lost"},
			}
		})
		for feature, want := range map[string]string{
			"login": "extend protect remove rollback", "kept": "extend unprotect rollback", "tagged": "extend rollback", "busy": "", "gone": "restore", "lost": "", "a\u200bb": "extend protect remove rollback",
		} {
			s := p.board.hub.recent(t.Context())
			l := s.named("shop", feature, "")
			r, err := http.NewRequest(http.MethodGet, "/", nil)
			if l == nil || err != nil {
				t.Fatalf("%q: %v", feature, err)
			}
			var got []string
			for _, f := range p.board.forms(r, l, s.subjects[l.Key]) {
				got = append(got, f.Act)
				fields := map[string]string{}
				for _, x := range f.Fields {
					fields[x.Name] = x.Value
				}
				version := map[string]string{"rollback": "v1"}[f.Act]
				if fields["action"] != f.Act || fields["feature"] != feature || fields["id"] != "e-"+feature || fields["version"] != version || fields["csrf"] != "1" ||
					fields["token"] != f.Act+" shop-"+feature+" us-east-1 "+version {
					t.Errorf("%s: the fields are %v", feature, fields)
				}
			}
			if acts := strings.Join(got, " "); acts != want {
				t.Errorf("%s: the acts are %q, want %q", feature, acts, want)
			}
		}
		if text := p.get(t, "/features/shop/gone").Body.String(); !strings.Contains(text, `action="/act"`) {
			t.Errorf("the page of a removed feature can't bring it back:\n%s", text)
		}
	})
}

func TestWhatCannotBeReadOfAFeatureIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cloud{snapshot: envs.Snapshot{Environments: []envs.Environment{environment("login")}}}
		source := c.source()
		source.Application = "forum"
		source.Events = func(context.Context, envs.Environment, time.Time) ([]beanstalk.Event, error) {
			return nil, errors.New("no <events>")
		}
		source.Versions = func(context.Context, envs.Environment) ([]envs.Version, error) { return nil, errors.New("no versions") }
		p := newPlot(t, Config{Sources: []Source{source}})
		_, words := elements(t, p.get(t, "/features/shop/login").Body.String())
		for _, want := range []string{"events can't be read now: no <events>", "versions can't be read now: no versions", "commit aaaa"} {
			if !strings.Contains(words, want) {
				t.Errorf("the page lacks %q: %s", want, words)
			}
		}
	})
}

func TestFeaturesOfTwoRegionsAreToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		west := environment("login")
		west.Owner = "Ann"
		c := &cloud{snapshot: envs.Snapshot{Environments: []envs.Environment{west}}}
		source := c.source()
		source.Region = "us-west-2"
		p := newPlot(t, Config{Sources: []Source{source}}, environment("login"))
		text := p.get(t, "/").Body.String()
		for region, owner := range map[string]string{"us-west-2": "Ann", "us-east-1": "Kim"} {
			page := "/features/shop/login?region=" + region
			if !strings.Contains(text, `href="`+page+`"`) {
				t.Errorf("the list does not lead to %s:\n%s", page, text)
			}
			if _, words := elements(t, p.get(t, page).Body.String()); !strings.Contains(words, owner) || !strings.Contains(words, "shop in "+region) {
				t.Errorf("%s is another one's: %s", page, words)
			}
		}
	})
}

func TestLogsAreGatheredOnceForAllWhoLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := environment("gone")
		gone.State = envs.Terminated
		p := newPlot(t, Config{Mask: func(s string) string { return strings.ReplaceAll(s, "geheim", "***") }}, environment("login"), gone)
		p.set(func(c *cloud) {
			c.logs = func(ctx context.Context) (string, error) {
				select {
				case <-ctx.Done():
					return "", ctx.Err()
				case <-time.After(logWait + time.Second):
					return "== i-1\n<b>token</b> geheim \x1b[31mred\u202e\n", nil
				}
			}
		})
		if text := p.get(t, "/features/shop/login").Body.String(); !strings.Contains(text, `href="/logs/shop/login"`) {
			t.Errorf("the feature's page has no link to its logs:\n%s", text)
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if text := p.get(t, "/logs/shop/login").Body.String(); !strings.Contains(text, `http-equiv="refresh"`) || !strings.Contains(text, "AWS is gathering") {
					t.Errorf("while AWS gathers logs the page is\n%s", text)
				}
			})
		}
		all.Wait()
		time.Sleep(5 * time.Second)
		text := p.get(t, "/logs/shop/login").Body.String()
		if _, words := elements(t, text); !strings.Contains(words, "== i-1\n<b>token</b> *** red\\u202e\n") || strings.Contains(text, `<meta http-equiv="refresh" content="5">`) {
			t.Errorf("the page of the logs is\n%s", text)
		}
		if p.set(func(*cloud) {}); p.gathered != 1 {
			t.Errorf("AWS gathered the logs %d times", p.gathered)
		}
		time.Sleep(logAge)
		p.set(func(c *cloud) {
			c.logs = func(context.Context) (string, error) { return "", errors.New("no <instance>") }
		})
		if _, words := elements(t, p.get(t, "/logs/shop/login").Body.String()); !strings.Contains(words, "The logs can't be read: no <instance>") {
			t.Errorf("logs that can't be read are shown as %s", words)
		}
		if w := p.get(t, "/logs/shop/gone"); w.Code != http.StatusNotFound {
			t.Errorf("the logs of what has gone: %d", w.Code)
		}
	})
}

func TestFewDetailsAreReadAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []envs.Environment
		for i := range 30 {
			all = append(all, environment(fmt.Sprintf("f%d", i)))
		}
		p := newPlot(t, Config{}, all...)
		p.get(t, "/")
		began := time.Now()
		var looking sync.WaitGroup
		for i := range 30 {
			looking.Go(func() {
				w := p.get(t, fmt.Sprintf("/features/shop/f%d", i))
				if text := w.Body.String(); !strings.Contains(text, "commit aaaa") || strings.Contains(text, "deadline") {
					t.Errorf("a page says %s", text)
				}
			})
		}
		looking.Wait()
		if took := time.Since(began); took < 8*detailPause {
			t.Errorf("AWS was asked about 30 features within %v", took)
		}
		time.Sleep(time.Minute)
		began = time.Now()
		if p.get(t, "/features/shop/f0"); time.Since(began) != 0 {
			t.Errorf("a single page waits %v", time.Since(began))
		}
	})
}
