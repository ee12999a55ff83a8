package envs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	// firstCheckPause and longestCheckPause are how long a check waits between two requests.
	firstCheckPause   = 20 * time.Millisecond
	longestCheckPause = 2 * time.Second
	// usualCheckTime is how long a URL has, unless it is said, to answer as it is to.
	usualCheckTime = 2 * time.Minute
	// checkRequestTime is how long the answer to one request may take.
	checkRequestTime = 10 * time.Second
)

// askURL requests the URL until the answer passes the check. Only then does the environment work: AWS
// calls an environment healthy before that. The error is a *CheckError.
func (m *Manager) askURL(ctx context.Context, address string, c HealthCheck, o Options) error {
	if c.Off {
		return nil
	}
	address, err := join(address, c.Path)
	if err != nil {
		return err
	}
	c.Timeout, c.Want = cmp.Or(c.Timeout, usualCheckTime), cmp.Or(c.Want, "200-399")
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	step := o.step("check " + address)
	var last error
	for wait := firstCheckPause; ; wait = min(2*wait, longestCheckPause) {
		answer := m.request(ctx, address, c)
		if answer == nil {
			step.done("answers")
			return nil
		}
		if last == nil || ctx.Err() == nil && answer.Error() != last.Error() {
			step.line(answer.Error())
			last = answer
		}
		if pause(ctx, wait) != nil {
			err := error(&CheckError{fmt.Errorf("GET %s: want status %s within %s; after that %w", address, c.Want, FormatDuration(c.Timeout), last)})
			if cause := context.Cause(outer); cause != nil {
				err = fmt.Errorf("%w: %w", cause, &CheckError{fmt.Errorf("GET %s: want status %s: %w", address, c.Want, last)})
			}
			step.fail(err)
			return err
		}
	}
}

// request sends one request and returns an error if the answer does not pass the check.
func (m *Manager) request(ctx context.Context, address string, c HealthCheck) error {
	ctx, cancel := context.WithTimeout(ctx, checkRequestTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "beansprout")
	resp, err := m.http.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return err
	}
	resp.Body.Close()
	if !c.accepts(resp.StatusCode) {
		return fmt.Errorf("it answers %s", resp.Status)
	}
	return nil
}

func (c HealthCheck) accepts(status int) bool {
	if c.Accepts == nil {
		return status >= 200 && status < 400
	}
	return c.Accepts(status)
}

func join(address, path string) (string, error) {
	base, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	target, err := base.Parse(path)
	if err != nil {
		return "", &FieldError{Field: "Check.Path", Err: fmt.Errorf("path %q: %w", path, err)}
	}
	return target.String(), nil
}
