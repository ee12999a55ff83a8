package notifytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf8"
)

// Answer is a way to misbehave.
type Answer func(s *Server, w http.ResponseWriter, r *http.Request)

// Refuse answers as Slack refuses: status 200, and an error code.
func Refuse(code string) Answer {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) { refuse(w, code) }
}

// RateLimit answers status 429 and asks to wait.
func RateLimit(seconds int) Answer {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", fmt.Sprint(seconds))
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

// Body answers status and body.
func Body(status int, body string) Answer {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// Redirect sends the client elsewhere, with the request's body.
func Redirect(url string) Answer {
	return func(_ *Server, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, url, http.StatusTemporaryRedirect)
	}
}

// Hang never answers.
func Hang() Answer {
	return func(s *Server, _ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-s.closed:
		}
	}
}

// HangUp closes the connection without an answer.
func HangUp() Answer {
	return func(*Server, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
}

func refuse(w http.ResponseWriter, code string) {
	write(w, map[string]any{"ok": false, "error": code})
}

func write(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer)
}

// Limits of Block Kit, in characters and in pieces.
const (
	maxBlocks = 50
	maxFields = 10
	maxHeader = 150
	maxText   = 3000
	maxField  = 2000
	maxLine   = 4000 // of a message's own text
)

type textObject struct{ Type, Text string }

type block struct {
	Type   string
	Text   *textObject
	Fields []textObject
}

// check returns the error code with which Slack would refuse a message, or "".
func check(m Message) string {
	var blocks []block
	if len(m.Blocks) > 0 && json.Unmarshal(m.Blocks, &blocks) != nil {
		return "invalid_blocks_format"
	}
	switch {
	case m.Text == "" && len(blocks) == 0:
		return "no_text"
	case utf8.RuneCountInString(m.Text) > maxLine:
		return "msg_too_long"
	case len(blocks) > maxBlocks:
		return "invalid_blocks"
	}
	for _, b := range blocks {
		if !b.legal() {
			return "invalid_blocks"
		}
	}
	return ""
}

func (b block) legal() bool {
	switch b.Type {
	case "header":
		return b.Text != nil && b.Text.Type == "plain_text" && b.Text.legal(maxHeader)
	case "section":
		if b.Text == nil && len(b.Fields) == 0 || len(b.Fields) > maxFields {
			return false
		}
		for _, f := range b.Fields {
			if !f.legal(maxField) {
				return false
			}
		}
		return b.Text == nil || b.Text.legal(maxText)
	}
	return false
}

func (t textObject) legal(limit int) bool {
	n := utf8.RuneCountInString(t.Text)
	return (t.Type == "plain_text" || t.Type == "mrkdwn") && 0 < n && n <= limit
}
