package access

import (
	"net/netip"
	"sync"
	"time"
)

const (
	freeAttempts    = 5                // wrong tokens in a row of one address
	attemptInterval = 10 * time.Second // between further ones
	maxAddresses    = 10_000           // that are remembered
)

// attempt is how often an address was wrong.
type attempt struct {
	wrong int
	next  time.Time // before that, no more are looked at
}

// attempts slows down addresses that guess tokens.
type attempts struct {
	mu  sync.Mutex
	all map[netip.Prefix]attempt
}

// take counts an attempt of an address as a wrong one, until forgive. It returns how long the address has to
// wait, 0 if the attempt is to be looked at.
func (a *attempts) take(from netip.Addr, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	network := networkOf(from)
	t, known := a.all[network]
	if wait := t.next.Sub(now); wait > 0 {
		return wait
	}
	if !known {
		a.makeRoom(now)
	}
	if now.Sub(t.next) > freeAttempts*attemptInterval {
		t.wrong = 0
	}
	t.wrong++
	t.next = now
	if t.wrong >= freeAttempts {
		t.next = now.Add(attemptInterval)
	}
	a.all[network] = t
	return 0
}

// forgive forgets the wrong attempts of an address, which has shown a right token.
func (a *attempts) forgive(from netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.all, networkOf(from))
}

// makeRoom forgets a tenth of the addresses where too many are remembered: first those that need not wait.
func (a *attempts) makeRoom(now time.Time) {
	if len(a.all) < maxAddresses {
		return
	}
	for network, t := range a.all {
		if t.next.Add(freeAttempts * attemptInterval).Before(now) {
			delete(a.all, network)
		}
	}
	for network := range a.all {
		if len(a.all) <= maxAddresses/10*9 {
			return
		}
		delete(a.all, network)
	}
}

// networkOf returns the address, or of IPv6 the network that one customer has.
func networkOf(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // of the zero Addr the zero Prefix
	return p
}
