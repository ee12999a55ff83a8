package access

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxy is one that stands in front of the daemon. What its headers say is believed only of requests from its
// addresses.
type Proxy struct {
	Header string         // has the name of the person who is logged in; "" where the proxy logs no one in
	From   []netip.Prefix // the addresses of the proxy
}

// ParseAddresses reads an address, or a network in CIDR notation.
func ParseAddresses(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf("%q is no address, such as 10.0.0.5, and no network, such as 10.0.0.0/24", text)
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// The mistakes in the configuration of a proxy.
var (
	ErrNoProxy = errors.New("the proxy's header is named, and no address that it may come from")
	ErrAnyone  = errors.New("the proxy's header would be believed of every address")
	ErrHeader  = errors.New("that is no name of a header")
)

func (p Proxy) check() error {
	if p.Header == "" {
		return nil
	}
	if strings.Trim(p.Header, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return fmt.Errorf("header %q: %w", p.Header, ErrHeader)
	}
	if len(p.From) == 0 {
		return ErrNoProxy
	}
	for _, from := range p.From {
		if from.Bits() == 0 {
			return ErrAnyone
		}
	}
	return nil
}

// sent reports whether a request comes from the proxy.
func (p Proxy) sent(r *http.Request) bool {
	peer := peerOf(r)
	for _, from := range p.From {
		if from.Contains(peer) {
			return true
		}
	}
	return false
}

// person returns the name of the person who is logged in at the proxy, "" if the request is from elsewhere or
// has no such header.
func (p Proxy) person(r *http.Request) (string, error) {
	if p.Header == "" || !p.sent(r) {
		return "", nil
	}
	values := r.Header.Values(p.Header)
	if len(values) == 0 {
		return "", nil
	}
	if len(values) > 1 || checkName(values[0]) != nil {
		return "", errHeader
	}
	return values[0], nil
}

var errHeader = errors.New("the proxy's header does not name one person")

// peerOf returns the address that a request comes from, the zero Addr where that is unknown.
func peerOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}

// clientOf returns the address of the client: the peer, or what the proxy says of its own peer.
func (g *Gate) clientOf(r *http.Request) netip.Addr {
	if forwarded := r.Header.Values("X-Forwarded-For"); len(forwarded) > 0 && g.config.Proxy.sent(r) {
		last := forwarded[len(forwarded)-1]
		last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
		if a, err := netip.ParseAddr(last); err == nil {
			return a.Unmap().WithZone("")
		}
	}
	return peerOf(r)
}

// isSecure reports whether the browser speaks TLS to the daemon, or to its proxy.
func (g *Gate) isSecure(r *http.Request) bool {
	return r.TLS != nil || g.config.Proxy.sent(r) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
