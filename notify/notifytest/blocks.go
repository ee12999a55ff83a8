package notifytest

import (
	"encoding/json"
	"unicode/utf8"
)

// Limits of Block Kit, in characters and in pieces.
const (
	maxBlocks   = 50
	maxFields   = 10
	maxElements = 25 // of actions
	maxContext  = 10
	maxHeader   = 150
	maxText     = 3000
	maxField    = 2000
	maxLine     = 4000 // of a message's own text
	maxLabel    = 75
	maxValue    = 2000
	maxActionID = 255
)

type textObject struct{ Type, Text string }

type block struct {
	Type     string
	Text     *textObject
	Fields   []textObject
	Elements []element
}

// element is a button, or a text of a context.
type element struct {
	Type     string
	Text     json.RawMessage
	ActionID string `json:"action_id"`
	Value    string
	Style    string
	Confirm  *struct{ Title, Text, Confirm, Deny textObject }
}

// label returns the text of a button.
func (e element) label() (t textObject) {
	_ = json.Unmarshal(e.Text, &t)
	return t
}

// line returns the text of a context's element.
func (e element) line() (s string) {
	_ = json.Unmarshal(e.Text, &s)
	return s
}

// Button is a button of a message.
type Button struct {
	Action  string // its action id
	Label   string
	Value   string
	Confirm bool // it asks before it is pressed
}

// Buttons returns the buttons of a message.
func (m Message) Buttons() (all []Button) {
	var blocks []block
	_ = json.Unmarshal(m.Blocks, &blocks)
	for _, b := range blocks {
		for _, e := range b.Elements {
			if e.Type == "button" {
				all = append(all, Button{Action: e.ActionID, Label: e.label().Text, Value: e.Value, Confirm: e.Confirm != nil})
			}
		}
	}
	return all
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
		return b.Text != nil && b.Text.plain(maxHeader)
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
	case "context":
		for _, e := range b.Elements {
			if !(textObject{e.Type, e.line()}).legal(maxText) {
				return false
			}
		}
		return 0 < len(b.Elements) && len(b.Elements) <= maxContext
	case "actions":
		ids := map[string]bool{}
		for _, e := range b.Elements {
			if !e.legalButton() || ids[e.ActionID] {
				return false
			}
			ids[e.ActionID] = true
		}
		return 0 < len(b.Elements) && len(b.Elements) <= maxElements
	}
	return false
}

func (e element) legalButton() bool {
	ok := e.Type == "button" && e.label().plain(maxLabel) && utf8.RuneCountInString(e.Value) <= maxValue
	ok = ok && e.ActionID != "" && utf8.RuneCountInString(e.ActionID) <= maxActionID
	ok = ok && (e.Style == "" || e.Style == "primary" || e.Style == "danger")
	if c := e.Confirm; c != nil {
		ok = ok && c.Title.plain(100) && c.Text.legal(300) && c.Confirm.plain(30) && c.Deny.plain(30)
	}
	return ok
}

func (t textObject) plain(limit int) bool { return t.Type == "plain_text" && t.legal(limit) }

func (t textObject) legal(limit int) bool {
	n := utf8.RuneCountInString(t.Text)
	return (t.Type == "plain_text" || t.Type == "mrkdwn") && 0 < n && n <= limit
}
