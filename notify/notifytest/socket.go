package notifytest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	socketPath   = "/link/"
	pingInterval = 2 * time.Second
	writeTimeout = 5 * time.Second
)

// socket is one connection of Socket Mode.
type socket struct {
	conn    *websocket.Conn
	writing sync.Mutex
	gone    chan struct{} // closed when nothing can be read any more

	mu   sync.Mutex
	acks map[string]chan Ack // by the id of the envelope
}

// Sockets returns how many connections of Socket Mode are open.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// SocketsOpened returns how many connections of Socket Mode have been opened so far.
func (s *Server) SocketsOpened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// CutSockets cuts all connections of Socket Mode without a word.
func (s *Server) CutSockets() {
	for _, c := range s.openSockets() {
		_ = c.conn.NetConn().Close()
	}
}

// RefreshSockets asks all clients of Socket Mode to connect again, as Slack does every few hours.
func (s *Server) RefreshSockets() {
	for _, c := range s.openSockets() {
		_ = c.write(map[string]any{"type": "disconnect", "reason": "refresh_requested", "debug_info": map[string]any{"host": "notifytest"}})
	}
}

// CutSocketsAfter cuts each connection that is opened from now on when it is that old; never if 0.
func (s *Server) CutSocketsAfter(life time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life = life
}

func (s *Server) openSockets() []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sockets)
}

// openSocket answers apps.connections.open. The caller holds the lock.
func (s *Server) openSocket() answer {
	ticket := rand.Text()
	s.tickets[ticket] = true
	return answer{fields: map[string]any{"url": strings.Replace(s.http.URL, "http://", "ws://", 1) + socketPath + "?app_id=A0TEST&ticket=" + ticket}}
}

// connect opens a connection for a ticket, each of which is good for one.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	good := s.tickets[ticket]
	delete(s.tickets, ticket)
	s.mu.Unlock()
	if !good {
		http.Error(w, "invalid ticket", http.StatusForbidden)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &socket{conn: conn, gone: make(chan struct{}), acks: map[string]chan Ack{}}
	if err := c.write(map[string]any{
		"type": "hello", "num_connections": s.Sockets() + 1, "connection_info": map[string]any{"app_id": "A0TEST"},
		"debug_info": map[string]any{"host": "notifytest", "build_number": 1, "approximate_connection_time": 18060},
	}); err != nil {
		_ = conn.Close()
		return
	}
	s.keep(c)
}

// keep has a connection read and pinged until it ends.
func (s *Server) keep(c *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		_ = c.conn.Close()
		return
	default:
	}
	s.sockets, s.opened = append(s.sockets, c), s.opened+1
	life := s.life
	s.running.Go(func() {
		c.read()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sockets = slices.DeleteFunc(s.sockets, func(other *socket) bool { return other == c })
	})
	s.running.Go(func() { c.ping(life) })
}

// read takes acknowledgements until the connection ends.
func (c *socket) read() {
	defer close(c.gone)
	defer func() { _ = c.conn.Close() }()
	for {
		_, text, err := c.conn.ReadMessage()
		if err != nil {
			return
		}
		var ack struct {
			EnvelopeID string `json:"envelope_id"`
			Payload    json.RawMessage
		}
		if json.Unmarshal(text, &ack) != nil {
			continue
		}
		c.mu.Lock()
		if waiting := c.acks[ack.EnvelopeID]; waiting != nil {
			waiting <- Ack{Payload: ack.Payload}
			delete(c.acks, ack.EnvelopeID)
		}
		c.mu.Unlock()
	}
}

// ping pings until the connection ends, or its life is over.
func (c *socket) ping(life time.Duration) {
	var over <-chan time.Time
	if life > 0 {
		over = time.After(life)
	}
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	for {
		_ = c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout))
		select {
		case <-ticker.C:
		case <-over:
			_ = c.conn.NetConn().Close()
			return
		case <-c.gone:
			return
		}
	}
}

func (c *socket) write(message any) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	return c.conn.WriteJSON(message)
}
