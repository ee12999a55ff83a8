package daemon

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"beansprout/daemon/access"
	"beansprout/daemon/board"
	"beansprout/notify"
	"beansprout/visible"
)

// onBoard is where people ask with the board's forms.
const onBoard = "on the board"

// maxReason is how many characters the reason of a protection may have.
const maxReason = 200

// boardActions are what the board's forms ask for.
var boardActions = []notify.Action{
	notify.ActionExtend, notify.ActionProtect, notify.ActionUnprotect, notify.ActionRemove, notify.ActionRestore, actionRollback,
}

// formOf returns the fields that make a form of the board act once, as it is shown, and for who looks at it. It
// returns nil where no person is known to look.
func (d *Daemon) formOf(r *http.Request, a board.Act) map[string]string {
	token := d.gate.Seal(r, sealedFields(a)...)
	if token == "" {
		return nil
	}
	return map[string]string{"region": a.Region, "token": token}
}

func sealedFields(a board.Act) []string {
	return []string{a.Action, a.Region, a.Application, a.Feature, a.Name, a.ID, a.Version}
}

// serveAct takes a form of the board. It answers before anything is done: the page of the feature tells what
// came of it.
func (d *Daemon) serveAct(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		status := http.StatusBadRequest
		if _, long := errors.AsType[*http.MaxBytesError](err); long {
			status = http.StatusRequestEntityTooLarge
		}
		d.gate.Refuse(w, r, status, "Nothing was done: the form could not be read.", "/")
		return
	}
	field := r.PostForm.Get
	a := board.Act{
		Action: field("action"), Region: field("region"), Application: field("application"),
		Feature: field("feature"), Name: field("name"), ID: field("id"), Version: field("version"),
	}
	page := d.pageOf(a)
	person, token, err := d.gate.Spend(r, field("token"), sealedFields(a)...)
	if errors.Is(err, access.ErrSpent) { // a second click: the page tells what came of the first one
		http.Redirect(w, r, page, http.StatusSeeOther)
		return
	}
	if err != nil {
		d.gate.Refuse(w, r, http.StatusForbidden, "Nothing was done: "+err.Error()+". Open the page again.", "/")
		return
	}
	x := deed{
		action: notify.Action(a.Action), application: a.Application, feature: a.Feature, name: a.Name, id: a.ID, token: token,
		version: a.Version, reason: visible.Line(field("reason"), maxReason), person: person, place: onBoard,
	}
	s, err := d.admit(x, a.Region, field("confirm"))
	if err != nil {
		d.conclude(s, x, time.Now(), err)
		d.gate.Refuse(w, r, http.StatusConflict, "Nothing was done: "+err.Error()+".", page)
		return
	}
	d.begin(w, r, s, x, page)
}

// pageOf returns the address of the page that a form is on.
func (d *Daemon) pageOf(a board.Act) string {
	page := board.Address(a.Application, a.Feature, a.Name)
	for _, s := range d.services {
		if s.Manager.Region() != a.Region {
			return page + "?region=" + url.QueryEscape(a.Region)
		}
	}
	return page
}

// admit returns the service that a deed is for, or why it is refused at once.
func (d *Daemon) admit(x deed, region, confirmed string) (*service, error) {
	var there []*service
	for _, s := range d.services {
		if s.Manager.Region() == region {
			there = append(there, s)
		}
	}
	s := pick(there, x.application)
	switch {
	case !d.config.Live:
		return s, errReports
	case s == nil || !slices.Contains(boardActions, x.action):
		return nil, refused("this janitor does not know what that is")
	case x.action == notify.ActionProtect && x.reason == "":
		return s, refused("a protection needs a reason")
	case x.action == notify.ActionRemove && confirmed != x.feature:
		return s, refused("the name that was entered is not the feature's")
	}
	return s, nil
}

// begin hands a deed to the workers, and sends the browser back to the feature's page.
func (d *Daemon) begin(w http.ResponseWriter, r *http.Request, s *service, x deed, page string) {
	began := time.Now()
	d.answers.note(x, board.Requested, nil)
	taken := d.deeds.add(func(ctx context.Context) {
		err := d.do(ctx, s, x)
		d.conclude(s, x, began, err)
		if err != nil {
			d.answers.note(x, resultOf(err), err)
		} else {
			d.answers.forget(x) // the history tells
		}
	})
	if !taken {
		d.answers.forget(x)
		d.gate.Refuse(w, r, http.StatusServiceUnavailable, "Nothing was done: the janitor ends, or too much waits to be done.", page)
		return
	}
	http.Redirect(w, r, page, http.StatusSeeOther)
}
