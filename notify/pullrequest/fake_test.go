package pullrequest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const testToken = "ghs_verysecretverysecret"

// fake is a server of GitHub or GitLab with the project acme/shop, whose change 12 is open from the branch
// login. It refuses what the real one would not take, and the test fails for it.
type fake struct {
	*testing.T
	server *httptest.Server
	self   string // the token's user

	mu       sync.Mutex
	broken   func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) bool // answers instead; may be nil
	comments []*note
	last     int64
	app      bool // the token is of an app, which is no user
	requests []string
	pageSize int // the largest page that is served
	raced    func()
	fakeDeployments
}

// note is a comment.
type note struct {
	id     int64
	number int
	author string
	body   string
	edits  int
}

func newFake(t *testing.T, self string, routes func(*fake) http.Handler, tls bool) *fake {
	f := &fake{T: t, self: self, pageSize: pageSize}
	mux := routes(f)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		broken := f.broken
		f.requests = append(f.requests, r.Method+" "+r.URL.Path)
		f.mu.Unlock()
		if r.Header.Get("User-Agent") != "beansprout" {
			f.Errorf("%s %s: the user agent is %q", r.Method, r.URL, r.Header.Get("User-Agent"))
		}
		if broken == nil || !broken(w, r, func(w http.ResponseWriter) { mux.ServeHTTP(w, r) }) {
			mux.ServeHTTP(w, r)
		}
	})
	if tls {
		f.server = httptest.NewTLSServer(handler)
	} else {
		f.server = httptest.NewServer(handler)
	}
	t.Cleanup(f.server.Close)
	return f
}

// breaks has another answer requests from now on.
func (f *fake) breaks(broken func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = broken
}

func (f *fake) isBroken() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken != nil
}

// requested returns how many requests there were that begin so.
func (f *fake) requested(prefix string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// add has a person, or another program, comment.
func (f *fake) add(number int, author, body string) *note {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addLocked(number, author, body)
}

func (f *fake) addLocked(number int, author, body string) *note {
	f.last++
	n := &note{id: f.last, number: number, author: author, body: body}
	f.comments = append(f.comments, n)
	return n
}

// create makes the comment that is asked for, and then what comes between that and the answer.
func (f *fake) create(r *http.Request) *note {
	number, _ := strconv.Atoi(r.PathValue("number"))
	n := f.addLocked(number, f.self, f.body(r))
	if f.raced != nil {
		f.raced()
		f.raced = nil
	}
	return n
}

// delete has a person delete comments.
func (f *fake) delete(which func(*note) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.comments = slices.DeleteFunc(f.comments, which)
}

// byUs returns the comments of the token's user.
func (f *fake) byUs() (all []note) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.comments {
		if n.author == f.self {
			all = append(all, *n)
		}
	}
	return all
}

func (f *fake) find(r *http.Request) *note {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	number, _ := strconv.Atoi(r.PathValue("number"))
	i := slices.IndexFunc(f.comments, func(n *note) bool { return n.id == id && (number == 0 || n.number == number) })
	if i < 0 {
		return nil
	}
	return f.comments[i]
}

// page returns the comments of a page, and whether there are more.
func (f *fake) page(r *http.Request) (all []*note, more bool) {
	number, _ := strconv.Atoi(r.PathValue("number"))
	page, _ := strconv.Atoi(r.FormValue("page"))
	size, _ := strconv.Atoi(r.FormValue("per_page"))
	size = min(size, f.pageSize)
	if page < 1 || size < 1 {
		f.Errorf("%s: no page", r.URL)
		return nil, false
	}
	for _, n := range f.comments {
		if n.number == number {
			all = append(all, n)
		}
	}
	from := min((page-1)*size, len(all))
	to := min(from+size, len(all))
	return all[from:to], to < len(all)
}

// body returns the text of a request that makes or edits a comment.
func (f *fake) body(r *http.Request) string {
	var in struct {
		Body *string `json:"body"`
	}
	if f.decode(r, &in) && in.Body == nil {
		f.Errorf("%s %s has no body", r.Method, r.URL)
		return ""
	}
	return *in.Body
}

// decode reads a request, and refuses fields that are not known.
func (f *fake) decode(r *http.Request, into any) bool {
	text, _ := io.ReadAll(r.Body)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || r.Header.Get("Content-Type") != "application/json" {
		f.Errorf("%s %s: %v, %q, %s", r.Method, r.URL, err, r.Header.Get("Content-Type"), text)
		return false
	}
	return true
}

// want fails the test where a request lacks a header.
func (f *fake) want(r *http.Request, headers map[string]string) {
	for name, value := range headers {
		if got := r.Header.Get(name); got != value {
			f.Errorf("%s %s: the header %s is %q, want %q", r.Method, r.URL, name, got, value)
		}
	}
}

// only fails the test where a request has another parameter.
func (f *fake) only(r *http.Request, names ...string) {
	for name := range r.URL.Query() {
		if !slices.Contains(names, name) {
			f.Errorf("%s %s: what is %s?", r.Method, r.URL, name)
		}
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if v != nil {
		_ = json.NewEncoder(w).Encode(v)
	}
}

func say(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]string{"message": text})
}

// routesOfGitHub are what the real GitHub has of what is asked, under /api/v3 as on a server of one's own.
func routesOfGitHub(f *fake) http.Handler {
	mux := http.NewServeMux()
	one := func(pattern string, h func(w http.ResponseWriter, r *http.Request)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			f.want(r, map[string]string{"Authorization": "Bearer " + testToken, "Accept": "application/vnd.github+json", "X-Github-Api-Version": "2022-11-28"})
			f.mu.Lock()
			defer f.mu.Unlock()
			h(w, r)
		})
	}
	handle := func(pattern string, h func(w http.ResponseWriter, r *http.Request)) {
		if !strings.Contains(pattern, "{number}") {
			one(pattern, h)
			return
		}
		for _, number := range []string{"12", "13"} { // {number} and {id} would meet
			one(strings.Replace(pattern, "{number}", number, 1), func(w http.ResponseWriter, r *http.Request) {
				r.SetPathValue("number", number)
				h(w, r)
			})
		}
	}
	const base, comments = "/api/v3", "/api/v3/repos/acme/shop/issues/{number}/comments"
	json := func(n *note) any {
		return map[string]any{"id": n.id, "body": n.body, "user": map[string]any{"login": n.author, "type": "Bot"}}
	}
	handle("GET "+base+"/user", func(w http.ResponseWriter, _ *http.Request) {
		if f.app {
			say(w, http.StatusForbidden, "Resource not accessible by integration")
			return
		}
		answer(w, http.StatusOK, map[string]any{"login": f.self})
	})
	handle("POST /api/graphql", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Query string }
		f.decode(r, &in)
		answer(w, http.StatusOK, map[string]any{"data": map[string]any{"viewer": map[string]any{"login": f.self}}})
	})
	handle("GET "+base+"/repos/acme/shop/pulls", func(w http.ResponseWriter, r *http.Request) {
		f.only(r, "head", "state", "per_page")
		all := []any{}
		if r.FormValue("head") == "acme:login" && r.FormValue("state") == "open" {
			change := func(number int, ref, repo string) any {
				return map[string]any{"number": number, "head": map[string]any{"ref": ref, "repo": map[string]any{"full_name": repo}}}
			}
			all = []any{change(9, "login", "kim/shop"), change(14, "login", "acme/shop"), change(12, "login", "acme/shop"), change(2, "other", "acme/shop")}
		}
		answer(w, http.StatusOK, all)
	})
	handle("GET "+comments, func(w http.ResponseWriter, r *http.Request) {
		f.only(r, "page", "per_page")
		all, more := f.page(r)
		if more {
			w.Header().Set("Link", `<https://evil.example/next>; rel="next", <https://evil.example/last>; rel="last"`)
		}
		out := []any{}
		for _, n := range all {
			out = append(out, json(n))
		}
		answer(w, http.StatusOK, out)
	})
	handle("POST "+comments, func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusCreated, json(f.create(r))) })
	const byID = base + "/repos/acme/shop/issues/comments/{id}"
	handle("GET "+byID, func(w http.ResponseWriter, r *http.Request) { f.answerOne(w, f.find(r), json) })
	handle("PATCH "+byID, func(w http.ResponseWriter, r *http.Request) { f.answerOne(w, f.edit(r), json) })
	handle("DELETE "+byID, func(w http.ResponseWriter, r *http.Request) { f.drop(w, r) })
	f.routeDeployments(handle, base+"/repos/acme/shop/deployments")
	mux.HandleFunc("/", f.unknown)
	return mux
}

// unknown refuses what no API has.
func (f *fake) unknown(w http.ResponseWriter, r *http.Request) {
	f.Errorf("%s %s is none of the API's", r.Method, r.URL)
	say(w, http.StatusNotFound, "Not Found")
}

func (f *fake) answerOne(w http.ResponseWriter, n *note, json func(*note) any) {
	if n == nil {
		say(w, http.StatusNotFound, "Not Found")
		return
	}
	answer(w, http.StatusOK, json(n))
}

// edit changes a comment. Those of others can't be edited.
func (f *fake) edit(r *http.Request) *note {
	n, body := f.find(r), f.body(r)
	if n == nil {
		return nil
	}
	if n.author != f.self && n.author != workflowBot {
		f.Errorf("the comment of %s is edited", n.author)
	}
	n.body, n.edits = body, n.edits+1
	return n
}

func (f *fake) drop(w http.ResponseWriter, r *http.Request) {
	n := f.find(r)
	if n == nil {
		say(w, http.StatusNotFound, "Not Found")
		return
	}
	if n.author != f.self {
		f.Errorf("the comment of %s is deleted", n.author)
	}
	f.comments = slices.DeleteFunc(f.comments, func(each *note) bool { return each == n })
	w.WriteHeader(http.StatusNoContent)
}

// kind is one of the two services.
type kind struct {
	name   string
	self   string
	routes func(*fake) http.Handler
	path   string // of the API
	change Change
	make   func(Account, Change, Hints) (*Comments, error)
}

var kinds = []kind{
	{GitHub, "beansprout-bot", routesOfGitHub, "/api/v3", Change{Project: "acme/shop", Number: 12}, NewGitHub},
	{GitLab, "project_7_bot", routesOfGitLab, "/api/v4", Change{Project: "7", Number: 12}, NewGitLab},
}

func (k kind) fake(t *testing.T) *fake { return newFake(t, k.self, k.routes, false) }

// account returns how the fake's API is called.
func (k kind) account(f *fake) Account {
	return Account{API: f.server.URL + k.path, Token: testToken, Variable: "TEST_TOKEN"}
}

// comments returns an announcer of the fake's, as another process would have it.
func (k kind) comments(f *fake, c Change) *Comments {
	made, err := k.make(k.account(f), c, Hints{})
	if err != nil {
		f.Fatal(err)
	}
	made.Limit = 10 * time.Second
	return made
}
