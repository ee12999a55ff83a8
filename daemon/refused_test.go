package daemon

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"beansprout/envs"
	"beansprout/janitor"
	"beansprout/notify"
	"beansprout/notify/notifytest"
	"beansprout/test/must"
)

// disturbed is the way to a cloud whose answers are changed.
type disturbed struct {
	change func(call string, status int, body string) (int, string)
}

// Do sends a call, and changes the answer.
func (d disturbed) Do(r *http.Request) (*http.Response, error) {
	call := r.Method + " " + r.URL.Path
	if r.Body != nil && r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		form, _ := url.ParseQuery(string(body))
		call, r = form.Get("Action")+" "+form.Get("NextToken"), r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	text := ""
	answer.StatusCode, text = d.change(call, answer.StatusCode, string(body))
	answer.Body, answer.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	answer.Header.Del("Content-Length")
	return answer, nil
}

const noEntry = "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>"

var listed = regexp.MustCompile(`(?s)<member>.*?</member>`)

// only has the list of environments lack those whose text lacks a part.
func only(part string) func(string, int, string) (int, string) {
	return func(call string, status int, body string) (int, string) {
		if !strings.HasPrefix(call, "DescribeEnvironments ") {
			return status, body
		}
		return status, listed.ReplaceAllStringFunc(body, func(row string) string {
			if part != "" && strings.Contains(row, part) {
				return row
			}
			return ""
		})
	}
}

func failingPage(call string, status int, body string) (int, string) {
	switch call {
	case "DescribeEnvironments ":
		return status, strings.Replace(body, "</Environments>", "</Environments><NextToken>more</NextToken>", 1)
	case "DescribeEnvironments more":
		return http.StatusForbidden, "<ErrorResponse>" + noEntry + "</ErrorResponse>"
	}
	return status, body
}

func anotherAccount(call string, status int, body string) (int, string) {
	if strings.HasPrefix(call, "GetCallerIdentity ") {
		body = regexp.MustCompile(`\d{12}`).ReplaceAllString(body, "210987654321")
	}
	return status, body
}

func unreadableBucket(call string, status int, body string) (int, string) {
	if strings.HasPrefix(call, "GET /elasticbeanstalk-") {
		return http.StatusForbidden, noEntry
	}
	return status, body
}

func unchanged(_ string, status int, body string) (int, string) { return status, body }

// TestARefusedSweepIsToldOnceAndRemovesNothing has daemons sweep again and again where something is not
// as it should be, and two environments are due.
func TestARefusedSweepIsToldOnceAndRemovesNothing(t *testing.T) {
	const young, due = 12, 2
	p := newPlot(t)
	p.manager = p.newManager(nil)
	for n := range due {
		p.deployed(fmt.Sprint("old-", n))
	}
	p.days = 30 * day
	p.manager = p.newManager(nil)
	for n := range young {
		p.deployed(fmt.Sprint("young-", n))
	}
	if _, err := (&janitor.Janitor{Environments: p.manager}).Sweep(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	const passed = 6 * day
	p.cloud.Advance(passed)
	removals := func() (n int) {
		for _, call := range p.cloud.Calls() {
			if strings.HasPrefix(call.Action, "Terminate") || strings.Contains(call.Action, "Delete") {
				n++
			}
		}
		return n
	}
	// begin runs a daemon whose calls are disturbed.
	begin := func(t *testing.T, region string, change func(string, int, string) (int, string)) (*plot, running) {
		own := &plot{T: t, cloud: p.cloud, aws: p.aws.Copy(), slack: notifytest.New(), logged: &lines{}}
		t.Cleanup(own.slack.Close)
		own.aws.HTTPClient, own.aws.Region = disturbed{change}, region
		own.client = notify.New(notifytest.Token, own.slack.URL, "#qa", &http.Client{})
		own.manager = own.newManager(map[string]envs.Announcer{"Slack": own.client})
		app := own.application("@every 1s")
		app.Janitor = &janitor.Janitor{Environments: own.manager, MaxDeletions: 10, Now: func() time.Time { return time.Now().Add(passed) }}
		return own, own.run(Config{Applications: []Application{app}, Live: true})
	}
	for name, tt := range map[string]struct {
		region string
		change func(string, int, string) (int, string)
	}{
		"an empty list":           {testRegion, only("")},
		"more than half is gone":  {testRegion, only("-old-")},
		"a page fails":            {testRegion, failingPage},
		"another account":         {testRegion, anotherAccount},
		"another region":          {"eu-west-1", unchanged},
		"a bucket without access": {testRegion, unreadableBucket},
	} {
		t.Run(name, func(t *testing.T) {
			own, d := begin(t, tt.region, tt.change)
			refusals := regexp.MustCompile(`beansprout_sweeps_total\{[^}]*result="refused"\} ([3-9]|\d\d)`)
			must.Wait(t, "three sweeps are refused", func() bool { _, text := d.get(t, "/metrics"); return refusals.MatchString(text) })
			if code, text := d.get(t, "/healthz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "the last sweep failed: ") {
				t.Errorf("/healthz answers %d: %s", code, text)
			}
			d.stop()
			if all := own.slack.Messages(); len(all) != 1 || !strings.Contains(all[0].Text, "Sweep refused") {
				t.Errorf("Slack has %+v, want one alert", all)
			}
			if n := removals(); n > 0 {
				t.Errorf("%d calls remove something", n)
			}
		})
	}
	_, d := begin(t, testRegion, unchanged)
	must.Wait(t, "where all is well, what is due is removed", func() bool { return removals() >= due })
	must.Wait(t, "health", func() bool { code, _ := d.get(t, "/healthz"); return code == http.StatusOK })
	d.stop()
}
