package engine

import (
	"fmt"
	"html"
	"net"
	"net/http"
	"strings"
)

// Router returns the handler of the environments' URLs, http://<prefix>.localhost[:port]. lookup
// finds the environment that has a CNAME prefix.
func (s *sites) Router(lookup func(prefix string) (id string, ok bool)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		prefix, ok := prefixOf(r.Host)
		if !ok {
			page(w, http.StatusNotFound, "No environment", "An environment answers at its CNAME prefix, followed by .localhost.")
			return
		}
		id, ok := lookup(prefix)
		if !ok {
			page(w, http.StatusNotFound, "No environment", "No environment has the CNAME prefix "+prefix+".")
			return
		}
		s.site(id).ServeHTTP(w, r)
	})
}

// prefixOf reads the CNAME prefix from a Host header, with the region that may follow it.
func prefixOf(host string) (string, bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	prefix, ok := strings.CutSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".localhost")
	return prefix, ok && prefix != "" && strings.Count(prefix, ".") < 2
}

// page answers with a page of the local cloud's own.
func page(w http.ResponseWriter, status int, title, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!doctype html><meta charset=utf-8><title>%[1]s</title><h1>%[1]s</h1><p>%[2]s</p>\n",
		html.EscapeString(title), html.EscapeString(text))
}

func pageHandler(status int, title, text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { page(w, status, title, text) })
}

// soon returns the page of an environment that is being started, which tells clients and browsers
// to try again.
func soon(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "2")
		w.Header().Set("Refresh", "2")
		page(w, http.StatusServiceUnavailable, "Starting", text)
	})
}

// sample is what an environment without a version runs.
var sample = pageHandler(http.StatusOK, "Congratulations",
	"Your environment is running the sample application. Deploy a version to replace it.")

// foreign is the page for a bundle on a platform without containers.
var foreign = pageHandler(http.StatusOK, "This bundle is not run here",
	"It was deployed, and this page stands in for it: the local cloud runs containers only. "+
		"A war, a jar or a source bundle runs on its own platform on AWS.")

// hollow returns the page for a bundle without containers on a platform for containers.
func hollow(lacks string) http.Handler {
	return pageHandler(http.StatusServiceUnavailable, "This bundle cannot run here",
		"It was deployed, but it has no "+lacks+": the local cloud runs nothing else on this platform.")
}
