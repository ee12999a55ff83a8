package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestHistoryAndPressesOutliveTheEnvironment(t *testing.T) {
	var r Record
	r.SetEnvironment("e-1")
	r.Warned, r.Attempt, r.MissingSince = &Warning{At: time.Now()}, &WarningAttempt{}, time.Now()
	r.Note(Happening{What: "deployed"})
	if !r.Press("a") {
		t.Error("the first press does not count")
	}
	r.MakeTombstone(nil)
	r.SetEnvironment("e-2")
	r.Note(Happening{What: "deployed"})
	if r.Press("a") || !r.Press("b") {
		t.Errorf("presses: %q", r.Presses)
	}
	if len(r.History) != 2 || r.History[0].ID != "e-1" || r.History[1].ID != "e-2" {
		t.Errorf("history: %+v", r.History)
	}
	if r.Warned != nil || r.Attempt != nil || !r.MissingSince.IsZero() {
		t.Errorf("what is said about the former environment stays: %+v", r)
	}
}

func TestHistoryAndPressesAreBounded(t *testing.T) {
	var r Record
	for i := range 2 * historyLimit {
		shared := r
		r.Note(Happening{What: fmt.Sprint(i)})
		r.Press(fmt.Sprint(i))
		if len(shared.History) > 0 && shared.History[len(shared.History)-1].What != fmt.Sprint(i-1) {
			t.Fatal("a note alters the record that was read")
		}
	}
	if n := len(r.History); n != historyLimit || r.History[0].What != "50" || r.History[n-1].What != "99" {
		t.Errorf("%d happenings: %+v", n, r.History)
	}
	if len(r.Presses) != pressLimit || r.Press("99") || !r.Press("0") {
		t.Errorf("%d presses", len(r.Presses))
	}
}

// What is written must be readable, and what is no history must survive it.
func TestTheOldestHistoryGoesFromARecordThatIsTooFull(t *testing.T) {
	t.Parallel()
	s := open(t)
	for i := range historyLimit {
		_, err := s.Change(t.Context(), "x", func(r *Record) {
			if i == 0 {
				r.Environment, r.RequestNumber = "e-1", 7
			}
			r.Note(Happening{What: fmt.Sprint(i), Build: strings.Repeat("u", buildLimit+1), By: strings.Repeat("\u2603", 300), Text: "\x1b[2J" + strings.Repeat("<", 300)})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r, err := s.Read(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	n := len(r.History)
	if size(r) > maxRecordBytes/2 || n < 10 || n >= historyLimit || r.History[n-1].What != "49" || r.RequestNumber != 7 {
		t.Fatalf("%d bytes, request %d, %d happenings: %+v", size(r), r.RequestNumber, n, r.History)
	}
	if r.History[0].Build != "" {
		t.Error("a part of a URL is kept")
	}
	if text := r.History[0].Text; len([]rune(text)) != happeningLimit || !strings.HasPrefix(text, "<") {
		t.Errorf("a text of %d characters: %.20q", len([]rune(text)), text)
	}
}

func TestLogsGoFirstFromARecordThatIsTooFull(t *testing.T) {
	log := strings.Repeat("a line\n", 500)
	var r Record
	for i := range 3 {
		r.Note(Happening{What: "failed", Text: fmt.Sprint(i)})
		r.AddLog(r.History[i], log)
	}
	r.AddLog(Happening{What: "failed", Text: "7"}, "of none")
	logs := func() (n string) {
		for _, h := range r.History {
			n += fmt.Sprint(len(h.Log), " ")
		}
		return strings.TrimSpace(n)
	}
	if was := logs(); was != "3500 3500 3500" {
		t.Fatalf("the logs have %s bytes", was)
	}
	for _, tt := range []struct {
		limit int
		want  string
	}{{20_000, "0 3499 3499"}, {6000, "0 0 3499"}, {1000, "0 0 0"}} {
		if !r.fit(tt.limit) || logs() != tt.want {
			t.Errorf("in %d bytes the logs have %s, want %s", tt.limit, logs(), tt.want)
		}
	}
	if _, err := json.Marshal(r); err != nil || r.fit(1) || len(r.History) > 0 {
		t.Errorf("in one byte there are %d happenings, %v", len(r.History), err)
	}
}

func TestAHostileLogIsCorrected(t *testing.T) {
	for log, want := range map[string]string{
		"a\x1b[31mb\r\nc\x00d\te\n\n":         "ab\ncd\te",
		"\u202eevil":                          `\u202eevil`,
		strings.Repeat("x", 5000):             strings.Repeat("x", logLimit),
		strings.Repeat("로", 2000):             strings.Repeat("로", logLimit/3),
		"first\n" + strings.Repeat("y", 4091): strings.Repeat("y", 4091),
	} {
		r := Record{History: []Happening{{What: "failed", Log: log}}}
		for range 2 {
			if r.sanitizeTexts(); r.History[0].Log != want {
				t.Errorf("%.20q becomes %.20q", log, r.History[0].Log)
			}
		}
	}
}

func TestHostileTextsAndDatesOfARecordAreCorrected(t *testing.T) {
	late, early := `"9999-12-31T23:59:59-23:00"`, `"0000-01-01T00:00:00+23:00"`
	list := func(element string, n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
	}
	for _, date := range []string{late, early} {
		text := `{"environment": "e-1", "extended": ` + date + `, "tried": ` + date + `, "missing": ` + date + `,
			"last": {"at": ` + date + `, "subject": "a\u001b[31m\nb", "email": "x\u0000@y", "build": "` + strings.Repeat("u", 3000) + `"},
			"warned": {"at": ` + date + `, "expires": ` + date + `},
			"warning": {"at": ` + date + `, "expires": ` + date + `, "told": ` + list(`"Slack"`, 100) + `},
			"presses": ` + list(`"x"`, 100) + `,
			"history": ` + list(`{"at": `+date+`, "what": "\u0007", "text": "one\r\ntwo"}`, 60) + `}`
		r, err := parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for what, at := range map[string]time.Time{
			"Extended": r.Extended, "RemovalStarted": r.RemovalStarted, "MissingSince": r.MissingSince, "LastDeploy": r.LastDeploy.At,
			"Warned.At": r.Warned.At, "Warned.Expires": r.Warned.Expires, "Attempt": r.Attempt.At, "History": r.History[0].At,
		} {
			if !at.IsZero() {
				t.Errorf("%s is %v", what, at)
			}
		}
		if r.LastDeploy.Subject != "a b" || r.LastDeploy.Email != "x @y" || r.LastDeploy.BuildURL != "" {
			t.Errorf("the last deploy: %+v", r.LastDeploy)
		}
		if len(r.Presses) != 0 || len(r.History) != historyLimit || len(r.Attempt.Told) != announcerLimit {
			t.Errorf("%d presses, %d happenings, told %d", len(r.Presses), len(r.History), len(r.Attempt.Told))
		}
		if h := r.History[0]; h.What != "" || h.Text != "one two" {
			t.Errorf("a happening: %+v", h)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
	}
	if _, err := parse([]byte(`{"history": "x"}`)); !errors.Is(err, ErrGarbage) {
		t.Errorf("a history that is none: %v", err)
	}
}
