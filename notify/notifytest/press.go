package notifytest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ackTimeout is how long a press waits for its acknowledgement: longer than Slack's three seconds, for busy
// machines.
const ackTimeout = 2 * time.Minute

// ErrNotAcknowledged is reported when the acknowledgement of a press did not come in time.
var ErrNotAcknowledged = errors.New("the press was not acknowledged")

// Ack is the acknowledgement of a press.
type Ack struct {
	After   time.Duration
	Payload json.RawMessage
}

// Press presses a button of a message as a user, through one of the connections of Socket Mode, and
// waits for the acknowledgement. The button is named by its action id.
func (s *Server) Press(m Message, action string, u User) (Ack, error) {
	b, err := m.button(action)
	if err != nil {
		return Ack{}, err
	}
	return s.Send(Payload(m, b.Action, b.Value, u))
}

// Send sends the payload of a press through one of the connections of Socket Mode, and waits for the
// acknowledgement.
func (s *Server) Send(payload []byte) (Ack, error) {
	s.mu.Lock()
	if len(s.sockets) == 0 {
		s.mu.Unlock()
		return Ack{}, errors.New("no connection of Socket Mode is open")
	}
	s.serial++
	c := s.sockets[s.serial%len(s.sockets)]
	s.mu.Unlock()

	id, ack := rand.Text(), make(chan Ack, 1)
	c.mu.Lock()
	c.acks[id] = ack
	c.mu.Unlock()
	begun := time.Now()
	if err := c.write(map[string]any{
		"type": "interactive", "envelope_id": id, "accepts_response_payload": false, "payload": json.RawMessage(payload),
	}); err != nil {
		return Ack{}, fmt.Errorf("%w: %w", ErrNotAcknowledged, err)
	}
	select {
	case a := <-ack:
		a.After = time.Since(begun)
		return a, nil
	case <-time.After(ackTimeout):
		return Ack{}, ErrNotAcknowledged
	case <-c.gone:
		return Ack{}, fmt.Errorf("%w: the connection was cut", ErrNotAcknowledged)
	}
}

// PressRequest returns the signed HTTP request that presses a button of a message as a user, as Slack
// sends it to the address of an app.
func PressRequest(address string, m Message, action string, u User) (*http.Request, error) {
	b, err := m.button(action)
	if err != nil {
		return nil, err
	}
	return SignedRequest(address, Payload(m, b.Action, b.Value, u), time.Now(), SigningSecret)
}

// SignedRequest returns the HTTP request with the payload of a press, signed at a time with a secret.
func SignedRequest(address string, payload []byte, at time.Time, secret string) (*http.Request, error) {
	body := url.Values{"payload": {string(payload)}}.Encode()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
	return r, nil
}

// Payload returns the payload of a press: of the button with this action id and value, in a message,
// by a user.
func Payload(m Message, action, value string, u User) []byte {
	stamp := fmt.Sprintf("%.6f", float64(time.Now().UnixMicro())/1e6)
	container := map[string]any{"type": "message", "message_ts": m.Timestamp, "channel_id": m.Channel, "is_ephemeral": false}
	message := map[string]any{"type": "message", "bot_id": "B0TEST", "ts": m.Timestamp, "text": m.Text}
	if m.Thread != "" {
		container["thread_ts"], message["thread_ts"] = m.Thread, m.Thread
	}
	payload, err := json.Marshal(map[string]any{
		"type": "block_actions", "token": "none", "api_app_id": "A0TEST", "trigger_id": "1.2.3",
		"team":      map[string]any{"id": "T0TEST", "domain": "test"},
		"user":      map[string]any{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": "T0TEST"},
		"channel":   map[string]any{"id": m.Channel, "name": "qa"},
		"container": container, "message": message,
		"actions": []any{map[string]any{
			"type": "button", "action_id": action, "block_id": "x", "value": value, "action_ts": stamp,
			"text": map[string]any{"type": "plain_text", "text": action},
		}},
	})
	if err != nil {
		panic(err) // strings and maps always encode
	}
	return payload
}

func (m Message) button(action string) (Button, error) {
	for _, b := range m.Buttons() {
		if b.Action == action {
			return b, nil
		}
	}
	return Button{}, fmt.Errorf("the message has no button %q: %q", action, m.Text)
}
