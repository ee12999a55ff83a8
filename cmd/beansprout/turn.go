package main

import (
	"context"
	"os"
	"os/user"
	"strings"
	"time"

	"beansprout/envs/ledger"
)

// turn is the right to change one environment, which one process at a time has. Its session
// changes nothing without the lease.
type turn struct {
	*session
	lease  *ledger.Lease
	record ledger.Record // as it was when the lease was taken
	stop   func()
}

// take waits for the lease of the named environment and returns a context that ends when it
// is lost. The caller ends the turn. decide is asked with each record that is seen meanwhile,
// and its error ends the waiting.
func (s *session) take(ctx context.Context, l *ledger.Ledger, name string, c ledger.Claim, decide func(ledger.Record) error) (context.Context, *turn, error) {
	c.By = whoami(os.Getenv)
	c.Waiting = func(h ledger.Held) {
		s.talk.say("%s is at work on the feature: waiting for it to end", holder(h))
	}
	lease, record, err := l.Take(ctx, name, c, decide)
	if err != nil {
		return ctx, nil, err
	}
	held, stop := lease.Context(ctx)
	own, clients := *s, *s.clients
	clients.beanstalk = s.beanstalk.Guarded(lease.Ensure)
	own.clients, own.ensure = &clients, lease.Ensure
	return held, &turn{&own, lease, record, stop}, nil
}

// sure makes sure of the lease, if there is one, before something is taken away that isn't
// Beanstalk's: a process that has slept must not take it from whoever came after it.
func (s *session) sure(ctx context.Context) error {
	if s.ensure == nil {
		return nil
	}
	return s.ensure(ctx)
}

// releaseTime is how long giving a lease back may take; it would run out by itself.
const releaseTime = 10 * time.Second

// end gives the lease back with the last change to the record, also after an interruption:
// whoever comes next need not wait for it to run out. What goes wrong is a warning.
func (t *turn) end(ctx context.Context, change func(*ledger.Record)) {
	t.stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	if err := t.lease.Release(ctx, change); err != nil {
		t.talk.say("warning: %v", err)
	}
}

// holder says who holds a lease.
func holder(h ledger.Held) string {
	verb := strings.TrimSpace(sanitize(h.Verb))
	if verb == "" {
		verb = "somebody"
	}
	if by := strings.TrimSpace(sanitize(h.By)); by != "" {
		return cut(verb, 20) + " by " + cut(by, 100)
	}
	return cut(verb, 20)
}

// whoami names this run to others: Jenkins's name of the build, or user and machine.
func whoami(getenv func(string) string) string {
	if build := getenv("BUILD_TAG"); build != "" {
		return build
	}
	name := "somebody"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

// superseded is why a run stopped that a later wish has made pointless. It is no failure.
type superseded struct{ reason string }

func (s superseded) Error() string { return s.reason }

const tornDownMeanwhile = "the feature was taken down meanwhile"

// wanted says whether what an up asked for is still wanted: nil, or why it is superseded. asked
// is the record as it was when the up drew its ticket, now as it is now. A later up of the same
// commit wants the same, so both go on, and whoever comes second finds it done.
func wanted(asked, now ledger.Record) error {
	switch same := asked.Asked != "" && now.Asked == asked.Asked; {
	case now.Teardowns > asked.Teardowns:
		return superseded{tornDownMeanwhile}
	case now.Ticket > asked.Ticket && !same:
		return superseded{"a later up asked for commit " + commitName(now.Asked)}
	case now.Ran > asked.Ticket && now.Commit != asked.Asked:
		return superseded{"a later up has deployed commit " + commitName(now.Commit)}
	}
	return nil
}

// unwanted says whether a feature that somebody has taken down is still to go: nil, or why that
// is superseded. asked is the record as it was then, now as it is now.
func unwanted(asked, now ledger.Record) error {
	if now.Ran > max(asked.Ticket, asked.Ran) {
		return superseded{"a later up has deployed commit " + commitName(now.Commit)}
	}
	return nil
}

func commitName(commit string) string {
	if commit == "" {
		return "(unknown)"
	}
	return short(sanitize(commit))
}
