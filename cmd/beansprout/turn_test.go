package main

import (
	"errors"
	"testing"

	"beansprout/envs/ledger"
)

func TestAnUpIsSupersededByWhatWasWishedLater(t *testing.T) {
	asked := ledger.Record{Ticket: 3, Asked: "aaa", Teardowns: 1}
	for name, c := range map[string]struct {
		asked, now ledger.Record
		late       bool
	}{
		"nothing has happened":                     {asked, asked, false},
		"an earlier up has deployed":               {asked, ledger.Record{Ticket: 3, Asked: "aaa", Teardowns: 1, Ran: 2, Commit: "bbb"}, false},
		"a later up of another commit":             {asked, ledger.Record{Ticket: 4, Asked: "bbb", Teardowns: 1}, true},
		"a later up of the same commit":            {asked, ledger.Record{Ticket: 4, Asked: "aaa", Teardowns: 1}, false},
		"a later up of an unknown commit":          {ledger.Record{Ticket: 3}, ledger.Record{Ticket: 4}, true},
		"a later up of the same commit has ended":  {asked, ledger.Record{Ticket: 4, Asked: "aaa", Teardowns: 1, Ran: 4, Commit: "aaa"}, false},
		"another commit between two of the same":   {asked, ledger.Record{Ticket: 5, Asked: "aaa", Teardowns: 1, Ran: 4, Commit: "bbb"}, true},
		"taken down":                               {asked, ledger.Record{Ticket: 3, Asked: "aaa", Teardowns: 2}, true},
		"taken down and asked for again":           {asked, ledger.Record{Ticket: 4, Asked: "aaa", Teardowns: 2}, true},
		"the ledger was lost":                      {asked, ledger.Record{}, false},
		"the ledger was lost and somebody came by": {asked, ledger.Record{Ticket: 1, Asked: "bbb"}, false},
	} {
		err := wanted(c.asked, c.now)
		if late := errors.As(err, new(superseded)); late != c.late || (err != nil) != c.late {
			t.Errorf("%s: wanted = %v", name, err)
		}
	}
}

func TestWhoHoldsALeaseIsSaidInOneLine(t *testing.T) {
	for want, h := range map[string]ledger.Held{
		"up by jenkins-shop-7": {Verb: "up", By: "jenkins-shop-7"},
		"up":                   {Verb: "up"},
		"somebody":             {},
		"up by a b":            {Verb: "up", By: "\x1b[31ma\nb\x1b[0m"},
	} {
		if got := holder(h); got != want {
			t.Errorf("holder(%+v) = %q, want %q", h, got, want)
		}
	}
}
