package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"beansprout/cmd/beansprout/config"
)

// errCheck is reported when AWS is content and the URL isn't.
var errCheck = errors.New("the check failed")

// check asks the URL until it answers as the configuration wants it to. Only then the
// environment really works: AWS calls an environment healthy on less.
func (d *deployment) check(ctx context.Context, address string) error {
	want := d.cfg.Environment.Check
	if want.Off {
		return nil
	}
	address, err := join(address, want.Path)
	if err != nil {
		return err
	}
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, want.Timeout.Std())
	defer cancel()
	step := d.talk.step("check " + address)
	last := ""
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		answer := d.ask(ctx, address, want)
		if answer == nil {
			step.done("answers")
			return nil
		}
		if text := answer.Error(); text != last {
			step.log(text)
			last = text
		}
		select {
		case <-ctx.Done():
			err := fmt.Errorf("%w: %s doesn't answer as it should within %s: %w", errCheck, address, want.Timeout.Std(), answer)
			if cause := context.Cause(outer); cause != nil {
				err = fmt.Errorf("%w: %s: %w", cause, address, answer)
			}
			step.fail(err)
			return hint(err, "environment.check in beansprout.yaml says what is asked: its path, status and timeout, or off where this machine can't reach the URL")
		case <-time.After(pause):
		}
	}
}

// ask asks once and says what was wrong with the answer.
func (d *deployment) ask(ctx context.Context, address string, want config.Check) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "beansprout")
	resp, err := d.plain.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return err
	}
	resp.Body.Close()
	if !want.Accepts(resp.StatusCode) {
		return fmt.Errorf("it answers %s", resp.Status)
	}
	return nil
}

func join(address, path string) (string, error) {
	base, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	target, err := base.Parse(path)
	if err != nil {
		return "", fmt.Errorf("environment.check.path %q: %w", path, err)
	}
	return target.String(), nil
}
