package traffic

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Router returns a handler that has the load balancer of the request's host answer, and next if no
// load balancer has it. http://HOST.localhost is the listener on port 80, or else the one with the
// lowest port; http://PORT.HOST.localhost is the listener on that port. The rules see the host
// without the port.
func (p *Plane) Router(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, port, host, ok := p.find(r.Host)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		l, ok := b.listener(port)
		if !ok { // AWS refuses the connection
			refuse(w, http.StatusBadGateway)
			return
		}
		p.serve(w, r, l.rule(host, r.URL.EscapedPath()))
	})
}

func (p *Plane) serve(w http.ResponseWriter, r *http.Request, rule Rule) {
	if rule.Answer == nil {
		p.forward(w, r, rule.Forward)
		return
	}
	w.Header().Set("Server", "awselb/2.0")
	if rule.Answer.Type != "" {
		w.Header().Set("Content-Type", rule.Answer.Type)
	}
	w.WriteHeader(rule.Answer.Status)
	_, _ = w.Write([]byte(rule.Answer.Body)) // the client may have left
}

// find returns the load balancer with the longest host that the name in a Host header ends with. port
// is 0 unless the name has one before that host.
func (p *Plane) find(name string) (b Balancer, port int, host string, ok bool) {
	if without, _, err := net.SplitHostPort(name); err == nil {
		name = without
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	labels, ok := strings.CutSuffix(name, ".localhost")
	if !ok {
		return b, 0, "", false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for rest, before, more := labels, "", true; more; {
		if b, ok := p.balancers[rest]; ok {
			port, sub := portOf(before)
			return b, port, sub + rest + ".localhost", true
		}
		var label string
		label, rest, more = strings.Cut(rest, ".")
		before += label + "."
	}
	return b, 0, "", false
}

// portOf splits the labels before a load balancer's host into the port, which is last, and the rest.
func portOf(before string) (port int, sub string) {
	labels := strings.Split(strings.TrimSuffix(before, "."), ".")
	last := len(labels) - 1
	n, err := strconv.Atoi(labels[last])
	if err != nil {
		return 0, before
	}
	if last == 0 {
		return n, ""
	}
	return n, strings.Join(labels[:last], ".") + "."
}

func (b Balancer) listener(port int) (Listener, bool) {
	if port == 0 {
		if i := b.at(80); i >= 0 {
			return b.Listeners[i], true
		}
		if len(b.Listeners) == 0 {
			return Listener{}, false
		}
		return slices.MinFunc(b.Listeners, func(x, y Listener) int { return x.Port - y.Port }), true
	}
	if i := b.at(port); i >= 0 {
		return b.Listeners[i], true
	}
	return Listener{}, false
}

func (b Balancer) at(port int) int {
	return slices.IndexFunc(b.Listeners, func(l Listener) bool { return l.Port == port })
}

// rule returns the first rule that matches.
func (l Listener) rule(host, path string) Rule {
	for _, r := range l.Rules {
		if some(r.Hosts, strings.ToLower(host), strings.ToLower) && some(r.Paths, path, strings.Clone) {
			return r
		}
	}
	return Rule{}
}

// some reports whether one of the patterns, in the given form, matches. No pattern matches everything.
func some(patterns []string, text string, form func(string) string) bool {
	return patterns == nil || slices.ContainsFunc(patterns, func(p string) bool { return matches(form(p), text) })
}

// matches reports whether a pattern, in which * stands for any text and ? for one character, is the
// whole text.
func matches(pattern, text string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[i]):
			p, i = p+1, i+1
		case star >= 0: // the last star stands for one more character
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
