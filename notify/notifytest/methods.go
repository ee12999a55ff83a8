package notifytest

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// answer is what a method answers beside "ok", or the code of its refusal.
type answer struct {
	fields  map[string]any
	refusal string
	needed  string        // of missing_scope
	wait    time.Duration // of status 429
	channel string        // for the record of calls
}

// act answers as Slack does.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	err := r.ParseForm()
	s.mu.Lock()
	a := answer{refusal: "invalid_form_data"}
	if err == nil && r.Method == http.MethodPost {
		a = s.call(methodOf(r), r.PostForm, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}
	scopes := strings.Join(s.scopes, ",")
	s.record(Call{Method: methodOf(r), Channel: a.channel, Error: a.refusal})
	s.mu.Unlock()
	w.Header().Set("X-OAuth-Scopes", scopes)
	switch {
	case a.wait > 0:
		w.Header().Set("Retry-After", fmt.Sprint(math.Ceil(a.wait.Seconds())))
		w.WriteHeader(http.StatusTooManyRequests)
	case a.needed != "":
		write(w, map[string]any{"ok": false, "error": a.refusal, "needed": a.needed, "provided": scopes})
	case a.refusal != "":
		refuse(w, a.refusal)
	default:
		a.fields["ok"] = true
		write(w, a.fields)
	}
}

// scopeOf is the scope that a method needs.
var scopeOf = map[string]string{
	"chat.postMessage": "chat:write", "chat.update": "chat:write", "chat.postEphemeral": "chat:write",
	"users.lookupByEmail": "users:read.email",
}

// call carries out one request.
func (s *Server) call(method string, form url.Values, bearer string) answer {
	token := form.Get("token")
	if token == "" {
		token = bearer
	}
	want := Token
	if method == "apps.connections.open" {
		want = AppToken
	}
	switch {
	case token == "":
		return answer{refusal: "not_authed"}
	case token != want && (token == Token || token == AppToken):
		return answer{refusal: "not_allowed_token_type"}
	case token != want:
		return answer{refusal: "invalid_auth"}
	}
	if needed := scopeOf[method]; needed != "" && !slices.Contains(s.scopes, needed) {
		return answer{refusal: "missing_scope", needed: needed}
	}
	form.Del("token")
	switch method {
	case "auth.test":
		return answer{fields: map[string]any{"url": "https://test.slack.com/", "team": "test", "team_id": "T0TEST", "user": "beansprout", "user_id": BotUser, "bot_id": "B0TEST"}}
	case "apps.connections.open":
		return s.openSocket()
	case "users.lookupByEmail":
		return s.lookUp(form.Get("email"))
	}
	return s.chat(method, form)
}

func (s *Server) lookUp(email string) answer {
	for _, u := range s.users {
		if email != "" && strings.EqualFold(u.Email, email) {
			return answer{fields: map[string]any{"user": map[string]any{
				"id": u.ID, "name": u.Name, "deleted": u.Deleted, "profile": map[string]any{"email": u.Email},
			}}}
		}
	}
	return answer{refusal: "users_not_found"}
}

// chat carries out a method that writes a message.
func (s *Server) chat(method string, form url.Values) answer {
	m := Message{Text: form.Get("text"), Form: form}
	if form.Has("blocks") {
		m.Blocks = json.RawMessage(form.Get("blocks"))
	}
	channel := form.Get("channel")
	if refusal := check(m); refusal != "" {
		return answer{refusal: refusal}
	}
	if channel == "" {
		return answer{refusal: "channel_not_found"}
	}
	write := map[string]func(Message, string, url.Values) answer{
		"chat.postMessage": s.post, "chat.update": s.update, "chat.postEphemeral": s.postEphemeral,
	}[method]
	if write == nil {
		return answer{refusal: "unknown_method"}
	}
	a := write(m, channel, form)
	a.channel = s.id(channel)
	return a
}

func written(m Message) answer {
	return answer{fields: map[string]any{
		"channel": m.Channel, "ts": m.Timestamp, "text": m.Text,
		"message": map[string]any{"type": "message", "ts": m.Timestamp, "text": m.Text, "blocks": m.Blocks},
	}}
}

func (s *Server) post(m Message, channel string, form url.Values) answer {
	m.Channel = s.id(channel)
	if slices.Contains(s.left, m.Channel) {
		return answer{refusal: "not_in_channel"}
	}
	// A request that was sent in time may take a little less long than the one before.
	if wait := s.interval - time.Since(s.posted[m.Channel]); s.interval > 0 && wait > s.interval/20 {
		return answer{refusal: "ratelimited", wait: wait}
	}
	s.posted[m.Channel] = time.Now()
	s.serial++
	m.Timestamp = fmt.Sprintf("1700000000.%06d", s.serial)
	// Without its parent, Slack posts a reply as a message. A reply is no parent.
	if parent := s.find(m.Channel, form.Get("thread_ts")); parent != nil && parent.Thread == "" {
		m.Thread = parent.Timestamp
		parent.Replies = append(parent.Replies, m)
	} else {
		s.messages = append(s.messages, &m)
	}
	return written(m)
}

func (s *Server) postEphemeral(m Message, channel string, form url.Values) answer {
	m.Channel, m.User = s.id(channel), form.Get("user")
	known := m.User == BotUser || slices.ContainsFunc(s.users, func(u User) bool { return u.ID == m.User })
	switch {
	case slices.Contains(s.left, m.Channel) && m.User == BotUser:
		return answer{refusal: "user_not_in_channel"}
	case slices.Contains(s.left, m.Channel):
		return answer{refusal: "not_in_channel"}
	case !known:
		return answer{refusal: "user_not_in_channel"}
	}
	s.ephemerals = append(s.ephemerals, m)
	s.serial++
	return answer{fields: map[string]any{"message_ts": fmt.Sprintf("1700000000.%06d", s.serial)}}
}

func (s *Server) update(m Message, channel string, form url.Values) answer {
	if s.id(channel) != channel {
		return answer{refusal: "channel_not_found"}
	}
	old := s.find(channel, form.Get("ts"))
	if old == nil {
		return answer{refusal: "message_not_found"}
	}
	old.Text, old.Blocks, old.Form = m.Text, m.Blocks, m.Form
	old.Updates++
	return written(*old)
}

func (s *Server) find(channel, timestamp string) *Message {
	for _, m := range s.messages {
		if m.Channel == channel && m.Timestamp == timestamp {
			return m
		}
		for i := range m.Replies {
			if m.Channel == channel && m.Replies[i].Timestamp == timestamp {
				return &m.Replies[i]
			}
		}
	}
	return nil
}

// id returns the id of a channel that is named by its name or its id.
func (s *Server) id(channel string) string {
	if strings.HasPrefix(channel, "C0") {
		return channel
	}
	i := slices.Index(s.channels, channel)
	if i < 0 {
		i = len(s.channels)
		s.channels = append(s.channels, channel)
	}
	return fmt.Sprintf("C0%08d", i+1)
}
