package beanstalk

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	eb "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"beansprout/envs/awsapi"
)

// State is where an environment stands in AWS's state machine.
type State string

// The states that AWS knows.
const (
	Launching   State = "Launching"
	Updating    State = "Updating"
	Ready       State = "Ready"
	Aborting    State = "Aborting"
	LinkingFrom State = "LinkingFrom"
	LinkingTo   State = "LinkingTo"
	Terminating State = "Terminating"
	Terminated  State = "Terminated"
)

// LivingStates are all of them but Terminated.
var LivingStates = []State{Launching, Updating, Ready, Aborting, LinkingFrom, LinkingTo, Terminating}

// Busy reports whether an operation is in progress in state s, so that AWS refuses changes.
func (s State) Busy() bool {
	switch s {
	case Launching, Updating, Aborting, LinkingFrom, LinkingTo:
		return true
	}
	return false
}

// Gone reports whether an environment in state s is being terminated or is terminated.
func (s State) Gone() bool { return s == Terminating || s == Terminated }

// Env is one environment as AWS describes it.
type Env struct {
	ID          string // "e-" and ten letters or digits; the only key that AWS never uses twice
	ARN         string
	Name        string
	Application string
	CNAME       string // the host (and port, on the local cloud) under which it answers
	State       State
	Health      string // Green, Yellow, Red or Grey
	Status      string // the enhanced health status ("Ok", "Severe", ...); empty under basic health
	Version     string // label of the version that runs
	Platform    string // ARN of the platform version
	Description string
	Created     time.Time
	Updated     time.Time // time of the last change of any kind, by AWS's clock

	// From its description or tags; empty when they don't fit its name.
	Feature  string
	Commit   string
	TTL      string // at the last deploy
	Settings string // SettingsDigest of the settings that Beansprout gave it
	Owner    string
}

const (
	// CNAMEReleaseTimeout is how long AWS may take to free the address of a terminated environment.
	CNAMEReleaseTimeout = time.Minute
	// terminatedRetention is how long AWS keeps a terminated environment.
	terminatedRetention = 6 * 7 * 24 * time.Hour
)

// MissingError is reported when AWS shows no living environment of a name. It wraps
// awsapi.ErrNotFound.
type MissingError struct {
	Name           string
	CNAME          string // the address that one would have
	AddressFree    bool   // false when another environment of any customer has it, or AWS hasn't freed it yet
	JustTerminated bool   // one of the name was terminated within CNAMEReleaseTimeout

	// Certain means that none can exist although AWS may list a new one late: the address is free,
	// or belonged to the one just terminated.
	Certain bool
}

func (a *MissingError) Error() string { return "find environment " + a.Name + ": not found" }

// Unwrap returns awsapi.ErrNotFound.
func (a *MissingError) Unwrap() error { return awsapi.ErrNotFound }

// Find returns the living environment of that name. One name can have several rows, all but one
// of them Terminated; a Terminating environment is returned only when no other lives. The error
// is a *MissingError when there is none.
//
// AWS may list a new environment late. When none is listed and its address is taken, Find looks
// again for half a minute, unless one of the name was just terminated and known, which may be
// nil, returns no other id.
func (c *Client) Find(ctx context.Context, name string, known func(context.Context) (id string)) (Env, error) {
	for p := newPollInterval(); ; {
		e, gone, err := c.byName(ctx, name)
		if err != nil {
			return e, fmt.Errorf("find environment %s: %w", name, err)
		}
		if e.ID != "" {
			return e, nil
		}
		a := &MissingError{Name: name}
		if a.CNAME, a.AddressFree, err = c.Address(ctx, name); err != nil {
			return e, err
		}
		id := ""
		if a.JustTerminated = gone.recent; a.JustTerminated && !a.AddressFree && known != nil {
			id = known(ctx)
		}
		a.Certain = a.AddressFree || a.JustTerminated && (id == "" || gone.ids[id])
		if a.Certain || time.Since(p.started) > listingLag {
			return e, a
		}
		if err := p.pause(ctx); err != nil {
			return e, fmt.Errorf("find environment %s, whose address is taken: %w", name, err)
		}
	}
}

// terminatedRows are the terminated environments of a name that AWS still keeps.
type terminatedRows struct {
	ids    map[string]bool
	recent bool // one was terminated within CNAMEReleaseTimeout
}

// byName returns the living environment of the name, and the terminated ones.
func (c *Client) byName(ctx context.Context, name string) (found Env, gone terminatedRows, err error) {
	rows, now, err := c.rows(ctx, &eb.DescribeEnvironmentsInput{
		EnvironmentNames: []string{name}, IncludeDeleted: aws.Bool(true), IncludedDeletedBackTo: aws.Time(c.polls.awsTime(time.Now()).Add(-terminatedRetention)),
	}, nil)
	gone.ids = map[string]bool{}
	for _, e := range rows {
		switch {
		case e.Name != name:
		case e.State == Terminated:
			gone.ids[e.ID] = true
			gone.recent = gone.recent || now.Sub(e.Updated) < CNAMEReleaseTimeout
		case found.ID == "" || found.State.Gone():
			found = e
		}
	}
	return found, gone, err
}

// Environments returns every environment of the application that isn't Terminated, in one
// DescribeEnvironments, and AWS's own time at that moment. "" means all applications. AWS leaves
// out without an error what the caller may not see (API reference, DescribeEnvironments).
func (c *Client) Environments(ctx context.Context, application string) (rows []Env, now time.Time, err error) {
	now, err = c.EachEnvironment(ctx, application, func(e Env) { rows = append(rows, e) })
	if err != nil {
		return nil, time.Time{}, err
	}
	return rows, now, nil
}

// EachEnvironment calls visit with what Environments returns, page by page, for callers that keep
// thousands in a form of their own. Beside an error, visit has been called with some of them.
func (c *Client) EachEnvironment(ctx context.Context, application string, visit func(Env)) (time.Time, error) {
	in := &eb.DescribeEnvironmentsInput{MaxRecords: aws.Int32(maxPage), IncludeDeleted: aws.Bool(false)}
	if application != "" {
		in.ApplicationName = &application
	}
	now, err := c.each(ctx, in, living, visit)
	if err != nil {
		return time.Time{}, fmt.Errorf("list environments: %w", err)
	}
	return now, nil
}

// Get reads one environment by its id, in any state but Terminated. The error wraps
// awsapi.ErrNotFound when it is gone.
func (c *Client) Get(ctx context.Context, id string) (Env, error) {
	rows, _, err := c.describe(ctx, &eb.DescribeEnvironmentsInput{EnvironmentIds: []string{id}})
	if err != nil {
		return Env{}, fmt.Errorf("read environment %s: %w", id, err)
	}
	for _, e := range rows {
		if e.ID == id {
			return e, nil
		}
	}
	return Env{}, fmt.Errorf("read environment %s: %w", id, awsapi.ErrNotFound)
}

// Terminated returns the application's environments that were terminated since the given time, with "" those
// of all applications.
// AWS keeps them for six weeks. Their Updated is the end of their termination.
func (c *Client) Terminated(ctx context.Context, application string, since time.Time) ([]Env, error) {
	in := &eb.DescribeEnvironmentsInput{IncludeDeleted: aws.Bool(true), IncludedDeletedBackTo: &since, MaxRecords: aws.Int32(maxPage)}
	if application != "" {
		in.ApplicationName = &application
	}
	rows, now, err := c.rows(ctx, in, func(e Env) bool {
		return e.State == Terminated && !(endIsKnown(e) && e.Updated.Before(since))
	})
	if err != nil {
		return nil, fmt.Errorf("list terminated environments: %w", err)
	}
	for i, e := range rows {
		rows[i].Updated = latestEnd(e, now)
	}
	return rows, nil
}

// latestEnd returns the end of an environment's termination. Where AWS doesn't name one that can be, that is
// now, by AWS's clock: what Restore needs of it stays.
func latestEnd(e Env, now time.Time) time.Time {
	if now.IsZero() {
		now = time.Now()
	}
	if !endIsKnown(e) || e.Updated.After(now) {
		return now
	}
	return e.Updated
}

// endIsKnown reports whether the date of a terminated environment can be the end of its termination.
func endIsKnown(e Env) bool { return !e.Updated.IsZero() && !e.Updated.Before(e.Created) }

// describe returns the rows that aren't Terminated.
func (c *Client) describe(ctx context.Context, in *eb.DescribeEnvironmentsInput) ([]Env, time.Time, error) {
	in.IncludeDeleted = aws.Bool(false)
	return c.rows(ctx, in, living)
}

func living(e Env) bool { return e.State != Terminated }

// maxPage is the largest page that AWS gives. In one piece, thousands of environments would take
// this process hundreds of megabytes.
const maxPage = 1000

// rows reads all pages, and returns the rows that keep lets pass; nil lets all.
func (c *Client) rows(ctx context.Context, in *eb.DescribeEnvironmentsInput, keep func(Env) bool) (rows []Env, now time.Time, err error) {
	now, err = c.each(ctx, in, keep, func(e Env) { rows = append(rows, e) })
	if err != nil {
		return nil, time.Time{}, err
	}
	return rows, now, nil
}

// each calls visit with what rows returns. AWS answers in one piece unless asked for pages, but doesn't
// document that it always does.
func (c *Client) each(ctx context.Context, in *eb.DescribeEnvironmentsInput, keep func(Env) bool, visit func(Env)) (time.Time, error) {
	same := texts{}
	seen := map[string]bool{} // one that changes meanwhile may be on two pages
	for {
		out, err := c.api.DescribeEnvironments(ctx, in)
		if err != nil {
			return time.Time{}, translate(err)
		}
		for _, d := range out.Environments {
			e := environment(d)
			if (keep == nil || keep(e)) && !seen[e.ID] {
				same.share(&e)
				seen[e.ID] = true
				visit(e)
			}
		}
		if aws.ToString(out.NextToken) == "" {
			now, _ := middleware.GetServerTime(out.ResultMetadata)
			return now, nil
		}
		in.NextToken = out.NextToken
	}
}

// texts has one copy of what thousands of environments have in common.
type texts map[string]string

func (t texts) share(e *Env) {
	for _, s := range []*string{&e.Application, (*string)(&e.State), &e.Health, &e.Status, &e.Version, &e.Platform} {
		if _, ok := t[*s]; !ok {
			t[*s] = *s
		}
		*s = t[*s]
	}
}

func environment(d types.EnvironmentDescription) Env {
	return Env{
		ID:          aws.ToString(d.EnvironmentId),
		ARN:         aws.ToString(d.EnvironmentArn),
		Name:        aws.ToString(d.EnvironmentName),
		Application: aws.ToString(d.ApplicationName),
		CNAME:       aws.ToString(d.CNAME),
		State:       State(d.Status),
		Health:      string(d.Health),
		Status:      string(d.HealthStatus),
		Version:     aws.ToString(d.VersionLabel),
		Platform:    aws.ToString(d.PlatformArn),
		Description: aws.ToString(d.Description),
		Created:     aws.ToTime(d.DateCreated),
		Updated:     aws.ToTime(d.DateUpdated),
	}
}

// Tags reads the tags of an environment. The call shares DescribeEnvironments' budget of two
// calls a second for the whole account.
func (c *Client) Tags(ctx context.Context, e Env) (map[string]string, error) {
	out, err := c.api.ListTagsForResource(ctx, &eb.ListTagsForResourceInput{ResourceArn: &e.ARN})
	if err != nil {
		return nil, fmt.Errorf("read the tags of environment %s: %w", e.Name, translate(err))
	}
	tags := map[string]string{}
	for _, t := range out.ResourceTags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}
