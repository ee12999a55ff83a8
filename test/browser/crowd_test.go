//go:build !race

package browser

import (
	"crypto/sha1"
	"fmt"
	"strings"
	"time"

	"beansprout/envs"
	"beansprout/envs/store"
)

// canary is a script that leaves a mark in the page where it runs.
const canary = `document.documentElement.dataset.canary='ran'`

// hostile are texts of people who try what a page takes.
var hostile = []string{
	`<script>` + canary + `</script>`,
	`"><img src=x onerror="` + canary + `">`,
	`' autofocus onfocus=` + canary + ` x='`,
	`</td></tr></table></main><h1>gone</h1><style>*{display:none}</style>`,
	`javascript:` + canary,
	`{{.Secret}}${7*7}<!-- <template> ]]> &lt;b&gt;&#x3c;i&#x3e;`,
	"\u202eedoc.exe\u202c \u2066left\u2069 עברית ومرحبا",
	strings.Repeat("long", 75),
	strings.Repeat("W", 120) + "/" + strings.Repeat("i", 120),
	"Z̸̡̢͎͎̼a̷̢͖̭͋͌l̶̛̰͝g̵̖͌ȯ̷͜ " + strings.Repeat("e\u0301\u0302\u0303\u0304\u0305", 40),
	"기능/로그인-화면-다시-만들기" + strings.Repeat("가나다라마바사", 8),
	"emoji/👩🏽‍🚀🏳️‍🌈" + strings.Repeat("🫘", 30),
	"tab\there\nand a line\r\nand a null\x00end",
	strings.Repeat("a ", 100),
}

// environment returns a living environment of the feature, made some days ago.
func environment(feature string, i int, now time.Time) envs.Environment {
	name := fmt.Sprintf("shop-feature-%04d-abcdefghij", i)
	id := fmt.Sprintf("e-%010d", i)
	age := time.Duration(i%120+1) * time.Hour
	e := envs.Environment{
		Env: envs.Env{
			ID: id, Name: name, Application: "shop", CNAME: name + ".localhost:8080", State: envs.Ready, Health: "Green", Status: "Ok",
			Version: name + "-v1", Created: now.Add(-age), Updated: now.Add(-age / 2), Feature: feature,
			Commit: fmt.Sprintf("%x", sha1.Sum([]byte(feature))), Owner: []string{"Kim", "Lee", "Ada Lovelace", "Grace Hopper"}[i%4],
		},
		Expires: now.Add(5*24*time.Hour - age), Source: envs.SourceBranch, Tags: envs.Tags{},
	}
	e.Record = &store.Record{
		Counter: 1, Environment: id, Feature: feature, Application: "shop", Version: e.Version, Commit: e.Commit,
		LastDeploy: store.LastDeploy{At: now.Add(-age / 2), Subject: fmt.Sprintf("Change number %d of the shop", i), BuildURL: fmt.Sprintf("https://ci.example.com/job/shop/%d", i), Owner: e.Owner},
		History: []store.Happening{
			{At: now.Add(-age), ID: id, What: "created", By: e.Owner, Text: "commit " + e.Commit[:12]},
			{At: now.Add(-age / 2), ID: id, What: "deployed", By: e.Owner, Text: "commit " + e.Commit[:12]},
		},
	}
	return e
}

// crowd returns n living environments in all states, and a tenth as many removed features.
func crowd(n int, now time.Time) envs.Snapshot {
	s := envs.Snapshot{Now: now}
	for i := range n {
		e := environment(fmt.Sprintf("feature/%04d-basket", i), i, now)
		switch i % 20 {
		case 3:
			e.Health, e.Status = "Red", "Severe"
			e.Record.Outcome = &store.Outcome{Verb: "deploy", Result: "failed", Reason: "the URL answers 502 Bad Gateway", At: now.Add(-time.Hour)}
			e.Record.History = append(e.Record.History, store.Happening{At: now.Add(-time.Hour), ID: e.ID, What: "failed", By: "Kim", Text: "the URL answers 502\npanic: no database\ngoroutine 1 [running]"})
		case 7:
			e.Expires = now.Add(3 * time.Hour)
		case 11:
			e.Record.Protected = &store.Protection{By: "Lee", Reason: "the customer looks at it on Friday", Since: now.Add(-time.Hour)}
		case 13:
			e.State, e.Health = envs.Updating, "Grey"
			e.Record.Lease = &store.LeaseOwner{Holder: "x", Verb: "up", By: "Jenkins", Since: now.Add(-time.Minute), Renewed: now}
		case 17:
			e.Expires = now.Add(-2 * time.Hour)
		}
		s.Environments = append(s.Environments, e)
	}
	for i := range (n + 9) / 10 {
		e := environment(fmt.Sprintf("old/%04d", i), n+i, now)
		rec := store.Record{Counter: 1, Feature: e.Feature, Application: "shop", History: append(e.Record.History, store.Happening{At: now.Add(-time.Hour), ID: e.ID, What: "removed", By: "the janitor", Text: "its days were over"})}
		g := envs.Gone{Name: e.Name, Application: "shop", Feature: e.Feature, Commit: e.Commit, Owner: e.Owner, Removed: now.Add(-time.Hour), Record: rec}
		if i%2 == 0 {
			g.Record.Restorable = &store.Restorable{At: now.Add(-time.Hour), ID: e.ID, Version: e.Version, Commit: e.Commit, LastDeploy: e.Record.LastDeploy}
			g.Until = now.Add(48 * time.Hour)
		}
		s.Removed = append(s.Removed, g)
	}
	return s
}

// rabble returns environments whose every text is hostile.
func rabble(now time.Time) envs.Snapshot {
	s := envs.Snapshot{Now: now}
	for i, text := range hostile {
		e := environment(text, i, now)
		e.Owner, e.Status = text, text
		e.Record.LastDeploy.Subject, e.Record.LastDeploy.Owner = text, text
		e.Record.LastDeploy.BuildURL = []string{text, "javascript:" + canary, "http://" + text, "https://ci.example.com/" + text}[i%4]
		e.Record.Outcome = &store.Outcome{Verb: "deploy", Result: "failed", Reason: text}
		if i%2 == 0 {
			e.Record.Protected = &store.Protection{By: text, Reason: text}
		}
		e.Record.History = append(e.Record.History, store.Happening{At: now, ID: e.ID, What: text, By: text, Text: text + "\n" + text, Log: text + "\n" + text})
		s.Environments = append(s.Environments, e)
		g := envs.Gone{Name: e.Name + "-old", Application: "shop", Feature: "old " + text, Commit: text, Owner: text, Record: store.Record{Stuck: text}}
		s.Removed = append(s.Removed, g)
	}
	s.Warnings = hostile
	return s
}
