package stories

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// gitHub is GitHub's API with the pull request 12 of acme/shop.
type gitHub struct {
	server *httptest.Server

	mu       sync.Mutex
	comments []string // their texts; the ID is one more than the index
	strange  []string // requests that it does not know
}

func newGitHub() *gitHub {
	g := &gitHub{}
	mux := http.NewServeMux()
	handle := func(pattern string, answer func(r *http.Request) any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			g.mu.Lock()
			defer g.mu.Unlock()
			if v := answer(r); v != nil {
				_ = json.NewEncoder(w).Encode(v)
				return
			}
			g.strange = append(g.strange, r.Method+" "+r.URL.Path)
			w.WriteHeader(http.StatusNotFound)
		})
	}
	const repo = "/repos/acme/shop/issues/"
	handle("GET /user", func(*http.Request) any { return map[string]any{"login": "sprout"} })
	handle("GET "+repo+"12/comments", func(*http.Request) any {
		all := []any{}
		for i := range g.comments {
			all = append(all, g.comment(i))
		}
		return all
	})
	handle("POST "+repo+"12/comments", func(r *http.Request) any {
		g.comments = append(g.comments, bodyOf(r))
		return g.comment(len(g.comments) - 1)
	})
	one := func(r *http.Request) any {
		id, _ := strconv.Atoi(r.PathValue("id"))
		if id < 1 || id > len(g.comments) {
			return nil
		}
		if r.Method == http.MethodPatch {
			g.comments[id-1] = bodyOf(r)
		}
		return g.comment(id - 1)
	}
	handle("GET "+repo+"comments/{id}", one)
	handle("PATCH "+repo+"comments/{id}", one)
	handle("/", func(*http.Request) any { return nil })
	g.server = httptest.NewServer(mux)
	return g
}

func bodyOf(r *http.Request) string {
	var in struct{ Body string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	return in.Body
}

func (g *gitHub) comment(i int) any {
	return map[string]any{"id": i + 1, "body": g.comments[i], "user": map[string]any{"login": "sprout", "type": "User"}}
}

// github start: this is a workflow of the pull request 12, whose comments the program writes.
// github says TEXT...: there is one comment, which has the texts.
func gitHubCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(storyKey{}).(*story)
	switch {
	case len(args) == 1 && args[0] == "start" && !neg:
		s.gitHub = newGitHub()
		ts.Defer(s.gitHub.server.Close)
		for name, value := range map[string]string{
			"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop", "GITHUB_REF": "refs/pull/12/merge", "GITHUB_HEAD_REF": "login",
			"GITHUB_API_URL": s.gitHub.server.URL, "BEANSPROUT_GITHUB_TOKEN": "ghp_storystorystory",
		} {
			ts.Setenv(name, value)
		}
	case len(args) > 1 && args[0] == "says" && !neg:
		s.gitHub.mu.Lock()
		defer s.gitHub.mu.Unlock()
		if len(s.gitHub.comments) != 1 || len(s.gitHub.strange) > 0 {
			ts.Fatalf("want one comment: %q; and nothing but comments: %q", s.gitHub.comments, s.gitHub.strange)
		}
		for _, text := range args[1:] {
			if !strings.Contains(s.gitHub.comments[0], text) {
				ts.Fatalf("the comment lacks %q:\n%s", text, s.gitHub.comments[0])
			}
		}
	default:
		ts.Fatalf("usage: github start | says TEXT...")
	}
}
