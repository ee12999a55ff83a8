// Package notifytest is a Slack for tests: a real HTTP server that takes chat.postMessage
// and chat.update as slack-go sends them, remembers every message, and can be told to
// misbehave. Where it is strict, it is as strict as Slack's documentation.
package notifytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Token is the one token that the server takes.
const Token = "xoxb-notifytest"

// Message is a message as it stands now.
type Message struct {
	Channel   string // the id
	Timestamp string
	Text      string
	Blocks    json.RawMessage
	Form      url.Values // the request that it was last written by, without the token
	Updates   int        // how often it was updated
	Replies   []Message  // its thread, the oldest first
}

// Server is a Slack. Its methods may be called at any time from anywhere.
type Server struct {
	URL string // the base URL, for BEANSPROUT_SLACK_API_URL

	http     *httptest.Server
	closed   chan struct{}
	mu       sync.Mutex
	messages []*Message
	channels []string // names; the index makes the id
	requests int
	serial   int
	next     []Answer
	always   Answer
}

// New starts a server on a loopback port. The caller closes it.
func New() *Server {
	s := &Server{closed: make(chan struct{})}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = s.http.URL + "/api/"
	return s
}

// Close ends all requests and stops the server.
func (s *Server) Close() {
	close(s.closed)
	s.http.CloseClientConnections()
	s.http.Close()
}

// Messages returns all messages that stand in channels, the oldest first, with their threads.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Message, len(s.messages))
	for i, m := range s.messages {
		all[i] = *m
		all[i].Replies = slices.Clone(m.Replies)
	}
	return all
}

// Requests returns how many requests came, the refused ones included.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Delete deletes a message with its thread, as a user can.
func (s *Server) Delete(timestamp string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = slices.DeleteFunc(s.messages, func(m *Message) bool { return m.Timestamp == timestamp })
}

// Next queues answers for the next requests, one each.
func (s *Server) Next(answers ...Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, answers...)
}

// Always answers all requests with a from now on; nil makes the server behave again.
func (s *Server) Always(a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.always = a
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if answer := s.misbehaviour(); answer != nil {
		answer(s, w, r)
		return
	}
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		refuse(w, "invalid_form_data")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, refusal := s.chat(strings.TrimPrefix(r.URL.Path, "/api/"), r.PostForm)
	if refusal != "" {
		refuse(w, refusal)
		return
	}
	write(w, map[string]any{
		"ok": true, "channel": m.Channel, "ts": m.Timestamp, "text": m.Text,
		"message": map[string]any{"type": "message", "ts": m.Timestamp, "text": m.Text, "blocks": m.Blocks},
	})
}

func (s *Server) misbehaviour() Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if len(s.next) == 0 {
		return s.always
	}
	answer := s.next[0]
	s.next = s.next[1:]
	return answer
}

// chat carries out one request and returns the message it was about, or Slack's error code.
func (s *Server) chat(method string, form url.Values) (Message, string) {
	switch token := form.Get("token"); {
	case token == "":
		return Message{}, "not_authed"
	case token != Token:
		return Message{}, "invalid_auth"
	}
	form.Del("token")
	m := Message{Text: form.Get("text"), Form: form}
	if form.Has("blocks") {
		m.Blocks = json.RawMessage(form.Get("blocks"))
	}
	if refusal := check(m); refusal != "" {
		return m, refusal
	}
	switch method {
	case "chat.postMessage":
		return s.post(m, form.Get("channel"), form.Get("thread_ts"))
	case "chat.update":
		return s.update(m, form.Get("channel"), form.Get("ts"))
	}
	return m, "unknown_method"
}

func (s *Server) post(m Message, channel, thread string) (Message, string) {
	if channel == "" {
		return m, "channel_not_found"
	}
	s.serial++
	m.Channel, m.Timestamp = s.id(channel), fmt.Sprintf("1700000000.%06d", s.serial)
	// Without its parent, Slack posts a reply as a message.
	if parent := s.find(m.Channel, thread); parent != nil {
		parent.Replies = append(parent.Replies, m)
	} else {
		s.messages = append(s.messages, &m)
	}
	return m, ""
}

func (s *Server) update(m Message, channel, timestamp string) (Message, string) {
	if s.id(channel) != channel {
		return m, "channel_not_found"
	}
	old := s.find(channel, timestamp)
	if old == nil {
		return m, "message_not_found"
	}
	old.Text, old.Blocks, old.Form = m.Text, m.Blocks, m.Form
	old.Updates++
	return *old, ""
}

func (s *Server) find(channel, timestamp string) *Message {
	for _, m := range s.messages {
		if m.Channel == channel && m.Timestamp == timestamp {
			return m
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
