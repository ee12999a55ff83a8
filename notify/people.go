package notify

import (
	"context"
	"errors"
	"sync"
	"time"

	"beansprout/pattern"
)

const (
	lookupTimeout = 2 * time.Second
	knownFor      = 24 * time.Hour
	unknownFor    = time.Hour        // an address that no user of Slack has
	lookupPause   = 10 * time.Minute // after Slack refused to look up, or did not answer
	maxPeople     = 1000
)

var (
	userID = pattern.New(`^[UW][A-Z0-9]{1,63}$`)
	email  = pattern.New(`^[^\s@<>[:cntrl:]]{1,64}@[^\s@<>[:cntrl:]]{1,190}$`)
)

// people are the users of Slack by their e-mail addresses. The addresses leave this package only
// in requests to Slack.
type people struct {
	mu     sync.Mutex
	known  map[string]person
	paused time.Time // until when no user is looked up
}

type person struct {
	id    string // "" for a user that Slack doesn't know
	until time.Time
}

// mention returns a mention of the user with this e-mail address and a space, or "" where Slack
// knows none or doesn't tell. A missing scope costs the mention and nothing else.
func (s *Slack) mention(ctx context.Context, address string) string {
	if !email.MatchString(address) {
		return ""
	}
	id, ask := s.people.find(address, time.Now())
	if ask {
		id = s.lookUp(ctx, address)
	}
	if id == "" {
		return ""
	}
	return "<@" + id + "> "
}

func (s *Slack) lookUp(ctx context.Context, address string) string {
	within, cancel := context.WithTimeout(ctx, min(lookupTimeout, s.Limit/2))
	defer cancel()
	user, err := s.client.GetUserByEmailContext(within, address)
	var refused Refusal
	switch {
	case ctx.Err() != nil: // says nothing about Slack
	case err == nil && userID.MatchString(user.ID) && !user.Deleted && !user.IsBot:
		s.people.note(address, person{user.ID, time.Now().Add(knownFor)})
		return user.ID
	case err == nil, errors.As(s.sanitize(err), &refused) && refused.Code == "users_not_found":
		s.people.note(address, person{"", time.Now().Add(unknownFor)})
	default:
		s.people.pause(time.Now().Add(lookupPause))
	}
	return ""
}

// find returns the user of an address, or that Slack is to be asked.
func (p *people) find(address string, now time.Time) (id string, ask bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, ok := p.known[address]; ok && now.Before(known.until) {
		return known.id, false
	}
	return "", now.After(p.paused)
}

func (p *people) note(address string, who person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= maxPeople {
		p.known = map[string]person{}
	}
	p.known[address] = who
}

func (p *people) pause(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = until
}
