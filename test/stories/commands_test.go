package stories

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"beansprout/test/lab"
)

// code N PROGRAM ARGS...: runs a program that must end with that exit code.
func wantCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s ends with %d, want %s", args[1], got, args[0])
	}
}

// get URL [TEXT...]: the URL must answer 200 with all the texts in its page.
func getURL(ts *testscript.TestScript, neg bool, args []string) {
	page, err := lab.Visit(args[0])
	if err != nil {
		ts.Fatalf("%v", err)
	}
	for _, text := range args[1:] {
		if strings.Contains(page, text) == neg {
			ts.Fatalf("%s: contains %q: %v\n%s", args[0], text, !neg, page)
		}
	}
}

// refused URL: the URL must not answer 200.
func refused(ts *testscript.TestScript, _ bool, args []string) {
	if page, err := lab.Visit(args[0]); err == nil {
		ts.Fatalf("%s answers:\n%s", args[0], page)
	}
}

// load is a number of clients that ask one URL without a pause.
type load struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	count  atomic.Int64
	failed atomic.Int64
	first  atomic.Pointer[error]
}

// hammer URL: 16 clients ask it until calm.
func hammer(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel}
	ts.Value(storyKey{}).(*story).clients = l
	for range 16 {
		l.done.Go(func() {
			for ctx.Err() == nil {
				if _, err := lab.Visit(args[0]); err != nil {
					l.failed.Add(1)
					l.first.CompareAndSwap(nil, &err)
				}
				l.count.Add(1)
			}
		})
	}
}

func (l *load) stop() { l.cancel(); l.done.Wait() }

// calm: the clients stop; none may have failed, and they must have asked.
func calm(ts *testscript.TestScript, _ bool, _ []string) {
	l := ts.Value(storyKey{}).(*story).clients
	l.stop()
	ts.Logf("%d requests, %d failed", l.count.Load(), l.failed.Load())
	if l.failed.Load() > 0 || l.count.Load() < 100 {
		ts.Fatalf("%d of %d requests failed; the first: %v", l.failed.Load(), l.count.Load(), *l.first.Load())
	}
}

// waitLimit is how long a story waits for something.
const waitLimit = 5 * time.Minute

// eventually PROGRAM ARGS...: runs it until it succeeds.
func eventually(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(waitLimit); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(args[0], args[1:]...)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: %v", strings.Join(args, " "), err)
		}
	}
}

// keep NAME: keeps the last program's output in an environment variable.
func keepOutput(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// occupy PORT: another process listens there until the story ends.
func occupyPort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:"+args[0])
	ts.Check(err)
	ts.Defer(func() { l.Close() })
}

// remote asks: a git remote at $REMOTE asks for a password until the story ends.
func remoteThatAsks(ts *testscript.TestScript, _ bool, _ []string) {
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	ts.Defer(remote.Close)
	ts.Setenv("REMOTE", remote.URL)
}
