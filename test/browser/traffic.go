//go:build !race

package browser

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// traffic is what a tab has asked for and complained about.
type traffic struct {
	mu       sync.Mutex
	host     string // of the first page
	problems []string
	expected []string
}

// note notes an event of the browser.
func (t *traffic) note(event any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		t.noteRequest(e.Request.URL)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			t.problems = append(t.problems, fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventExceptionThrown:
		t.problems = append(t.problems, "exception: "+describe(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		var words []string
		for _, arg := range e.Args {
			words = append(words, string(arg.Value)+arg.Description)
		}
		t.problems = append(t.problems, fmt.Sprintf("console.%s: %s", e.Type, strings.Join(words, " ")))
	}
}

func describe(d *runtime.ExceptionDetails) string {
	if d.Exception != nil {
		return d.Text + " " + d.Exception.Description
	}
	return d.Text
}

func (t *traffic) noteRequest(link string) {
	address, err := url.Parse(link)
	if err != nil || address.Scheme != "http" && address.Scheme != "https" {
		return
	}
	if t.host == "" {
		t.host = address.Host
	}
	if address.Host != t.host {
		t.problems = append(t.problems, "request of a foreign host: "+link)
	}
}

// Expect allows problems that contain a text.
func (t *traffic) Expect(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expected = append(t.expected, text)
}

// Problems returns the errors and warnings of the console, violations of the Content-Security-Policy, and requests of
// foreign hosts, without those that are expected.
func (t *traffic) Problems() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(t.problems), func(problem string) bool {
		return slices.ContainsFunc(t.expected, func(text string) bool { return strings.Contains(problem, text) })
	})
}
