package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"

	"beansprout/envs/ledger"
	"beansprout/notify"
)

// announcer tells Slack about one environment without ever holding anything up: posts are
// sent one after the other in the background, and what goes wrong is a warning.
type announcer struct {
	slack  *notify.Slack
	ledger *ledger.Ledger
	talk   *progress
	name   string

	posts  chan notify.Post
	closed sync.WaitGroup
	ref    notify.Ref
	lost   bool // whether Slack took the first post isn't known: another could be a second message
}

// slack returns the door to Slack, or nil where none is configured.
func (s *session) slack() *notify.Slack {
	if s.cfg.Slack.Channel == "" {
		return nil
	}
	token := os.Getenv("SLACK_BOT_TOKEN")
	if token == "" {
		s.talk.say("warning: slack.channel is set, but SLACK_BOT_TOKEN is not: nothing is posted")
		return nil
	}
	return notify.New(token, os.Getenv("BEANSPROUT_SLACK_API_URL"), s.cfg.Slack.Channel, &http.Client{})
}

// announcer starts telling Slack about the named environment, whose message is at ref if
// it has one. A nil announcer says nothing.
func (s *session) announcer(ctx context.Context, l *ledger.Ledger, name string, at ledger.Message) *announcer {
	slack := s.slack()
	if slack == nil {
		return nil
	}
	a := &announcer{
		slack: slack, ledger: l, talk: s.talk, name: name,
		posts: make(chan notify.Post, 8),
		ref:   notify.Ref{Channel: at.Channel, Timestamp: at.Timestamp},
	}
	a.closed.Go(func() {
		for p := range a.posts {
			a.send(ctx, p)
		}
	})
	return a
}

func (a *announcer) send(ctx context.Context, p notify.Post) {
	// The last word is said also when the command was interrupted.
	ctx = context.WithoutCancel(ctx)
	if a.lost {
		return
	}
	ref, err := a.slack.Announce(ctx, a.ref, p)
	a.lost = ref == (notify.Ref{}) && errors.Is(err, context.DeadlineExceeded)
	if err != nil {
		a.talk.say("warning: tell Slack: %v", err)
	}
	if ref == a.ref {
		return
	}
	a.ref = ref
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err = a.ledger.Change(ctx, a.name, func(r *ledger.Record) {
		r.Message = ledger.Message{Channel: ref.Channel, Timestamp: ref.Timestamp}
	})
	if err != nil {
		a.talk.say("warning: remember where the Slack message is: %v", err)
	}
}

func (a *announcer) tell(p notify.Post) {
	if a != nil {
		a.posts <- p
	}
}

// close returns when everything has been said.
func (a *announcer) close() {
	if a != nil {
		close(a.posts)
		a.closed.Wait()
	}
}

// message reads where the Slack message of the environment is, before its record goes.
func (m *removal) message(ctx context.Context) ledger.Message {
	rec, err := m.ledger.Read(ctx, m.env.Name)
	if err != nil {
		m.talk.say("warning: %v: its Slack message stays as it is", err)
	}
	return rec.Message
}

// announceRemoved turns the environment's message into its last word. One that has no
// message gets none.
func (m *removal) announceRemoved(ctx context.Context, at ledger.Message) {
	if at == (ledger.Message{}) {
		return
	}
	slack := m.slack()
	if slack == nil {
		return
	}
	post := notify.Post{State: notify.Removed, Application: m.env.Application, Feature: m.env.Feature, Commit: m.env.Commit, Owner: m.env.Owner}
	if _, err := slack.Announce(context.WithoutCancel(ctx), notify.Ref{Channel: at.Channel, Timestamp: at.Timestamp}, post); err != nil {
		m.talk.say("warning: tell Slack: %v", err)
	}
}
