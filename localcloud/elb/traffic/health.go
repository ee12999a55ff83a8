package traffic

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"beansprout/localcloud/upstream"
)

// State is AWS's word for the health of a target.
type State string

// The states.
const (
	Initial   State = "initial"
	Healthy   State = "healthy"
	Unhealthy State = "unhealthy"
	Draining  State = "draining"
	Unused    State = "unused"
)

// Status is a state and why, in AWS's words. A healthy target has no reason.
type Status struct {
	State               State
	Reason, Description string
}

var (
	healthy     = Status{State: Healthy}
	registering = Status{Initial, "Elb.RegistrationInProgress", "Target registration is in progress"}
	proving     = Status{Initial, "Elb.InitialHealthChecking", "Initial health checks in progress"}
	unproved    = Status{State: Initial} // shown as notInUse
	notInUse    = Status{Unused, "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"}
	leaving     = Status{Draining, "Target.DeregistrationInProgress", "Target deregistration is in progress"}
	terminated  = Status{Unused, "Target.InvalidState", "Target is in the terminated state"}
	timedOut    = Status{Unhealthy, "Target.Timeout", "Request timed out"}
	unanswered  = Status{Unhealthy, "Target.FailedHealthChecks", "Health checks failed"}
)

func mismatch(code int) Status {
	return Status{Unhealthy, "Target.ResponseCodeMismatch", fmt.Sprintf("Health checks failed with these codes: [%d]", code)}
}

// shown returns the status that AWS tells.
func (g *group) shown(t *target) Status {
	switch {
	case t.draining():
		return leaving
	case !g.used:
		return notInUse
	}
	return t.verdict
}

// Check says how targets are asked for their health.
type Check struct {
	Path              string
	Port              int // 0 = that of the target
	Interval, Timeout time.Duration
	Good, Bad         int    // consecutive answers that change the state
	Codes             string // such as 200,301-399
}

// watch asks the target again and again.
func (g *group) watch(ctx context.Context, t *target, at Target, c Check) {
	if c.Port != 0 {
		at.Port = c.Port
	}
	transport := upstream.NewTransport(g.plane.dialer(at), 0)
	transport.DisableKeepAlives = true
	client := &http.Client{
		Timeout:       c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     transport,
	}
	g.note(ctx, t, c, proving)
	for {
		end := g.plane.Now().Add(c.Interval / time.Duration(g.plane.Speed))
		g.note(ctx, t, c, ask(ctx, client, at, c))
		if g.plane.Sleep(ctx, end.Sub(g.plane.Now())) != nil {
			return
		}
	}
}

// ask returns what one health check finds.
func ask(ctx context.Context, client *http.Client, t Target, c Check) Status {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(t.Address, strconv.Itoa(t.Port))+c.Path, nil)
	if err != nil {
		return unanswered
	}
	r.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	resp, err := client.Do(r)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return timedOut
	}
	switch {
	case errors.Is(err, ErrNotRunning):
		return terminated
	case err != nil:
		return unanswered
	}
	_ = resp.Body.Close()
	if !Matches(c.Codes, resp.StatusCode) {
		return mismatch(resp.StatusCode)
	}
	return healthy
}

// note counts what a health check found, unless the checks were stopped meanwhile. A target becomes
// healthy after one good answer if it is new, and after as many as the check says if it was
// unhealthy.
func (g *group) note(ctx context.Context, t *target, c Check, found Status) {
	g.plane.mu.Lock()
	defer g.plane.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	switch found.State {
	case Healthy:
		t.good, t.bad = t.good+1, 0
		if t.verdict.State != Unhealthy || t.good >= c.Good {
			t.verdict = healthy
		}
	case Unhealthy:
		t.good, t.bad = 0, t.bad+1
		if t.bad >= c.Bad || t.verdict.State == Unhealthy {
			t.verdict = found
		}
	default:
		t.good, t.bad, t.verdict = 0, 0, found
	}
}

// Matches reports whether codes, such as "200,301-399", contain a status.
func Matches(codes string, status int) bool {
	spans, err := parseCodes(codes)
	return err == nil && slices.ContainsFunc(spans, func(s span) bool { return s.from <= status && status <= s.to })
}

// CheckCodes returns an error unless codes is a list of statuses from 200 to 499 and of ranges of them.
func CheckCodes(codes string) error {
	_, err := parseCodes(codes)
	return err
}

type span struct{ from, to int }

func parseCodes(codes string) (spans []span, err error) {
	for part := range strings.SplitSeq(codes, ",") {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		var s span
		if s.from, err = strconv.Atoi(from); err != nil {
			return nil, err
		}
		if s.to, err = strconv.Atoi(to); err != nil {
			return nil, err
		}
		if s.from < 200 || s.to > 499 || s.from > s.to {
			return nil, fmt.Errorf("%q is outside of 200 to 499", part)
		}
		spans = append(spans, s)
	}
	return spans, nil
}
