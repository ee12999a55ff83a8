package pullrequest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"beansprout/visible"
)

const (
	maxAnswerBytes = 16 << 20 // of one answer: a page has 100 comments, of up to 64 KiB each
	pageSize       = 100
	// maxPages is more than there can be: GitHub takes 2,500 comments in a pull request, GitLab 5,000.
	maxPages = 51
	// maxTries is how often a request is made that may be made again.
	maxTries = 3
	// retryPause is how long a second attempt waits for a server that has failed; a third waits twice as long.
	retryPause = 200 * time.Millisecond
)

// An Account is how the API of GitHub or GitLab is called.
type Account struct {
	API      string // its URL
	Token    string
	Variable string // the environment variable that Token is from, for errors
	Workflow bool   // Token may be the own one of a workflow of GitHub Actions
	HTTP     *http.Client
}

// A client makes the requests to one API. The token goes to the server of the API alone.
type client struct {
	account Account
	base    *url.URL
	http    *http.Client
	header  http.Header
}

func newClient(a Account, header map[string]string) (*client, error) {
	base, err := url.Parse(strings.TrimRight(a.API, "/"))
	if err != nil || base.Host == "" || base.User != nil || base.Scheme != "https" && base.Scheme != "http" || base.RawQuery != "" {
		return nil, fmt.Errorf("%q is no URL of an API", visible.Line(a.API, 200))
	}
	c := &client{account: a, base: base, http: &http.Client{}, header: http.Header{"User-Agent": {"beansprout"}}}
	if a.HTTP != nil {
		*c.http = *a.HTTP
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for name, value := range header {
		c.header.Set(name, value)
	}
	return c, nil
}

// call makes a request and decodes the answer into out, unless that is nil. A request that may be made
// twice is tried again where the server fails, and any where the server says that it was too much.
// It returns the headers of the answer.
func (c *client) call(ctx context.Context, method, path string, query url.Values, in, out any) (http.Header, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	at := c.base.JoinPath(path)
	at.RawQuery = query.Encode()
	for try := 1; ; try++ {
		header, err := c.try(ctx, method, at, body, out)
		wait, again := repeats(err, method, try)
		if !again || try == maxTries {
			return header, err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return header, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return header, err
		}
	}
}

// repeats reports whether a request with this error may be made again, and after how long. A POST whose
// answer is lost may have done its work.
func repeats(err error, method string, try int) (time.Duration, bool) {
	refused, ok := errors.AsType[*refusal](err)
	pause := retryPause * time.Duration(try)
	switch {
	case err == nil:
		return 0, false
	case ok && refused.limited:
		return max(refused.wait, pause), true
	case ok && refused.status < 500:
		return 0, false
	case errors.Is(err, errTrust):
		return 0, false
	}
	return pause, method != http.MethodPost
}

// try makes a request once. It follows one redirect, and only to the server of the API: a repository may
// have been renamed.
func (c *client) try(ctx context.Context, method string, at *url.URL, body []byte, out any) (http.Header, error) {
	answer, err := c.send(ctx, method, at, body)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if to, moved := c.moved(answer); moved {
		if to == nil {
			return nil, errors.New("the answer is a redirect to another server, which is not followed")
		}
		if answer, err = c.send(ctx, method, to, body); err != nil {
			return nil, err
		}
		defer answer.Body.Close()
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return answer.Header, c.sanitized(err)
	case answer.StatusCode/100 != 2:
		return answer.Header, c.refused(answer, text)
	case len(text) > maxAnswerBytes:
		return answer.Header, errors.New("the answer is too long")
	case out == nil:
		return answer.Header, nil
	}
	if json.Unmarshal(text, out) != nil {
		return answer.Header, errAnswer
	}
	return answer.Header, nil
}

// errAnswer is an answer of which it is not known whether the request has done its work.
var errAnswer = errors.New("the answer is not the API's")

// errTrust is a server that does not prove that it is the API's.
var errTrust = errors.New("the server's certificate is not trusted")

func (c *client) send(ctx context.Context, method string, at *url.URL, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(body))
	if err != nil {
		return nil, c.sanitized(err)
	}
	r.Header = c.header.Clone()
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	return answer, c.sanitized(err)
}

// moved returns where an answer redirects to, nil if that is another server.
func (c *client) moved(answer *http.Response) (*url.URL, bool) {
	switch answer.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, false
	}
	to, err := answer.Location()
	if err != nil || to.Scheme != c.base.Scheme || to.Host != c.base.Host || to.User != nil {
		return nil, true
	}
	return to, true
}

// sanitized returns an error of the HTTP client without the URL and whatever a server may have written.
func (c *client) sanitized(err error) error {
	request, isRequest := errors.AsType[*url.Error](err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s did not answer in time", c.base.Host) // another announcement may find what this one did
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the answer of %s is not whole", c.base.Host)
	case isRequest:
		err = request.Err
	}
	text := visible.Text(visible.Line(c.without(err.Error()), 200))
	if strings.Contains(text, "x509:") || strings.Contains(text, "certificate") {
		return fmt.Errorf("%w: %s", errTrust, text)
	}
	return errors.New(text)
}

// without takes the token out of a text.
func (c *client) without(text string) string {
	if c.account.Token == "" {
		return text
	}
	return strings.ReplaceAll(text, c.account.Token, "***")
}

// A refusal is an answer with another status than success.
type refusal struct {
	status  int
	text    string // what the API says
	remedy  string
	limited bool          // nothing was done, because there were too many requests
	wait    time.Duration // until the next one, where the API says that
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("status %d", r.status)
	if r.text != "" {
		text += " (" + r.text + ")"
	}
	if r.limited {
		return fmt.Sprintf("too many requests: wait %v", r.wait)
	}
	if r.remedy != "" {
		text += ": " + r.remedy
	}
	return text
}

// refused returns what an answer refuses.
func (c *client) refused(answer *http.Response, text []byte) error {
	var said struct {
		Message any `json:"message"` // GitLab's may be a list or a map
		Error   any `json:"error"`
	}
	_ = json.Unmarshal(text, &said)
	r := &refusal{status: answer.StatusCode}
	for _, s := range []any{said.Message, said.Error} {
		if s != nil && r.text == "" {
			r.text = visible.Text(visible.Line(c.without(fmt.Sprint(s)), 200))
		}
	}
	r.wait, r.limited = limited(answer)
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		r.remedy = "check the token in " + c.account.Variable
	case http.StatusForbidden:
		r.remedy = "the token in " + c.account.Variable + " may not do that"
	case http.StatusNotFound:
		r.remedy = "it is not there, or the token in " + c.account.Variable + " may not see it"
	}
	return r
}

// limited returns how long an answer asks to wait, and whether it was refused for that.
func limited(answer *http.Response) (time.Duration, bool) {
	after, h := answer.Header.Get("Retry-After"), answer.Header
	exhausted := h.Get("X-Ratelimit-Remaining") == "0"
	if answer.StatusCode != http.StatusTooManyRequests && (answer.StatusCode != http.StatusForbidden || after == "" && !exhausted) {
		return 0, false
	}
	const longest = time.Hour
	if seconds, err := strconv.ParseInt(after, 10, 32); err == nil && seconds >= 0 {
		return min(time.Duration(seconds)*time.Second, longest), true
	}
	if reset, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64); err == nil && exhausted {
		return min(max(time.Until(time.Unix(reset, 0)).Round(time.Second), 0), longest), true
	}
	return 0, true
}

// isStatus reports whether an error is an answer with one of these statuses.
func isStatus(err error, statuses ...int) bool {
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		return false
	}
	for _, status := range statuses {
		if refused.status == status && !refused.limited {
			return true
		}
	}
	return false
}
