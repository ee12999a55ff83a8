package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	sessionTime    = 12 * time.Hour
	personSessions = 20 // of one person at a time; another one ends the oldest
)

// session is one that a person's token has opened.
type session struct {
	name   string
	opened time.Time
	ended  chan struct{} // closed when it ends before its time is over
}

// sessions are the open ones, by the hash of their id.
type sessions struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]*session
}

// open opens a session and returns its id.
func (s *sessions) open(name string, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit(name, now)
	id := rand.Text() + rand.Text()
	s.all[sha256.Sum256([]byte(id))] = &session{name: name, opened: now, ended: make(chan struct{})}
	return id
}

// limit ends the sessions whose time is over, and the oldest ones of a person who has too many.
func (s *sessions) limit(name string, now time.Time) {
	var oldest [sha256.Size]byte
	count := 0
	for hash, o := range s.all {
		if now.Sub(o.opened) >= sessionTime {
			s.end(hash)
			continue
		}
		if o.name != name {
			continue
		}
		if count == 0 || o.opened.Before(s.all[oldest].opened) {
			oldest = hash
		}
		count++
	}
	if count >= personSessions {
		s.end(oldest)
	}
}

// end ends a session. The caller holds the mutex.
func (s *sessions) end(hash [sha256.Size]byte) {
	if o := s.all[hash]; o != nil {
		close(o.ended)
		delete(s.all, hash)
	}
}

// close ends the session with an id.
func (s *sessions) close(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(sha256.Sum256([]byte(id)))
}

// find returns the open session with an id, or nil.
func (s *sessions) find(id string, now time.Time) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.all[sha256.Sum256([]byte(id))]
	if o == nil || now.Sub(o.opened) >= sessionTime {
		return nil
	}
	return o
}

// person is who has sent a request.
type person struct {
	name    string
	binding string        // what forms are bound to: the session, or the name where a proxy knows the person
	session *session      // nil where a proxy knows the person
	left    time.Duration // until the session's time is over
}

var errNoSession = errors.New("you are not logged in, or no longer")

// person returns who has sent a request.
func (g *Gate) person(r *http.Request) (person, error) {
	name, err := g.config.Proxy.person(r)
	if err != nil {
		return person{}, err
	}
	if name != "" {
		return person{name: name, binding: "proxy " + name}, nil
	}
	cookie, err := r.Cookie(g.cookieName(r))
	if err != nil {
		return person{}, errNoSession
	}
	now := g.now()
	s := g.sessions.find(cookie.Value, now)
	if s == nil {
		return person{}, errNoSession
	}
	hash := sha256.Sum256([]byte(cookie.Value))
	return person{s.name, "session " + hex.EncodeToString(hash[:]), s, s.opened.Add(sessionTime).Sub(now)}, nil
}

// within returns a context that ends with the person's session, and what releases it.
func (p person) within(ctx context.Context) (context.Context, func()) {
	if p.session == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, p.left)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-p.session.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-watched }
}

// cookieName returns the name of the session's cookie. A browser sends the cookies of a host to all its ports,
// so each port by which browsers reach a daemon has another name. With TLS, no other host of the domain can set it.
func (g *Gate) cookieName(r *http.Request) string {
	if g.isSecure(r) {
		return "__Host-beansprout"
	}
	if _, port, err := net.SplitHostPort(r.Host); err == nil && port != "" && len(port) <= 5 && strings.Trim(port, "0123456789") == "" {
		return "beansprout-" + port
	}
	return "beansprout"
}

// setCookie hands a session to the browser; "" takes it away.
func (g *Gate) setCookie(w http.ResponseWriter, r *http.Request, id string) {
	c := &http.Cookie{
		Name: g.cookieName(r), Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: g.isSecure(r),
		MaxAge: int(sessionTime / time.Second),
	}
	if id == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
