package stories

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// browser is one that looks at a board.
type browser struct {
	client http.Client
	base   string
}

// board open URL: a new browser goes there, and then wherever that leads.
// board login TOKEN: a person logs in.
// board shows PATH TEXT...: waits until the page has the texts. ! board shows: the page has none of them.
// board press PATH ACTION [NAME=VALUE...]: waits until the page has the form, and sends it.
func boardCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(storyKey{}).(*story)
	if len(args) < 2 || neg && args[0] != "shows" {
		ts.Fatalf("usage: board open URL | login TOKEN | shows PATH TEXT... | press PATH ACTION [NAME=VALUE...]")
	}
	b := s.browser
	switch args[0] {
	case "open":
		u, err := url.Parse(args[1])
		ts.Check(err)
		jar, err := cookiejar.New(nil)
		ts.Check(err)
		s.browser = &browser{http.Client{Jar: jar}, u.Scheme + "://" + u.Host}
		_, err = s.browser.answer(s.browser.client.Get(args[1]))
		ts.Check(err)
	case "login":
		_, err := b.answer(b.client.PostForm(b.base+"/login", url.Values{"token": {args[1]}}))
		ts.Check(err)
	case "shows":
		b.shows(ts, neg, args[1], args[2:])
	case "press":
		waitUntil(ts, "the page has the form", func() error { return b.press(args[1], args[2], args[3:]) })
	}
}

// answer returns the page of an answer.
func (b *browser) answer(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s is answered %s: %s", resp.Request.URL, resp.Status, page)
	}
	return string(page), err
}

func (b *browser) shows(ts *testscript.TestScript, neg bool, path string, texts []string) {
	look := func() error {
		page, err := b.answer(b.client.Get(b.base + path))
		for _, text := range texts {
			if err == nil && strings.Contains(page, text) == neg {
				err = fmt.Errorf("%s shows %q: %t\n%s", path, text, !neg, page)
			}
		}
		return err
	}
	if neg {
		ts.Check(look())
		return
	}
	waitUntil(ts, "the page shows it", look)
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

// press sends the form of a page that has an action, with more fields.
func (b *browser) press(path, action string, more []string) error {
	page, err := b.answer(b.client.Get(b.base + path))
	if err != nil {
		return err
	}
	for _, part := range strings.Split(page, "<form ")[1:] {
		form := url.Values{}
		for _, f := range hiddenField.FindAllStringSubmatch(part, -1) {
			form.Set(f[1], html.UnescapeString(f[2]))
		}
		if form.Get("action") != action {
			continue
		}
		for _, field := range more {
			name, value, _ := strings.Cut(field, "=")
			form.Set(name, value)
		}
		_, err := b.answer(b.client.PostForm(b.base+"/act", form))
		return err
	}
	return fmt.Errorf("%s has no form to %s:\n%s", path, action, page)
}

// waitUntil tries something again until it succeeds.
func waitUntil(ts *testscript.TestScript, what string, try func() error) {
	for deadline := time.Now().Add(waitLimit); ; time.Sleep(100 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: %v", what, err)
		}
	}
}
