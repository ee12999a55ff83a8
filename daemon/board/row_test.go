package board

import (
	"strings"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/envs/store"
)

func TestTheStateOfARow(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*envs.Environment)
		state  string
		marks  string // besides the state
	}{
		"at rest":         {func(*envs.Environment) {}, stateRunning, ""},
		"launching":       {func(e *envs.Environment) { e.State = envs.Launching; e.Health = "Red" }, stateLaunching, ""},
		"updating":        {func(e *envs.Environment) { e.State = "LinkingTo" }, stateUpdating, ""},
		"terminating":     {func(e *envs.Environment) { e.State, e.Expires = envs.Terminating, midnight }, stateRemoving, ""},
		"red":             {func(e *envs.Environment) { e.Health = "Red" }, stateFailing, ""},
		"yellow":          {func(e *envs.Environment) { e.Health = "Yellow" }, stateRunning, ""},
		"a failed deploy": {func(e *envs.Environment) { e.Record.Outcome = &store.Outcome{Verb: "up", Result: "failed"} }, stateFailing, ""},
		"an earlier one's": {func(e *envs.Environment) {
			e.Record.Environment = "e-before"
			e.Record.Outcome = &store.Outcome{Result: "failed"}
		}, stateRunning, ""},
		"a deploy that went on": {func(e *envs.Environment) { e.Record.Outcome = &store.Outcome{Result: "deployed"} }, stateRunning, ""},
		"due":                   {func(e *envs.Environment) { e.Expires = midnight.Add(dueWithin - time.Second) }, stateRunning, markDue},
		"not due yet":           {func(e *envs.Environment) { e.Expires = midnight.Add(dueWithin) }, stateRunning, ""},
		"overdue":               {func(e *envs.Environment) { e.Expires = midnight.Add(-time.Hour) }, stateRunning, markDue},
		"of no end":             {func(e *envs.Environment) { e.Expires = time.Time{} }, stateRunning, ""},
		"protected and over":    {func(e *envs.Environment) { e.Expires, e.Record.Protected = midnight, &store.Protection{By: "kim"} }, stateRunning, markProtected},
		"protected by its tag":  {func(e *envs.Environment) { e.Tags = envs.Tags{envs.TagLifecycle: envs.Keep} }, stateRunning, markProtected},
	} {
		e := environment("login")
		tt.change(&e)
		w := writer{feed: &feed{Source: new(cloud).source()}, mask: func(s string) string { return s }, now: midnight}
		r := w.environment(e)
		if marks := strings.TrimSpace(strings.TrimPrefix(r.Marks, " "+r.State)); r.State != tt.state || marks != tt.marks {
			t.Errorf("%s: %s, marked as %q, want %s and %q", name, r.State, marks, tt.state, tt.marks)
		}
	}
}

func TestOnlyLinksToWebPagesAreLinks(t *testing.T) {
	for link, want := range map[string]string{
		"https://ci.example.com/job/7?x=1#log": "https://ci.example.com/job/7?x=1#log", "http://shop.localhost:8080": "http://shop.localhost:8080", "http://[::1]:80/": "http://[::1]:80/",
		"": "", "ci.example.com/7": "", "//ci.example.com": "", "javascript:alert(1)": "", "javascript://x/%0aalert(1)": "", "ftp://ci.example.com": "", "data:text/html,x": "",
		"https://kim:geheim@ci.example.com": "", "https://": "", "https://a b/": "", "https://a\u202eb/": "", "https://a/\u202e": "https://a/%E2%80%AE", "http://%3cb%3e": "", "HTTPS://ci.example.com": "https://ci.example.com", "%": "",
	} {
		if got := webLink(link); got != want {
			t.Errorf("webLink(%q) = %q, want %q", link, got, want)
		}
	}
}
