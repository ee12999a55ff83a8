package access

import (
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"strings"
)

// page is what the pages of a Gate say.
type page struct {
	Title    string
	Sentence string // what is wrong; "" on a page that only asks for a token
	Form     bool   // a token may be entered
	Next     string // where to go on after the login
	Back     string // where a link leads; "" for none
	Again    bool   // the browser asks again, which it then does as a page of this site
	Style    string // the path of a style sheet
}

//go:embed page.html
var pageText string

var pages = template.Must(template.New("page").Parse(pageText))

// protect sets the headers that keep an answer to those it is for.
func protect(w http.ResponseWriter) {
	for name, value := range map[string]string{
		"Cache-Control":                "no-store",
		"Content-Security-Policy":      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy":              "no-referrer",
		"X-Content-Type-Options":       "nosniff",
	} {
		w.Header().Set(name, value)
	}
}

// show answers with a page, or in plain text where the client is no browser that shows pages.
func (g *Gate) show(w http.ResponseWriter, r *http.Request, status int, p page) {
	protect(w)
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Error(w, p.Sentence, status)
		return
	}
	p.Style = g.config.Style
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := pages.Execute(w, p); err != nil {
		g.log.Warn("page", "error", err.Error())
	}
}

// Refuse answers a request with a sentence, and with a link to a path if there is one.
func (g *Gate) Refuse(w http.ResponseWriter, r *http.Request, status int, sentence, back string) {
	g.show(w, r, status, page{Title: http.StatusText(status), Sentence: sentence, Back: back})
}

// demandLogin answers a request that needs a person. The answer is the same whatever was asked for.
func (g *Gate) demandLogin(w http.ResponseWriter, r *http.Request, cause error) {
	p := g.loginPage(r.URL.RequestURI())
	p.Sentence = sentence(cause)
	if !p.Form {
		p.Sentence += " " + g.otherWays()
	}
	// A link on another site leads here without the cookie, which the browser sends when this page asks.
	site := r.Header.Get("Sec-Fetch-Site")
	p.Again = (site == "cross-site" || site == "same-site") && isNavigation(r)
	g.show(w, r, http.StatusUnauthorized, p)
}

// loginPage returns the page that asks for a token, if there is a person who has one.
func (g *Gate) loginPage(next string) page {
	return page{Title: "Log in", Form: len(g.people) > 0, Next: localPath(next)}
}

// otherWays says how to log in where no token does it.
func (g *Gate) otherWays() string {
	if g.config.Proxy.Header != "" {
		return "Open this page through the proxy that logs you in."
	}
	if g.config.Invitation.Token != "" {
		return "Start the board again: it prints an address that logs you in, once."
	}
	return "No one can log in: no person's token is set, and no proxy."
}

// sentence returns an error as one.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// localPath returns a path of this site, "/" instead of what leads elsewhere.
func localPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || len(path) > 2000 ||
		!strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\t\r\n") || strings.HasPrefix(path, "/login") {
		return "/"
	}
	return path
}

// serveLogin asks for a token, or opens the session that an invitation is for.
func (g *Gate) serveLogin(w http.ResponseWriter, r *http.Request) {
	if !g.isAddressed(w, r) {
		return
	}
	if token := r.URL.Query().Get("invitation"); token != "" {
		g.accept(w, r, token)
		return
	}
	if g.Viewer(r) != "" {
		protect(w)
		http.Redirect(w, r, localPath(r.URL.Query().Get("next")), http.StatusSeeOther)
		return
	}
	p := g.loginPage(r.URL.Query().Get("next"))
	if !p.Form {
		p.Sentence, p.Back = g.otherWays(), "/"
	}
	g.show(w, r, http.StatusOK, p)
}

// accept opens a session for who was invited, once.
func (g *Gate) accept(w http.ResponseWriter, r *http.Request, token string) {
	given, right := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(g.config.Invitation.Token))
	invited := g.config.Invitation.Token != "" && subtle.ConstantTimeCompare(given[:], right[:]) == 1
	switch {
	case invited && r.Method == http.MethodGet && g.accepted.CompareAndSwap(false, true):
		g.enter(w, r, g.config.Invitation.Name, "/")
	case invited && g.Viewer(r) != "":
		protect(w)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		g.Refuse(w, r, http.StatusUnauthorized, "This link is wrong, or was used before. It opens one session.", "/")
	}
}

// logIn opens a session for the person whose token was entered.
func (g *Gate) logIn(w http.ResponseWriter, r *http.Request) {
	if !g.isAddressed(w, r) || !g.isOwn(w, r) {
		return
	}
	client := g.clientOf(r)
	if wait := g.attempts.take(client, g.now()); wait > 0 {
		seconds := int(math.Ceil(wait.Seconds()))
		w.Header().Set("Retry-After", fmt.Sprint(seconds))
		g.Refuse(w, r, http.StatusTooManyRequests, fmt.Sprintf("Too many wrong tokens came from your address. Try again in %d s.", seconds), "/login")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		g.Refuse(w, r, http.StatusBadRequest, "The form could not be read.", "/login")
		return
	}
	name, ok := g.whose(strings.TrimSpace(r.PostForm.Get("token")))
	if !ok {
		g.log.Warn("login refused", "address", client.String())
		p := g.loginPage(r.PostForm.Get("next"))
		p.Sentence = "This is no person's token."
		g.show(w, r, http.StatusUnauthorized, p)
		return
	}
	g.attempts.forgive(client)
	g.enter(w, r, name, r.PostForm.Get("next"))
}

// enter opens a session in place of the one that the browser may have, and goes on to a page.
func (g *Gate) enter(w http.ResponseWriter, r *http.Request, name, next string) {
	g.endSession(r)
	g.log.Info("login", "name", name, "address", g.clientOf(r).String())
	g.setCookie(w, r, g.sessions.open(name, g.now()))
	protect(w)
	http.Redirect(w, r, localPath(next), http.StatusSeeOther)
}

// endSession ends the session that the browser has.
func (g *Gate) endSession(r *http.Request) {
	if cookie, err := r.Cookie(g.cookieName(r)); err == nil {
		g.sessions.close(cookie.Value)
	}
}

// logOut ends the session.
func (g *Gate) logOut(w http.ResponseWriter, r *http.Request) {
	if !g.isAddressed(w, r) || !g.isOwn(w, r) {
		return
	}
	g.endSession(r)
	g.setCookie(w, r, "")
	protect(w)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
