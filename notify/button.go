package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"
)

// Action is what a button asks for.
type Action string

// The actions of buttons.
const (
	ActionExtend    Action = "extend" // by ExtendBy
	ActionProtect   Action = "protect"
	ActionUnprotect Action = "unprotect"
	ActionRemove    Action = "remove"
	ActionRestore   Action = "restore"
	ActionTest      Action = "test" // of the message of Test
)

// ExtendBy is how many days more the button of ActionExtend asks for.
const ExtendBy = 3 * 24 * time.Hour

var actions = []Action{ActionExtend, ActionProtect, ActionUnprotect, ActionRemove, ActionRestore, ActionTest}

// Button is what the value of a button says: what to do with which environment.
type Button struct {
	Action      Action
	Account     string
	Region      string
	Application string
	Name        string // of the environment
	ID          string // of the environment: the button is for no other one of this name
	Feature     string
	Token       string // random: each button acts once
}

// ErrButton is reported when the value of a pressed button isn't one that was sealed with this
// bot's token.
var ErrButton = errors.New("this button was not made by this app, or with another token")

// maxButtonValue is the size of a button's value (Block Kit reference), in bytes to be safe.
const maxButtonValue = 2000

var encoding = base64.RawURLEncoding.Strict()

func (b Button) fields() []string {
	return []string{string(b.Action), b.Account, b.Region, b.Application, b.Name, b.ID, b.Feature, b.Token}
}

// SealButton returns the value of a button, which ParseButton accepts. It refuses what is too long
// for Slack, and text that can't be a name.
func (s *Slack) SealButton(b Button) (string, error) {
	text := strings.Join(b.fields(), "\x00")
	if !slices.Contains(actions, b.Action) || strings.Count(text, "\x00") != len(b.fields())-1 || !utf8.ValidString(text) {
		return "", errors.New("seal a button: a field has an invalid value")
	}
	value := encoding.EncodeToString(append(s.buttonMAC(text), text...))
	if len(value) > maxButtonValue {
		return "", errors.New("seal a button: the names are too long for Slack")
	}
	return value, nil
}

// ParseButton returns what a pressed button asks for. Everything in a press may be forged but what
// this function returns: the value was made by SealButton with the same token, and is unchanged.
// It reports ErrButton otherwise.
func (s *Slack) ParseButton(value string) (Button, error) {
	if len(value) > maxButtonValue {
		return Button{}, ErrButton
	}
	sealed, err := encoding.DecodeString(value)
	if err != nil || len(sealed) < sha256.Size || encoding.EncodeToString(sealed) != value { // decoding ignores line ends
		return Button{}, ErrButton
	}
	seal, text := sealed[:sha256.Size], string(sealed[sha256.Size:])
	if !hmac.Equal(seal, s.buttonMAC(text)) {
		return Button{}, ErrButton
	}
	f := strings.Split(text, "\x00")
	if len(f) != len(Button{}.fields()) || !slices.Contains(actions, Action(f[0])) {
		return Button{}, ErrButton // of another version
	}
	return Button{Action(f[0]), f[1], f[2], f[3], f[4], f[5], f[6], f[7]}, nil
}

// buttonMAC seals the text of a button. Its key is derived from the bot's token, and seals nothing
// but buttons.
func (s *Slack) buttonMAC(text string) []byte {
	key := hmac.New(sha256.New, []byte(s.token))
	key.Write([]byte("beansprout button 1"))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// actions returns the block of buttons of a message about p, nil when it has none.
func (s *Slack) actions(p Post) slack.Block {
	if !p.Buttons || p.State == moved || p.Account == "" || p.Region == "" || p.Application == "" || p.Name == "" || p.ID == "" {
		return nil
	}
	var all []slack.BlockElement
	for _, a := range offered(p) {
		b := Button{a, p.Account, p.Region, p.Application, p.Name, p.ID, p.Feature, s.random()}
		value, err := s.SealButton(b)
		if err != nil {
			return nil // a message without buttons is better than none
		}
		all = append(all, element(a, value, p.Feature))
	}
	if len(all) == 0 {
		return nil
	}
	return slack.NewActionBlock("", all...)
}

// offered returns the buttons of a message about p.
func offered(p Post) []Action {
	protect := ActionProtect
	if p.Protected != "" {
		protect = ActionUnprotect
	}
	switch {
	case p.State != Removed:
		return []Action{ActionExtend, protect, ActionRemove}
	case !p.Restorable.IsZero():
		return []Action{ActionRestore}
	}
	return nil
}

// element returns a button as Slack shows it.
func element(a Action, value, feature string) slack.BlockElement {
	label := map[Action]string{
		ActionExtend: "Extend 3 days", ActionProtect: "Protect", ActionUnprotect: "Unprotect",
		ActionRemove: "Remove", ActionRestore: "Restore", ActionTest: "Press me",
	}[a]
	b := slack.NewButtonBlockElement(string(a), value, plainText(label, maxLabel))
	if a != ActionRemove {
		return b
	}
	return b.WithStyle(slack.StyleDanger).WithConfirm(slack.NewConfirmationBlockObject(
		plainText("Remove this environment?", maxConfirmTitle),
		plainText("The environment of "+feature+" is removed now. Its URL answers no more.", maxConfirmText),
		plainText("Remove", maxConfirmButton), plainText("Keep it", maxConfirmButton)))
}
