// Package doctor finds out whether a project has what a deploy, a sweep and Slack need, before a build is
// spent on it. It changes nothing.
//
// Each check is a small function that looks at one thing and returns one Finding. They run side by side
// as far as one does not need what another has found.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"beansprout/builder"
	"beansprout/cmd/internal/project"
	"beansprout/cmd/internal/service"
)

// State says what a check has found.
type State string

// The states. A check is Unchecked if what it needs has failed.
const (
	OK        State = "ok"
	Warning   State = "warning"
	Failed    State = "failed"
	Unchecked State = "not checked"
)

// Finding is what a check has found. Keys are a contract: new ones may come, none is renamed.
type Finding struct {
	Check string `json:"check"`
	State State  `json:"state"`
	Text  string `json:"text"`
	Fix   string `json:"fix"` // what to do about it: commands, one a line, or a sentence; "" where there is nothing to do
}

// Subject is what is examined.
type Subject struct {
	Project   *project.Project
	Feature   string // "" is the branch that is checked out
	Local     bool   // on the local cloud
	Getenv    func(string) string
	Connector *service.Connector
	// Connect returns the configuration of AWS, or of the local cloud.
	Connect func(context.Context) (aws.Config, error)
	// Engine connects to the Docker Engine; nil is builder.Connect.
	Engine func(context.Context) (*builder.Builder, error)
}

// check is one line of the examination.
type check struct {
	name  string
	needs []string // names of checks without which it can't be done
	after []string // names of checks whose facts it uses if they are there
	limit time.Duration
	run   func(context.Context) Finding
}

// checkTimeout limits a check that has no limit of its own.
const checkTimeout = 20 * time.Second

// Examine makes all checks, and returns what they have found in the order in which things are set up.
func Examine(ctx context.Context, s Subject) []Finding {
	return run(ctx, newExamination(s).checks())
}

// run makes the checks side by side and returns their findings in the same order.
func run(ctx context.Context, checks []check) []Finding {
	findings := make([]Finding, len(checks))
	done := map[string]chan struct{}{}
	index := map[string]int{}
	for i, c := range checks {
		done[c.name], index[c.name] = make(chan struct{}), i
	}
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			defer close(done[c.name])
			for _, name := range slices.Concat(c.needs, c.after) {
				if done[name] != nil {
					<-done[name]
				}
			}
			if missing := c.missing(func(name string) State { return findings[index[name]].State }); missing != "" {
				findings[i] = Finding{Check: c.name, State: Unchecked, Text: "it needs " + missing}
				return
			}
			findings[i] = c.examine(ctx)
		})
	}
	all.Wait()
	return findings
}

// missing returns the first check that c needs and that has not succeeded, or "".
func (c check) missing(state func(name string) State) string {
	for _, name := range c.needs {
		if s := state(name); s == Failed || s == Unchecked {
			return name
		}
	}
	return ""
}

func (c check) examine(ctx context.Context) Finding {
	limit := c.limit
	if limit == 0 {
		limit = checkTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("there was no answer within %s", limit))
	defer cancel()
	f := c.run(ctx)
	f.Check = c.name
	return f
}

// Count returns how many of the findings are in the state.
func Count(findings []Finding, s State) (n int) {
	for _, f := range findings {
		if f.State == s {
			n++
		}
	}
	return n
}

// Hide takes secrets out of the findings.
func Hide(findings []Finding, hide func(string) string) []Finding {
	hidden := slices.Clone(findings)
	for i := range hidden {
		hidden[i].Text, hidden[i].Fix = hide(hidden[i].Text), hide(hidden[i].Fix)
	}
	return hidden
}

func ok(format string, args ...any) Finding {
	return Finding{State: OK, Text: fmt.Sprintf(format, args...)}
}

// warn and fail return findings with the lines of what to do.
func warn(text string, fix ...string) Finding {
	return Finding{State: Warning, Text: text, Fix: strings.Join(fix, "\n")}
}

func fail(text string, fix ...string) Finding {
	return Finding{State: Failed, Text: text, Fix: strings.Join(fix, "\n")}
}
