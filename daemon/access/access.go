// Package access decides who may look at the board of a daemon, and who may act on it. A Gate stands in
// front of the board's handlers. A person is known by a session, which a token of their own opens, or by the
// header of a proxy that logs people in. Nothing is stored: the end of the process ends all sessions.
package access

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// Config says who may look and who may act.
type Config struct {
	Address    netip.AddrPort // where the daemon listens. On a loopback address, reading needs no person
	People     []Person       // who may log in
	Proxy      Proxy
	Hosts      []string // names by which it is reached, other than those of this machine's loopback
	Metrics    string   // the bearer token of the metrics; "" for none
	Invitation Invitation
	Style      string           // the path of the style sheet of its pages; "" for none
	Log        *slog.Logger     // is told who logs in; nil logs nothing
	Now        func() time.Time // nil for time.Now
}

// An Invitation opens one session without a person's token: for a board that serves who has started it.
type Invitation struct {
	Name  string // of the person
	Token string // "" invites no one
}

// A Gate lets requests through, or refuses them. Its methods may be called concurrently.
type Gate struct {
	config   Config
	log      *slog.Logger
	now      func() time.Time
	key      []byte // seals forms; of this process alone
	people   []knownPerson
	hosts    []string
	metrics  [sha256.Size]byte
	sessions sessions
	attempts attempts
	spent    spent
	accepted atomic.Bool // the invitation was
	origin   *http.CrossOriginProtection
}

// The parts of a Config that can be wrong.
var (
	ErrPerson  = errors.New("the people of the board")
	ErrHost    = errors.New("that is no name of a host")
	ErrMetrics = errors.New("the token of the metrics")
)

// Check reports what is wrong in a configuration. The errors name no token.
func (c Config) Check() error {
	if _, err := know(c.People); err != nil {
		return fmt.Errorf("%w: %w", ErrPerson, err)
	}
	for _, name := range c.Hosts {
		if !isHost(hostOf(name)) {
			return fmt.Errorf("%q: %w", name, ErrHost)
		}
	}
	if c.Metrics != "" {
		if err := checkToken(c.Metrics); err != nil {
			return fmt.Errorf("%w %w", ErrMetrics, err)
		}
	}
	return c.Proxy.check()
}

// New checks the configuration and returns a Gate.
func New(c Config) (*Gate, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	people, _ := know(c.People) // Check has found no error
	g := &Gate{config: c, log: c.Log, now: c.Now, key: make([]byte, 32), people: people, origin: http.NewCrossOriginProtection()}
	_, _ = rand.Read(g.key) // it never fails
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.now == nil {
		g.now = time.Now
	}
	for _, name := range c.Hosts {
		g.hosts = append(g.hosts, hostOf(name))
	}
	g.metrics = sha256.Sum256([]byte(c.Metrics))
	g.sessions.all, g.attempts.all, g.spent.all = map[[sha256.Size]byte]*session{}, map[netip.Prefix]attempt{}, map[string]time.Time{}
	return g, nil
}

// Routes adds the pages by which people log in and out.
func (g *Gate) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /login", g.serveLogin)
	mux.HandleFunc("POST /login", g.logIn)
	mux.HandleFunc("POST /logout", g.logOut)
}

// Reading lets requests through that only look: of a person, or of anyone on this machine if the daemon
// listens on its loopback interface alone. All other requests get the same answer, whatever they ask for. A
// request of a session ends with it.
func (g *Gate) Reading(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.isAddressed(w, r) {
			return
		}
		if fromElsewhere(r) {
			g.Refuse(w, r, http.StatusForbidden, "Another site has asked for this. It is shown to its own pages alone.", "")
			return
		}
		p, err := g.person(r)
		switch {
		case err == nil:
			ctx, stop := p.within(r.Context())
			defer stop()
			next.ServeHTTP(w, r.WithContext(ctx))
		case g.isDirect(r):
			next.ServeHTTP(w, r)
		default:
			g.demandLogin(w, r, err)
		}
	})
}

// maxForm is the size of the largest form that is read.
const maxForm = 64 << 10

// Acting lets requests through that may change something: forms that a person has sent from a page of this
// daemon. What the form says is still to be checked, by Spend.
func (g *Gate) Acting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.isAddressed(w, r) || !g.isOwn(w, r) {
			return
		}
		if _, err := g.person(r); err != nil {
			g.Refuse(w, r, http.StatusUnauthorized, "Nothing was done: "+err.Error()+".", "/login")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

// isOwn reports whether a form comes from a page of this daemon, and refuses it otherwise.
func (g *Gate) isOwn(w http.ResponseWriter, r *http.Request) bool {
	if g.origin.Check(r) == nil {
		return true
	}
	g.Refuse(w, r, http.StatusForbidden, "Nothing was done: another site has sent this form.", "/")
	return false
}

// Viewer returns the name of the person who sent a request, or "".
func (g *Gate) Viewer(r *http.Request) string {
	p, err := g.person(r)
	if err != nil {
		return ""
	}
	return p.name
}

// MayLogOut reports whether a request is of a session, which its person can end. A proxy's own they end there.
func (g *Gate) MayLogOut(r *http.Request) bool {
	p, err := g.person(r)
	return err == nil && p.session != nil
}

// MayRead reports whether Reading would let a request through.
func (g *Gate) MayRead(r *http.Request) bool {
	if !g.answersFor(r) || fromElsewhere(r) {
		return false
	}
	_, err := g.person(r)
	return err == nil || g.isDirect(r)
}

// Metrics lets requests through that have the bearer token, or where there is none, those on this machine.
func (g *Gate) Metrics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case g.config.Metrics != "" && g.hasBearer(r):
			next.ServeHTTP(w, r)
		case g.config.Metrics != "":
			w.Header().Set("WWW-Authenticate", `Bearer realm="metrics"`)
			http.Error(w, "the metrics need their bearer token", http.StatusUnauthorized)
		case g.answersFor(r) && !fromElsewhere(r) && g.isDirect(r):
			next.ServeHTTP(w, r)
		default:
			http.Error(w, "the metrics need a bearer token, and none is set", http.StatusForbidden)
		}
	})
}
