package proof

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// remote is a git repository that answers as git's HTTP does, and has branches and nothing else.
type remote struct {
	server *httptest.Server

	mu     sync.Mutex
	names  []string
	broken bool
	listed []string // what it told last, nil where that was an error
	at     time.Time
}

func newRemote(f *field) *remote {
	r := &remote{names: []string{"main"}}
	r.server = httptest.NewServer(r)
	f.Cleanup(r.server.Close)
	return r
}

func (r *remote) add(branch string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = append(r.names, branch)
}

func (r *remote) remove(branch string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names = slices.DeleteFunc(slices.Clone(r.names), func(s string) bool { return s == branch })
}

func (r *remote) breaks(broken bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broken = broken
}

// lists reports whether the remote was asked a moment ago, and did not list the branch then.
func (r *remote) lacked(branch string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.listed != nil && time.Since(r.at) < 10*time.Second+slowness && !slices.Contains(r.listed, branch)
}

func (r *remote) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.listed = time.Now(), nil
	if r.broken {
		http.Error(w, "no", http.StatusBadGateway)
		return
	}
	r.listed = slices.Clone(r.names)
	w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
	line := func(s string) { fmt.Fprintf(w, "%04x%s", len(s)+4, s) }
	line("# service=git-upload-pack\n")
	fmt.Fprint(w, "0000")
	hash := strings.Repeat("1a", 20)
	line(hash + " HEAD\x00symref=HEAD:refs/heads/main agent=git/2\n")
	for _, name := range slices.Sorted(slices.Values(r.names)) {
		line(hash + " refs/heads/" + name + "\n")
	}
	fmt.Fprint(w, "0000")
}

// lacks reports whether an environment with these tags was made for a branch that the remote, which may
// be none, does not list.
func (r *remote) lacks(labels map[string]string) bool {
	feature := labels["beansprout:feature"]
	branch := labels["beansprout:source"] == "branch" && !strings.Contains(feature, ":") && !strings.HasPrefix(feature, "PR-")
	return r != nil && branch && r.lacked(feature)
}
