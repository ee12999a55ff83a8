package store

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"beansprout/visible"
)

const (
	// historyLimit is how many happenings a record keeps, and happeningLimit how many characters each
	// of their texts has.
	historyLimit   = 50
	happeningLimit = 200
	// pressLimit is how many presses a record keeps.
	pressLimit = 32
	// announcerLimit is how many announcers an attempt to warn names.
	announcerLimit = 8
	// textLimit is how many characters another text of the record has that messages show.
	textLimit = 1000
	// urlLimit is how many bytes a URL has, and buildLimit that of a happening.
	urlLimit   = 2000
	buildLimit = 300
	// logLimit is how many bytes a log has, and logsLimit how many failures have one.
	logLimit  = 4 << 10
	logsLimit = 2
)

// Happening is one thing that happened to an environment.
type Happening struct {
	At   time.Time `json:"at,omitzero"`
	ID   string    `json:"id,omitempty"`   // of the environment; "" while there was none
	What string    `json:"what,omitempty"` // deployed, failed, extended, protected, warned, pressed, removed, restored ...
	By   string    `json:"by,omitempty"`
	Text string    `json:"text,omitempty"`

	Build string `json:"build,omitempty"` // URL of the CI's run that did it
	Log   string `json:"log,omitempty"`   // of a failure, the last lines that tell of it; the last few failures have one
}

// Note adds what has just happened to the history. The oldest entries go when there are too many.
func (r *Record) Note(h Happening) {
	if h.At.IsZero() {
		h.At = r.At
	}
	if h.ID == "" {
		h.ID = r.Environment
	}
	r.History = append(slices.Clone(r.History), h)
	r.History = r.History[max(0, len(r.History)-historyLimit):]
}

// AddLog adds the log of a failure that was noted. It adds nothing if the history does not have that any more.
func (r *Record) AddLog(failure Happening, log string) {
	r.History = slices.Clone(r.History)
	for i := len(r.History) - 1; i >= 0; i-- { // of two that are alike the newest
		h := &r.History[i]
		if h.At.Equal(failure.At) && h.ID == failure.ID && h.What == failure.What && h.By == failure.By && h.Text == failure.Text {
			h.Log = log
			return
		}
	}
}

// Press notes that the button with this token was pressed. It reports false, and notes nothing, if it
// was pressed before. The record keeps no token itself: others may read it.
func (r *Record) Press(token string) bool {
	sum := sha256.Sum256([]byte(token))
	press := hex.EncodeToString(sum[:16])
	if slices.Contains(r.Presses, press) {
		return false
	}
	r.Presses = append(slices.Clone(r.Presses), press)
	r.Presses = r.Presses[max(0, len(r.Presses)-pressLimit):]
	return true
}

// fit cuts what is too long, and drops logs and then happenings, the oldest first, until the record has at
// most limit bytes. It reports false where those are not what makes it too large.
func (r *Record) fit(limit int) bool {
	r.sanitizeTexts()
	over := size(*r) - limit
	for i := range r.History {
		if over > 0 && r.History[i].Log != "" {
			r.History[i].Log = ""
			over = size(*r) - limit
		}
	}
	for over > 0 && len(r.History) > 0 {
		r.History = r.History[1:]
		over = size(*r) - limit
	}
	return over <= 0
}

// sanitizeTexts corrects, without a change of what other records share, what is shown to people or
// grows with what happens.
func (r *Record) sanitizeTexts() {
	r.Presses = slices.Clone(r.Presses[max(0, len(r.Presses)-pressLimit):])
	r.Presses = slices.DeleteFunc(r.Presses, func(s string) bool { return len(s) != 32 })
	r.History = slices.Clone(r.History[max(0, len(r.History)-historyLimit):])
	for i := range r.History {
		h := &r.History[i]
		h.At = valid(h.At)
		for _, s := range []*string{&h.ID, &h.What, &h.By, &h.Text} {
			*s = visible.Line(*s, happeningLimit)
		}
		if len(h.Build) > buildLimit { // a part of a URL is none
			h.Build = ""
		}
	}
	sanitizeLogs(r.History)
	r.Stuck = visible.Line(r.Stuck, happeningLimit)
	r.LastDeploy = r.LastDeploy.sanitized()
	if r.Restorable != nil {
		removed := *r.Restorable
		removed.LastDeploy = removed.LastDeploy.sanitized()
		r.Restorable = &removed
	}
	if a := r.Attempt; a != nil {
		told := a.Told[:min(len(a.Told), announcerLimit)]
		r.Attempt = &WarningAttempt{valid(a.At), valid(a.Expires), visible.Line(a.Token, textLimit), told}
	}
	if w := r.Warned; w != nil {
		r.Warned = &Warning{valid(w.At), valid(w.Expires)}
	}
}

// sanitizeLogs leaves the last few logs, and of each its end.
func sanitizeLogs(history []Happening) {
	logs := 0
	for i := len(history) - 1; i >= 0; i-- {
		h := &history[i]
		if h.Log == "" {
			continue
		}
		if logs++; logs > logsLimit {
			h.Log = ""
		}
		h.Log = strings.TrimSpace(lastLines(visible.Lines(lastLines(h.Log))))
	}
}

// lastLines returns the end of a log, from the beginning of a line on.
func lastLines(log string) string {
	if len(log) <= logLimit {
		return log
	}
	log = log[len(log)-logLimit:]
	if _, lines, ok := strings.Cut(log, "\n"); ok && lines != "" {
		return lines
	}
	return strings.ToValidUTF8(log, "")
}

func (l LastDeploy) sanitized() LastDeploy {
	if len(l.BuildURL) > urlLimit { // a part of a URL is none
		l.BuildURL = ""
	}
	return LastDeploy{valid(l.At), visible.Line(l.TTL, textLimit), visible.Line(l.Subject, textLimit), visible.Line(l.Email, textLimit), visible.Line(l.Owner, textLimit), visible.Line(l.BuildURL, urlLimit)}
}

// valid returns t in UTC, or the zero time if it could not be written again.
func valid(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}
