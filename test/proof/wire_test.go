package proof

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"beansprout/test/oracle"
)

// wire is between the clients of a test and a cloud. It sees each call before the cloud does, can hold
// or refuse it, and remembers what each actor was told last about each environment.
type wire struct {
	transport *http.Transport
	forged    map[string]map[string]string // by environment id and element, what a describe tells instead of the truth

	mu   sync.Mutex
	told map[string]*reading // by actor and environment id
	name map[string]string   // ids by the names of environments, of the last one of each name
	read map[string]bool     // what the test has read since it was changed: "tags" or "record" and a name
	seq  int
}

// call is one request of an actor.
type call struct {
	actor  string
	action string // an action of Beanstalk's, or a method of HTTP with "record" or "s3"
	form   url.Values
	record string // the name of the environment whose record it is about
}

// changes reports whether a call changes something in Beanstalk.
func (c call) changes() bool {
	for _, p := range []string{"Terminate", "Create", "Update", "Delete", "Swap", "Abort", "Rebuild"} {
		if strings.HasPrefix(c.action, p) && c.action != "CreateStorageLocation" {
			return true
		}
	}
	return false
}

// reading is what an actor was told last about an environment, and when.
type reading struct {
	oracle.Facts                          // its row may be of a list, which another removal of the actor asked for
	own                        oracle.Row // of the last question for it alone
	ownSeq, tagsSeq, recordSeq int
	ownAt, tagsAt, recordAt    time.Time
	attempt                    int       // when the actor tried last to terminate it
	leased                     time.Time // when the actor wrote its record last
}

func newWire() *wire {
	return &wire{
		transport: &http.Transport{MaxIdleConnsPerHost: 64}, forged: map[string]map[string]string{},
		told: map[string]*reading{}, name: map[string]string{}, read: map[string]bool{},
	}
}

// actor is a client's way through the wire.
type actor struct {
	wire   *wire
	name   string
	before func(call) error // is called before a call is sent, and may hold it; its error is what the client gets
}

var recordPath = regexp.MustCompile(`/beansprout/ledger/([a-z0-9-]+)\.json$`)

// Do sends a call to the cloud.
func (a actor) Do(r *http.Request) (*http.Response, error) {
	c := call{actor: a.name}
	if m := recordPath.FindStringSubmatch(r.URL.Path); m != nil {
		c.record, c.action = m[1], r.Method+" record"
	} else if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" && r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		c.form, _ = url.ParseQuery(string(body))
		c.action, r = c.form.Get("Action"), r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	} else {
		c.action = r.Method + " s3"
	}
	if a.before != nil {
		err := a.before(c)
		if errors.Is(err, errLost) {
			if res, failed := a.wire.send(c, r); failed == nil {
				_ = res.Body.Close()
			}
		}
		if err != nil {
			return refusal(r, err)
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, context.Cause(r.Context())
	}
	return a.wire.send(c, r)
}

// refused is the error of a call that is answered with an error code.
type refused string

func (e refused) Error() string { return string(e) }

// errLost is the error of a call whose answer is lost after the cloud has carried it out.
var errLost = errors.New("the answer is lost")

func refusal(r *http.Request, err error) (*http.Response, error) {
	code, ok := errors.AsType[refused](err)
	if !ok {
		return nil, err
	}
	text := "<ErrorResponse><Error><Type>Sender</Type><Code>" + string(code) + "</Code><Message>No.</Message></Error></ErrorResponse>"
	if strings.HasSuffix(r.URL.Path, ".json") || r.Method != http.MethodPost {
		text = "<Error><Code>" + string(code) + "</Code><Message>No.</Message></Error>"
	}
	return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

// send passes a call on, and remembers its answer.
func (w *wire) send(c call, r *http.Request) (*http.Response, error) {
	if c.action == "TerminateEnvironment" {
		w.mu.Lock()
		w.seq++
		w.of(c.actor, c.form.Get("EnvironmentId")).attempt = w.seq
		w.mu.Unlock()
	}
	defer w.outdate(c)
	// The reading is as old as the question: what happens meanwhile may be missing in the answer.
	sent := time.Now()
	res, err := w.transport.RoundTrip(r)
	if err != nil || c.action != "DescribeEnvironments" && c.action != "ListTagsForResource" && c.action != "GET record" {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return nil, err
	}
	body = w.note(c, res, body, sent)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res.Header.Del("Content-Length")
	return res, nil
}

// outdate has the test read again what a call may have changed.
func (w *wire) outdate(c call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch c.action {
	case "PUT record", "DELETE record":
		w.of(c.actor, w.name[c.record]).leased = time.Now()
		delete(w.read, "record "+c.record)
	case "UpdateTagsForResource":
		delete(w.read, "tags "+nameOf(c))
	case "CreateEnvironment":
		delete(w.read, "tags "+c.form.Get("EnvironmentName"))
		delete(w.read, "record "+c.form.Get("EnvironmentName"))
	}
}

// must reports whether the test has to read something, and notes that it does.
func (w *wire) must(what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	read := w.read[what]
	w.read[what] = true
	return !read
}

// nameOf returns the name in the ARN of a call about tags.
func nameOf(c call) string {
	arn := c.form.Get("ResourceArn")
	return arn[strings.LastIndex(arn, "/")+1:]
}

func (w *wire) of(actor, id string) *reading {
	if w.told[actor+" "+id] == nil {
		w.told[actor+" "+id] = &reading{}
	}
	return w.told[actor+" "+id]
}

// note remembers an answer, and returns what the client is to get.
func (w *wire) note(c call, res *http.Response, body []byte, sent time.Time) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	now, _ := http.ParseTime(res.Header.Get("Date"))
	switch {
	case c.action == "GET record" && (res.StatusCode == http.StatusOK || res.StatusCode == http.StatusNotFound):
		r := w.of(c.actor, w.name[c.record])
		r.Written, _ = http.ParseTime(res.Header.Get("Last-Modified"))
		r.Record, r.Now, r.recordSeq, r.recordAt = string(body), now, w.seq, sent
		if res.StatusCode == http.StatusNotFound {
			r.Record = ""
		}
	case res.StatusCode != http.StatusOK:
	case c.action == "DescribeEnvironments":
		body = w.forge(body)
		for _, each := range readRows(body) {
			r := w.of(c.actor, each.EnvironmentId)
			if r.Row.DateUpdated != each.DateUpdated || each.Status != "Ready" {
				delete(w.read, "tags "+each.EnvironmentName) // tags are changed by updates
			}
			r.Row, r.Now = each, now
			if c.form.Get("EnvironmentIds.member.1") == each.EnvironmentId {
				r.own, r.ownSeq, r.ownAt = each, w.seq, sent
			}
			if !each.Gone() {
				w.name[each.EnvironmentName] = each.EnvironmentId
			}
		}
	case c.action == "ListTagsForResource":
		r := w.of(c.actor, w.name[nameOf(c)])
		r.Tags, r.tagsSeq, r.tagsAt = readTags(body), w.seq, sent
	}
	return body
}

var description = regexp.MustCompile(`(?s)<member>.*?</member>`)

// forge replaces what a describe tells of the environments for which that is wanted.
func (w *wire) forge(body []byte) []byte {
	if len(w.forged) == 0 {
		return body
	}
	return description.ReplaceAllFunc(body, func(m []byte) []byte {
		for id, elements := range w.forged {
			if !bytes.Contains(m, []byte("<EnvironmentId>"+id+"<")) {
				continue
			}
			for name, value := range elements {
				m = regexp.MustCompile(`<`+name+`>[^<]*</`+name+`>`).ReplaceAll(m, []byte(value))
			}
		}
		return m
	})
}

func readRows(body []byte) []oracle.Row {
	var answer struct {
		Rows []oracle.Row `xml:"DescribeEnvironmentsResult>Environments>member"`
	}
	if xml.Unmarshal(body, &answer) != nil {
		return nil
	}
	return answer.Rows
}

func readTags(body []byte) map[string]string {
	var answer struct {
		Tags []struct{ Key, Value string } `xml:"ListTagsForResourceResult>ResourceTags>member"`
	}
	if xml.Unmarshal(body, &answer) != nil {
		return nil
	}
	all := map[string]string{}
	for _, t := range answer.Tags {
		all[t.Key] = t.Value
	}
	return all
}
