package beanstalk

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
)

// stage is a Beanstalk with one environment that behaves as a script says, where no local
// cloud could be made to. It stands where the network would be, so that a test in a bubble
// of testing/synctest takes no time, however long AWS does.
//
// A script has a line for each thing that happens, with the time since the operation was
// called:
//
//	0s  Updating v1 Green Ok           from now on, what DescribeEnvironments answers
//	0s  gone                           from now on, it doesn't know the environment
//	5s  INFO Environment update ...    an event of the operation
//	5s  other INFO ...                 an event of another request
//	5s  bare INFO ...                  an event without a request
//	5s  +30s INFO ...                  an event that can be read half a minute later
//	5s  twice INFO ...                 an event that is told in each answer twice
type stage struct {
	t        *testing.T
	offset   time.Duration // how far AWS's clock is ahead of ours
	nameless bool          // answers carry no request id
	rows     []scripted    // what DescribeEnvironments answers, and since when
	events   []scripted
	faults   []*spoiler
	latency  time.Duration // until a call arrives

	mu     sync.Mutex
	called time.Time // when the operation was called, by our clock
	begun  int       // how often it was
	born   time.Time
	before Env
	calls  map[string]int
	bucket func(operation string) bool // whether a call is let through; nil lets all
}

type scripted struct {
	at, delay time.Duration
	env       Env // of a row; without an id there is none
	event     Event
	twice     bool
}

// spoiler spoils calls: KIND OPERATION [SKIP COUNT].
type spoiler struct {
	kind, operation string
	skip, count     int
}

const (
	envID   = "e-aaaaaaaaaa"
	envName = "shop-x"
	theirs  = "5b7f0d0e-0000-4000-8000-000000000002"
)

// How most operations start, in a script.
const (
	updateStarts = `
		0s Updating v1 Green
		0s INFO Environment update is starting.`
	launchStarts = `
		0s Launching v2 Grey
		0s INFO createEnvironment is starting.`
)

// newStage returns a stage that plays the script, and a client of it.
func newStage(t *testing.T, k kind, script string, faults ...string) (*stage, *Client) {
	s := &stage{t: t, calls: map[string]int{}, born: time.Now().Add(-500 * time.Millisecond)}
	if k != launching {
		s.before = Env{ID: envID, Name: envName, State: Ready, Version: "v1", Health: "Green", Status: "Ok"}
	}
	lines := bufio.NewScanner(strings.NewReader(script))
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) > 0 {
			s.add(words)
		}
	}
	for _, text := range faults {
		f := &spoiler{count: 1}
		if _, err := fmt.Sscan(text, &f.kind, &f.operation); err != nil {
			t.Fatalf("fault %q: %v", text, err)
		}
		_, _ = fmt.Sscan(text, &f.kind, &f.operation, &f.skip, &f.count) // the last two may be left out
		s.faults = append(s.faults, f)
	}
	return s, New(eb.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://beanstalk"), HTTPClient: s,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}), nil)
}

func (s *stage) add(words []string) {
	at, err := time.ParseDuration(words[0])
	if err != nil {
		s.t.Fatalf("%q: %v", words, err)
	}
	line := scripted{at: at, event: Event{Request: ownRequest}}
	for words = words[1:]; len(words) > 0; words = words[1:] {
		switch word := words[0]; {
		case word == "other":
			line.event.Request = theirs
		case word == "bare":
			line.event.Request = ""
		case word == "twice":
			line.twice = true
		case word[0] == '+':
			if line.delay, err = time.ParseDuration(word[1:]); err != nil {
				s.t.Fatalf("%q: %v", words, err)
			}
		case word == "gone":
			s.rows = append(s.rows, line)
			return
		case word == strings.ToUpper(word):
			line.event.Severity, line.event.Message = word, strings.Join(words[1:], " ")
			s.events = append(s.events, line)
			return
		default:
			words = append(words, "", "")
			line.env = Env{ID: envID, Name: envName, State: State(word), Version: words[1], Health: words[2], Status: strings.ReplaceAll(words[3], "_", " ")}
			s.rows = append(s.rows, line)
			return
		}
	}
}

// Do implements aws.HTTPClient.
func (s *stage) Do(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	operation := form.Get("Action")
	time.Sleep(s.latency)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[operation]++
	if limited := operation == "DescribeEnvironments" || operation == "DescribeEvents"; limited && s.bucket != nil && !s.bucket(operation) {
		return s.answer(http.StatusBadRequest, refusal("Throttling", "Rate exceeded")), nil
	}
	f := s.struck(operation)
	switch kind := cmp.Or(f, &spoiler{}).kind; kind {
	case "":
		return s.carryOut(operation, form), nil
	case "throttle":
		return s.answer(http.StatusBadRequest, refusal("Throttling", "Rate exceeded")), nil
	case "error":
		return s.answer(http.StatusInternalServerError, refusal("InternalFailure", "We encountered an internal error.")), nil
	case "empty":
		return s.answer(http.StatusInternalServerError, ""), nil
	case "html":
		return s.answer(http.StatusBadGateway, "<html><body><h1>502 Bad Gateway</h1></body></html>"), nil
	case "busy": // with another user's update
		s.before.State = Updating
		return s.carryOut(operation, form), nil
	case "refused": // by a proxy
		return s.answer(http.StatusForbidden, "<html><body><h1>403 Forbidden</h1></body></html>"), nil
	case "timeout-before", "timeout-after":
		if kind == "timeout-after" {
			s.carryOut(operation, form)
		}
		s.mu.Unlock()
		<-r.Context().Done()
		s.mu.Lock()
		return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: r.Context().Err()}
	case "reset-before", "reset-after":
		if kind == "reset-after" {
			s.carryOut(operation, form)
		}
		return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: syscall.ECONNRESET}
	case "slow":
		s.mu.Unlock()
		time.Sleep(10 * time.Second)
		s.mu.Lock()
		return s.carryOut(operation, form), nil
	case "nothing", "page", "malformed", "truncated": // each a 200
		return spoil(s.carryOut(operation, form), kind), nil
	case "expired":
		return s.answer(http.StatusForbidden, refusal("ExpiredToken", "The security token included in the request is expired")), nil
	default:
		s.t.Fatalf("no fault is called %q", kind)
		return nil, errors.ErrUnsupported
	}
}

func (s *stage) struck(operation string) *spoiler {
	for _, f := range s.faults {
		if f.operation != operation && f.operation != "*" {
			continue
		}
		if f.skip > 0 {
			f.skip--
		} else if f.count > 0 {
			f.count--
			return f
		}
	}
	return nil
}

func spoil(answer *http.Response, kind string) *http.Response {
	body, _ := io.ReadAll(answer.Body)
	half := bytes.NewReader(body[:len(body)/2])
	switch kind {
	case "nothing":
		answer.Body = http.NoBody
	case "page":
		answer.Body = io.NopCloser(strings.NewReader("<html><body>It works!</body></html>"))
	case "malformed":
		answer.Body = io.NopCloser(half)
	case "truncated":
		answer.Body = io.NopCloser(io.MultiReader(half, broken{}))
	}
	return answer
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (s *stage) carryOut(operation string, form url.Values) *http.Response {
	switch operation {
	case "CreateEnvironment", "UpdateEnvironment", "TerminateEnvironment", "RebuildEnvironment":
		if state := s.env().State; operation == "CreateEnvironment" && state != "" && state != Terminated {
			return s.refuse("Environment " + envName + " already exists.")
		} else if operation == "UpdateEnvironment" && state != Ready {
			return s.refuse("Environment named " + envName + " is in an invalid state for this operation. Must be Ready.")
		} else if operation == "TerminateEnvironment" && state != Ready {
			return s.refuse("Cannot terminate environment named " + envName + ". It is currently pending termination.")
		}
		s.called = time.Now()
		s.begun++
		return s.answer(http.StatusOK, result(operation, "<EnvironmentId>"+envID+"</EnvironmentId>"))
	case "DescribeEnvironments":
		return s.answer(http.StatusOK, result(operation, "<Environments>"+s.row(form)+"</Environments>"))
	case "DescribeEvents":
		return s.answer(http.StatusOK, result(operation, "<Events>"+s.told(form)+"</Events>"))
	}
	return s.answer(http.StatusBadRequest, refusal("InvalidAction", operation))
}

func (s *stage) refuse(message string) *http.Response {
	return s.answer(http.StatusBadRequest, refusal("InvalidParameterValue", message))
}

// env returns the environment as it is now, the zero Env when there is none.
func (s *stage) env() Env {
	now := s.before
	for _, r := range s.rows {
		if !s.called.IsZero() && time.Since(s.called) >= r.at {
			now = r.env
		}
	}
	return now
}

func (s *stage) row(form url.Values) string {
	e := s.env()
	if e.ID == "" || !includes(form, "EnvironmentIds", e.ID) || !includes(form, "EnvironmentNames", e.Name) {
		return ""
	}
	return "<member>" + element("EnvironmentId", e.ID) + element("EnvironmentName", e.Name) + element("Status", string(e.State)) +
		element("VersionLabel", e.Version) + element("Health", e.Health) + element("HealthStatus", e.Status) +
		element("DateCreated", s.date(s.changed())) + element("DateUpdated", s.date(s.changed())) + "</member>"
}

// changed returns when the environment was last changed, by our clock.
func (s *stage) changed() time.Time {
	if s.called.IsZero() {
		return s.born
	}
	return s.called
}

// includes reports whether a list of the request has the value, or is empty.
func includes(form url.Values, list, value string) bool {
	for i := 1; ; i++ {
		switch got := form.Get(list + ".member." + strconv.Itoa(i)); got {
		case "":
			return i == 1
		case value:
			return true
		}
	}
}

// told returns the events that can be read by now, the newest first, as AWS does.
func (s *stage) told(form url.Values) string {
	var all []string
	since, _ := time.Parse(time.RFC3339, form.Get("StartTime"))
	for _, l := range s.events {
		at := s.called.Add(s.offset + l.at)
		if s.called.IsZero() || time.Since(s.called) < l.at+l.delay || at.Before(since) {
			continue
		}
		text := "<member>" + element("EventDate", s.date(s.called.Add(l.at))) + element("Severity", l.event.Severity) +
			element("Message", l.event.Message) + element("RequestId", l.event.Request) + "</member>"
		all = append(all, text)
		if l.twice {
			all = append(all, text)
		}
	}
	slices.Reverse(all)
	return strings.Join(all, "")
}

// date returns a time of ours as AWS writes it.
func (s *stage) date(t time.Time) string {
	return t.Add(s.offset).UTC().Format("2006-01-02T15:04:05.000Z")
}

func (s *stage) answer(status int, body string) *http.Response {
	h := http.Header{"Content-Type": {"text/xml"}, "Date": {time.Now().Add(s.offset).UTC().Format(http.TimeFormat)}}
	if !s.nameless {
		h.Set("X-Amzn-Requestid", ownRequest)
	}
	return &http.Response{StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status), Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func result(operation, inner string) string {
	return "<" + operation + "Response><" + operation + "Result>" + inner + "</" + operation + "Result></" + operation + "Response>"
}

func refusal(code, message string) string {
	return "<ErrorResponse><Error><Type>Sender</Type>" + element("Code", code) + element("Message", message) + "</Error></ErrorResponse>"
}

func element(name, text string) string {
	if text == "" {
		return ""
	}
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
	return "<" + name + ">" + b.String() + "</" + name + ">"
}
