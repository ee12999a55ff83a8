package access

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"beansprout/visible"
)

// hostOf returns the host of a Host header, without its port, in small letters.
func hostOf(header string) string {
	host := header
	if h, port, err := net.SplitHostPort(header); err == nil && strings.Trim(port, "0123456789") == "" {
		host = h
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// isHost reports whether a text can be the name or the address of a host.
func isHost(s string) bool {
	return s != "" && len(s) <= 253 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-._:") == ""
}

// isLoopbackName reports whether a host is this machine whatever a DNS server says.
func isLoopbackName(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "127.0.0.1" || host == "::1"
}

// answersFor reports whether the Host header of a request names this daemon. Any other name may be that of
// a site whose owner lets it resolve to this machine, so that the site's pages could read the answer.
func (g *Gate) answersFor(r *http.Request) bool {
	host := hostOf(r.Host)
	for _, name := range g.hosts {
		if host == name {
			return true
		}
	}
	return isLoopbackName(host) || isOwnAddress(r, host)
}

// isOwnAddress reports whether a host is the address at which the request has arrived.
func isOwnAddress(r *http.Request, host string) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	address, err := netip.ParseAddr(host)
	return ok && err == nil && local.AddrPort().Addr().Unmap().WithZone("") == address.Unmap()
}

// isAddressed reports whether a request is for this daemon, and refuses it otherwise.
func (g *Gate) isAddressed(w http.ResponseWriter, r *http.Request) bool {
	if g.answersFor(r) {
		return true
	}
	protect(w)
	http.Error(w, fmt.Sprintf("Host %q is none of the names that this daemon answers for.", visible.Line(r.Host, 100)), http.StatusMisdirectedRequest)
	return false
}

// forwarding are the headers by which proxies say that they have forwarded a request.
var forwarding = []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}

// isDirect reports whether a request comes from this machine alone: the daemon listens on its loopback
// interface, the browser was told so, and no proxy says that it passes on what others ask for.
func (g *Gate) isDirect(r *http.Request) bool {
	if host := hostOf(r.Host); !isLoopbackName(host) && !isOwnAddress(r, host) {
		return false
	}
	for _, name := range forwarding {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return g.config.Address.Addr().Unmap().IsLoopback() && peerOf(r).IsLoopback() && !g.config.Proxy.sent(r)
}

// fromElsewhere reports whether a page of another site asks, but not to go here by a link. Such a page learns
// from how long an answer takes, and could have the daemon read for it.
func fromElsewhere(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return !isNavigation(r)
}

// isNavigation reports whether a browser wants to show the answer as a page.
func isNavigation(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}
