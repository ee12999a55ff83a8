// Package notifytest is a Slack for tests: a real HTTP server that takes the methods of the Web API
// that Beansprout calls, as slack-go sends them, and opens Socket Mode connections. It remembers
// every message and every call, presses buttons, and can be told to misbehave. Where it is strict, it
// is as strict as Slack's documentation.
package notifytest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// What the server takes as its app's: the bot's token, the token of Socket Mode, and the secret that
// signs presses by HTTP.
const (
	Token         = "xoxb-notifytest"
	AppToken      = "xapp-notifytest"
	SigningSecret = "8f742231b10e8888abcd99yyyzzz85a5"
)

// BotUser is the id of the bot.
const BotUser = "U0BOT00000"

// Message is a message as it stands now.
type Message struct {
	Channel   string // the id
	Timestamp string
	Text      string
	Blocks    json.RawMessage
	Form      url.Values // the request that it was last written by, without the token
	Updates   int        // how often it was updated
	User      string     // who alone sees it; "" for a message that stands in the channel
	Thread    string     // of a reply: the timestamp of the message that it replies to
	Replies   []Message  // its thread, the oldest first
}

// User is a person in Slack.
type User struct {
	ID      string // "U" and more capital letters and digits
	Name    string
	Email   string // "" is found by no look-up
	Deleted bool
}

// Call is one request.
type Call struct {
	Method  string // as in chat.postMessage
	Channel string // the id; "" where the method has none
	At      time.Time
	Error   string // the code of the refusal, "ratelimited" for status 429, "?" where an Answer replaced the server's own
}

// Server is a Slack. Its methods may be called at any time from anywhere.
type Server struct {
	URL string // the base URL, for BEANSPROUT_SLACK_API_URL

	http    *httptest.Server
	closed  chan struct{}
	running sync.WaitGroup // goroutines of sockets

	mu         sync.Mutex
	messages   []*Message
	ephemerals []Message
	channels   []string // names; the index makes the id
	left       []string // ids of channels that the bot is not in
	users      []User
	scopes     []string
	calls      []Call
	serial     int
	next       []Answer
	always     Answer
	methods    map[string]Answer
	interval   time.Duration
	posted     map[string]time.Time // when the last message was posted to a channel

	tickets map[string]bool // of Socket Mode
	sockets []*socket
	opened  int
	life    time.Duration
}

// New starts a server on a loopback port. The caller closes it.
func New() *Server { return newServer(httptest.NewServer) }

func newServer(start func(http.Handler) *httptest.Server) *Server {
	s := &Server{
		closed: make(chan struct{}), scopes: []string{"chat:write", "users:read", "users:read.email"},
		methods: map[string]Answer{}, posted: map[string]time.Time{}, tickets: map[string]bool{},
	}
	s.http = start(http.HandlerFunc(s.serve))
	s.URL = s.http.URL + "/api/"
	return s
}

// Close ends all requests and connections and stops the server.
func (s *Server) Close() {
	close(s.closed)
	s.CutSockets()
	s.http.CloseClientConnections()
	s.http.Close()
	s.running.Wait()
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

// Ephemerals returns the messages that only one user saw, the oldest first.
func (s *Server) Ephemerals() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ephemerals)
}

// Calls returns all calls of a method, the refused ones included, or of all methods if it is "".
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.calls), func(c Call) bool { return method != "" && c.Method != method })
}

// Requests returns how many requests came, the refused ones included.
func (s *Server) Requests() int { return len(s.Calls("")) }

// Delete deletes a message with its thread, as a user can.
func (s *Server) Delete(timestamp string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = slices.DeleteFunc(s.messages, func(m *Message) bool { return m.Timestamp == timestamp })
}

// AddUser adds a person, whom look-ups by e-mail find.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = append(s.users, u)
}

// SetScopes sets the scopes that the bot has, instead of all that it needs.
func (s *Server) SetScopes(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = scopes
}

// RemoveBot removes the bot from a channel, which is named by its name or its id.
func (s *Server) RemoveBot(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = append(s.left, s.id(channel))
}

// LimitPosts takes one message each interval and channel, and answers others with status 429.
// Zero takes all, which it does at first.
func (s *Server) LimitPosts(interval time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interval = interval
}

// Next queues answers for the next requests of any method, one each; nil is the server's own.
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

// On answers all calls of one method with a from now on; nil makes it behave again.
func (s *Server) On(method string, a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.methods[method] = a
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == socketPath {
		s.connect(w, r)
		return
	}
	if answer := s.misbehaviour(methodOf(r)); answer != nil {
		s.note(Call{Method: methodOf(r), Error: "?"})
		answer(s, w, r)
		return
	}
	s.act(w, r)
}

func methodOf(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/api/") }

func (s *Server) misbehaviour(method string) Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.next) > 0 {
		answer := s.next[0]
		s.next = s.next[1:]
		return answer
	}
	if answer := s.methods[method]; answer != nil {
		return answer
	}
	return s.always
}

func (s *Server) note(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record(c)
}

// record remembers a call. The caller holds the lock.
func (s *Server) record(c Call) {
	c.At = time.Now()
	s.calls = append(s.calls, c)
}
