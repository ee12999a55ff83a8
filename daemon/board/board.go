// Package board shows in a browser which feature stands where: a page with all environments, one for each
// feature, and the same as JSON. It reads only while someone looks, once for all who do, and sends what
// changes to the open pages. It changes nothing: its forms are sent to /act, which the daemon serves.
package board

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/janitor"
)

// Source is where the environments of one application come from, or those of all applications of a region.
// Read is not called concurrently; the others are.
type Source struct {
	Application string // "" for all of them
	Region      string
	Read        func(context.Context) (envs.Snapshot, error)
	Judge       func(envs.Environment, time.Time) janitor.Decision
	Events      func(ctx context.Context, e envs.Environment, since time.Time) ([]beanstalk.Event, error)
	Versions    func(context.Context, envs.Environment) ([]envs.Version, error)
	Logs        func(context.Context, envs.Environment) (string, error) // the end of the instances' logs; nil shows none
}

// Config says what a Board shows, and to whom.
type Config struct {
	Sources []Source
	Live    bool                // acts are possible: the pages of features have forms
	Mask    func(string) string // takes secrets out of what is shown; nil takes none out
	Log     *slog.Logger        // nil logs nothing

	// Form returns the hidden fields of a form that acts, such as its tokens; nil adds none.
	Form func(r *http.Request, act Act) map[string]string
	// Viewer returns the name of the person who looks, "" where that is not known. nil is for a board without names.
	Viewer func(r *http.Request) string
	// MayLogOut reports whether the person who looks has logged in here, and not at a proxy; nil knows of no logins.
	MayLogOut func(r *http.Request) bool
	// Answers returns what became lately of what was asked for of an environment, while its history does not
	// tell, the oldest first; nil knows of nothing.
	Answers func(name, id string) []Answer
}

// Answer is what became of something that a person has asked for on the board.
type Answer struct {
	At     time.Time
	By     string // who has asked, and where
	Action string // as in Act
	Result string // Requested, or how it ended: refused or failed
	Text   string // why it was not done
}

// Requested is the Result of what is still to be done.
const Requested = "requested"

// Act is what a form asks for. The environment with the ID is meant, and no later one of its name.
type Act struct {
	Action      string // extend, protect, unprotect, remove, restore or rollback
	Region      string
	Application string
	Feature     string
	Name        string
	ID          string
	Version     string // that a rollback deploys
}

// A Board is made by New. Its pages have data while Run runs.
type Board struct {
	config  Config
	log     *slog.Logger
	pages   *pages
	hub     *hub
	details details
	logs    logs
}

// New makes a Board.
func New(c Config) *Board {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Mask == nil {
		c.Mask = func(s string) string { return s }
	}
	if c.Form == nil {
		c.Form = func(*http.Request, Act) map[string]string { return nil }
	}
	if c.Viewer == nil {
		c.Viewer = func(*http.Request) string { return "" }
	}
	if c.MayLogOut == nil {
		c.MayLogOut = func(*http.Request) bool { return false }
	}
	if c.Answers == nil {
		c.Answers = func(string, string) []Answer { return nil }
	}
	b := &Board{config: c, log: c.Log, pages: newPages(), details: details{known: map[string]*detail{}}, logs: logs{known: map[string]gathered{}}}
	b.hub = newHub(b, c.Sources)
	return b
}

// Run reads while someone looks, until ctx ends. Then it ends the streams.
func (b *Board) Run(ctx context.Context) {
	var reading sync.WaitGroup
	for _, f := range b.hub.feeds {
		reading.Go(func() { b.hub.follow(ctx, f) })
	}
	reading.Wait()
	b.hub.close()
}

// guard turns a panic of f into an error: it must not end the daemon.
func (b *Board) guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			b.log.Error("panic", "cause", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f()
}

// Swept tells the board what a sweep of a source has said of its environments.
func (b *Board) Swept(application, region string, r janitor.Report) {
	for _, f := range b.hub.feeds {
		if f.Application == application && f.Region == region {
			b.hub.noteSweep(f, r)
		}
	}
}

// Changed tells the board that something may have changed: pages that are asked for wait for a new reading, and
// those that are open are told at once.
func (b *Board) Changed() { b.hub.noteChange() }

// Routes adds the board's pages to a mux. Its answers have the headers that keep them to themselves.
func (b *Board) Routes(mux *http.ServeMux) {
	mux.Handle("/{$}", secured(b.serveList))
	mux.Handle("/features/{application}/{feature...}", secured(b.serveFeature))
	mux.Handle("/logs/{application}/{feature...}", secured(b.serveLogs))
	mux.Handle("/changes", secured(b.serveChanges))
	mux.Handle("/api/environments", secured(b.serveAPI))
	mux.Handle("/static/{file}", secured(b.pages.serveStatic))
}

// Style returns the path of the style sheet.
func (b *Board) Style() string { return b.pages.named["style.css"] }

// Address returns the path of the page of a feature, which has or had an environment of that name.
func Address(application, feature, name string) string {
	return "/features/" + pathOf(application, feature, name)
}
