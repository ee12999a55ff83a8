package pullrequest

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"beansprout/envs"
)

// breakage is one way in which an API is broken.
type breakage struct {
	name string
	warn string // what a warning says; "" for none
	do   func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) bool
}

// always answers every request so.
func always(do func(w http.ResponseWriter)) func(http.ResponseWriter, *http.Request, func(http.ResponseWriter)) bool {
	return func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) bool {
		do(w)
		return true
	}
}

// writing answers what makes or edits a comment so.
func writing(do func(w http.ResponseWriter)) func(http.ResponseWriter, *http.Request, func(http.ResponseWriter)) bool {
	return func(w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
		if strings.HasPrefix(r.Method, "P") {
			do(w)
		}
		return strings.HasPrefix(r.Method, "P")
	}
}

// lost carries requests out and has their answers lost.
func lost(cut func(w http.ResponseWriter, answer []byte)) func(http.ResponseWriter, *http.Request, func(http.ResponseWriter)) bool {
	return func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) bool {
		if !strings.HasPrefix(r.Method, "P") {
			return false
		}
		done := httptest.NewRecorder()
		serve(done)
		cut(w, done.Body.Bytes())
		return true
	}
}

func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// elsewhere is another server. It must hear nothing of the token.
func elsewhere(t *testing.T) string {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another server is asked: %s %s %q", r.Method, r.URL, r.Header)
	}))
	t.Cleanup(other.Close)
	return other.URL
}

func breakages(t *testing.T) []breakage {
	other := elsewhere(t)
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	return []breakage{
		{"the token is wrong", "check the token in TEST_TOKEN", always(func(w http.ResponseWriter) { say(w, 401, "Bad credentials: "+testToken) })},
		{"the token may not write", "the token in TEST_TOKEN may not do that", writing(func(w http.ResponseWriter) { say(w, 403, "Resource not accessible by integration") })},
		{"the repository is not there", "or the token in TEST_TOKEN may not see it", always(func(w http.ResponseWriter) { say(w, 404, "Not Found") })},
		{"the conversation is locked", "is locked", writing(func(w http.ResponseWriter) { say(w, 403, "Unable to create comment because issue is locked.") })},
		{"comments are switched off", "status 410", always(func(w http.ResponseWriter) { say(w, 410, "Issues are disabled for this repo") })},
		{"too many requests", "too many requests: wait 1m0s", always(func(w http.ResponseWriter) { w.Header().Set("Retry-After", "60"); say(w, 429, "slow down") })},
		{"no request left", "too many requests: wait", always(func(w http.ResponseWriter) {
			w.Header().Set("X-RateLimit-Remaining", "0")
			w.Header().Set("X-RateLimit-Reset", fmt.Sprint(time.Now().Add(time.Hour).Unix()))
			say(w, 403, "API rate limit exceeded")
		})},
		{"the server fails", "status 502", always(func(w http.ResponseWriter) {
			w.WriteHeader(502)
			_, _ = io.WriteString(w, "<html>Bad Gateway "+testToken)
		})},
		{"half an answer", "is not whole", lost(func(w http.ResponseWriter, answer []byte) {
			w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
			_, _ = w.Write(answer[:len(answer)/2])
		})},
		{"the answer is lost", "is not whole", lost(func(w http.ResponseWriter, _ []byte) { hangUp(w) })},
		{"no answer", "did not answer in time", func(_ http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the client leaves
			select {
			case <-r.Context().Done():
			case <-end:
			}
			return true
		}},
		{"not JSON", "the answer is not the API's", always(func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>Log in</html>") })},
		{"JSON of another kind", "the answer is not the API's", always(func(w http.ResponseWriter) { answer(w, 200, map[string]any{"id": "x", "login": 3}) })},
		{"a redirect to another server", "which is not followed", always(func(w http.ResponseWriter) { w.Header().Set("Location", other+"/x"); w.WriteHeader(307) })},
		{"a redirect in a circle", "status 307", func(w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
			w.Header().Set("Location", r.URL.String())
			w.WriteHeader(307)
			return true
		}},
		{"no server", "", always(hangUp)},
	}
}

// However an API is broken, the operations do what they do without it, and end soon. When it works again, one
// comment is there.
func TestABrokenAPIChangesNothingElse(t *testing.T) {
	a := newAccount(t)
	for _, k := range kinds {
		for i, b := range breakages(t) {
			t.Run(k.name+", "+b.name, func(t *testing.T) {
				t.Parallel()
				feature, f := fmt.Sprintf("%s-%d", k.name, i), k.fake(t)
				in := a
				in.T = t
				in.outlives(k, f, feature, b)
			})
		}
	}
}

// outlives deploys, redeploys, fails and removes while an API is broken, and while it works.
func (a account) outlives(k kind, f *fake, feature string, b breakage) {
	a.Helper()
	displays := func(c Change) map[string]envs.Announcer {
		comments := k.comments(f, c)
		if f.isBroken() {
			comments.Limit = 200 * time.Millisecond
		}
		return map[string]envs.Announcer{k.name: comments}
	}
	check := func(what string, warnings []string) {
		a.Helper()
		told := strings.Join(warnings, "\n")
		if len(warnings) == 0 || !strings.Contains(told, b.warn) || strings.Count(told, "tell "+k.name+": ") != len(warnings) {
			a.Errorf("%s: warnings %q, want %q", what, warnings, b.warn)
		}
		if strings.Contains(told, testToken) || strings.Contains(told, "<html>") {
			a.Errorf("%s: the token or a page is told: %q", what, warnings)
		}
		if n := len(f.byUs()); n > 1 {
			a.Errorf("%s: %d comments", what, n)
		}
	}
	up := func(page, outcome string, broken bool) {
		a.Helper()
		f.breaks(nil)
		if broken {
			f.breaks(b.do)
		}
		r, warnings, err := a.up(displays(k.change), feature, page)
		if outcome != "" && (err != nil || r.Outcome != outcome || r.Environment.URL() == "") || outcome == "" && (err == nil || err.Error() != "the page is broken") {
			a.Errorf("%s: %q, %v", page, r.Outcome, err)
		}
		if broken {
			check(page, warnings)
		} else if len(warnings) != 0 {
			a.Errorf("%s: warnings %q", page, warnings)
		}
	}
	up("one", envs.Created, true)
	up("two", envs.Deployed, false)
	f.onlyOne(12)
	up("three", envs.Deployed, true)
	up("broken", "", true)
	f.breaks(b.do)
	receipt, warnings, err := a.down(displays(Change{}), feature)
	if err != nil || len(receipt.Removed) == 0 {
		a.Errorf("removal: %+v, %v", receipt, err)
	}
	check("removal", warnings)
	up("four", envs.Created, false)
	if one := f.onlyOne(12); !strings.Contains(one.body, "**Ready**") || !strings.Contains(one.body, "`Add four`") {
		a.Errorf("at the end it says %s", one.body)
	}
}

// A server that can't prove that it is the API's gets no token.
func TestACertificateThatIsNotTrustedEndsTheTelling(t *testing.T) {
	for _, k := range kinds {
		f := newFake(t, k.self, k.routes, true)
		f.server.Config.ErrorLog = log.New(io.Discard, "", 0)
		_, err := k.comments(f, k.change).Announce(t.Context(), Ref{}, ready())
		if err == nil || !strings.Contains(err.Error(), "the server's certificate is not trusted") || len(f.requests) != 0 {
			t.Errorf("%v, %q", err, f.requests)
		}
	}
}

// What the API asks to wait is waited for where there is time, and a server that fails once is asked again.
func TestAnAPIThatIsBrokenOnceIsAskedAgain(t *testing.T) {
	for name, once := range map[string]func(http.ResponseWriter){
		"limited": func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); say(w, 429, "slow down") },
		"abused":  func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); say(w, 403, "secondary rate limit") },
	} {
		eachKind(t, func(t *testing.T, k kind, f *fake) {
			var count atomic.Int32
			f.breaks(func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) bool {
				broken := count.Add(1)%2 == 1
				if broken {
					once(w)
				}
				return broken
			})
			announced(t, k.comments(f, k.change), Ref{}, ready())
			f.onlyOne(12)
			_ = name
		})
	}
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		failing := func(methods string) {
			var count atomic.Int32
			f.breaks(func(w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
				broken := strings.Contains(methods, r.Method) && count.Add(1)%2 == 1
				if broken {
					w.WriteHeader(500)
				}
				return broken
			})
		}
		failing("POST")
		ref, err := k.comments(f, k.change).Announce(t.Context(), Ref{}, ready())
		if err == nil || ref == (Ref{}) || ref.Timestamp != "" || len(f.byUs()) != 0 {
			t.Errorf("a comment that may have been made is made again: %+v, %v, %+v", ref, err, f.byUs())
		}
		failing("GET PATCH PUT")
		announced(t, k.comments(f, k.change), ref, ready())
		announced(t, k.comments(f, k.change), ref, ready())
		f.onlyOne(12)
	})
}

// A repository that was renamed is found by the redirect of its own server.
func TestARedirectOfTheSameServerIsFollowed(t *testing.T) {
	eachKind(t, func(t *testing.T, k kind, f *fake) {
		f.breaks(func(w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
			old := strings.Contains(r.URL.Path, "acme/old")
			if old {
				w.Header().Set("Location", strings.NewReplacer("acme/old", "acme/shop", "acme%2Fold", "acme%2Fshop").Replace(r.URL.String()))
				w.WriteHeader(http.StatusMovedPermanently)
			}
			return old
		})
		ref := announced(t, k.comments(f, Change{Project: "acme/old", Number: 12}), Ref{}, ready())
		n := ready()
		n.Note = "renamed"
		announced(t, k.comments(f, Change{}), ref, n)
		if one := f.onlyOne(12); !strings.Contains(one.body, "renamed") {
			t.Errorf("it says %s", one.body)
		}
	})
}
