package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"beansprout/builder"
	"beansprout/localcloud"
	"beansprout/notify/notifytest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"beansprout": storyMain})
}

// TestStories runs the stories under testdata: each drives the real binary against a
// local cloud of its own on the real Docker Engine.
func TestStories(t *testing.T) {
	if testing.Short() {
		t.Skip("the stories need a Docker Engine")
	}
	engine, err := builder.Connect(context.Background())
	if err != nil {
		t.Fatalf("the stories need a Docker Engine: %v", err)
	}
	engine.Close()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/stories",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupStory,
		Condition:           storyCondition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"example": copyExample, "code": wantCode, "get": getURL, "refused": refused, "hammer": hammer, "calm": calm,
			"slack": slackCommand, "eventually": eventually, "keep": keepOutput, "writes": countWrites,
			"cut": cutEngine, "occupy": occupyPort, "cloud": cloudCommand,
		},
	})
}

// TestBasics runs the stories that need no Docker.
func TestBasics(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/basics", RequireExplicitExec: true, RequireUniqueNames: true, Setup: setupStory,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": wantCode, "get": getURL, "keep": keepOutput, "writes": countWrites, "zip": zipEntries,
		},
	})
}

// story is what one script has besides its directory.
type story struct {
	slack   *notifytest.Server
	clients *load
	engine  *engineProxy
}

type storyKey struct{}

func setupStory(e *testscript.Env) error {
	s := &story{}
	e.Values[storyKey{}] = s
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	for k, v := range map[string]string{
		"HOME":                        e.WorkDir,
		"GOCACHE":                     goEnv("GOCACHE"),
		"GOMODCACHE":                  goEnv("GOMODCACHE"),
		"GOFLAGS":                     "-trimpath -buildvcs=false",
		"GORACE":                      "atexit_sleep_ms=0",
		"BEANSPROUT_LOCAL_DIR":        filepath.Join(e.WorkDir, "cloud"),
		"BEANSPROUT_LOCAL_PORT":       ports[0],
		"BEANSPROUT_LOCAL_URL_PORT":   ports[1],
		"DOCKER_HOST":                 os.Getenv("DOCKER_HOST"),
		"GIT_CONFIG_COUNT":            "2",
		"GIT_CONFIG_KEY_0":            "user.name",
		"GIT_CONFIG_VALUE_0":          "Kim Dev",
		"GIT_CONFIG_KEY_1":            "user.email",
		"GIT_CONFIG_VALUE_1":          "kim@example.com",
		"AWS_PAGER":                   "",
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_ENDPOINT_URL":            "http://127.0.0.1:9", // --local must not care
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		e.Setenv(k, v)
	}
	e.Defer(func() { s.close(); resetCloud(e); removeImages("127.0.0.1:" + ports[0]) })
	return nil
}

func (s *story) close() {
	if s.clients != nil {
		s.clients.stop()
	}
	if s.slack != nil {
		s.slack.Close()
	}
	if s.engine != nil {
		s.engine.close()
	}
}

// resetCloud removes whatever a script has left running.
func resetCloud(e *testscript.Env) {
	dir := e.Getenv("BEANSPROUT_LOCAL_DIR")
	if _, err := os.Stat(dir); err != nil {
		return
	}
	if _, err := stopLocal(context.Background(), dir); err != nil {
		e.T().Log("stop the story's local cloud:", err)
	}
	if err := localcloud.Reset(context.Background(), dir); err != nil {
		e.T().Log("reset the story's local cloud:", err)
	}
}

var goEnvs sync.Map

func goEnv(name string) string {
	if v, ok := goEnvs.Load(name); ok {
		return v.(string)
	}
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		return ""
	}
	v, _ := goEnvs.LoadOrStore(name, strings.TrimSpace(string(out)))
	return v.(string)
}

func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports, nil
}

// storyCondition knows [aws]: the AWS CLI is installed; where it isn't, that is said loudly.
// And [local], which is always so here.
func storyCondition(cond string) (bool, error) {
	switch cond {
	case "local":
		return true, nil
	case "aws":
		_, err := exec.LookPath("aws")
		if err != nil {
			fmt.Fprintln(os.Stderr, "ATTENTION: the AWS CLI is not installed: the local cloud is not judged by it")
		}
		return err == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// example DIR [feature]: copies examples/hello to DIR and commits it there.
func copyExample(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: example DIR")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.CopyFS(dir, os.DirFS("../../examples/hello")))
	ts.Check(os.RemoveAll(filepath.Join(dir, "bin")))
}

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

var visitor = plainClient()

// get URL [TEXT...]: the URL must answer 200 with all the texts in its page.
func getURL(ts *testscript.TestScript, neg bool, args []string) {
	page, err := fetch(args[0])
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
	if page, err := fetch(args[0]); err == nil {
		ts.Fatalf("%s answers:\n%s", args[0], page)
	}
}

func fetch(url string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := visitor.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return string(page), err
}

// load is a number of clients that ask one URL without a pause.
type load struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	asked  atomic.Int64
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
				if _, err := fetch(args[0]); err != nil {
					l.failed.Add(1)
					l.first.CompareAndSwap(nil, &err)
				}
				l.asked.Add(1)
			}
		})
	}
}

func (l *load) stop() { l.cancel(); l.done.Wait() }

// calm: the clients stop; none may have failed, and they must have asked.
func calm(ts *testscript.TestScript, _ bool, _ []string) {
	l := ts.Value(storyKey{}).(*story).clients
	l.stop()
	ts.Logf("%d requests, %d failed", l.asked.Load(), l.failed.Load())
	if l.failed.Load() > 0 || l.asked.Load() < 100 {
		ts.Fatalf("%d of %d requests failed; the first: %v", l.failed.Load(), l.asked.Load(), *l.first.Load())
	}
}

// slack start | fail | hang | recover: what the story's Slack does.
// slack messages N | replies N | text TEXT: what stands in it.
func slackCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(storyKey{}).(*story)
	switch args[0] {
	case "start":
		s.slack = notifytest.New()
		ts.Setenv("BEANSPROUT_SLACK_API_URL", s.slack.URL)
		ts.Setenv("SLACK_BOT_TOKEN", notifytest.Token)
	case "fail":
		s.slack.Always(notifytest.Refuse("fatal_error"))
	case "hang":
		s.slack.Always(notifytest.Hang())
	case "recover":
		s.slack.Always(nil)
	default:
		checkSlack(ts, neg, s.slack.Messages(), args)
	}
}

func checkSlack(ts *testscript.TestScript, neg bool, messages []notifytest.Message, args []string) {
	replies, text := 0, ""
	for _, m := range messages {
		replies += len(m.Replies)
		for _, each := range append(m.Replies, m) {
			text += each.Text + "\n" + string(each.Blocks) + "\n"
		}
	}
	ok := map[string]func() bool{
		"messages": func() bool { return strconv.Itoa(len(messages)) == args[1] },
		"replies":  func() bool { return strconv.Itoa(replies) == args[1] },
		"text":     func() bool { return strings.Contains(text, args[1]) },
	}[args[0]]()
	if ok == neg {
		ts.Fatalf("slack %s: %v; it has %d messages, %d replies:\n%s", strings.Join(args, " "), ok, len(messages), replies, text)
	}
}

// eventually PROGRAM ARGS...: runs it until it succeeds, for half a minute.
func eventually(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
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

// occupy PORT: somebody else listens there until the story ends.
func occupyPort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:"+args[0])
	ts.Check(err)
	ts.Defer(func() { l.Close() })
}
