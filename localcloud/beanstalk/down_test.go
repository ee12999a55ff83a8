package beanstalk

import (
	"errors"
	"testing"
	"time"
)

type downError bool

func (d downError) Error() string { return "it does not answer" }
func (d downError) Down() bool    { return bool(d) }

func TestFailedUpdateIsRedOnlyWhereNothingAnswers(t *testing.T) {
	for err, want := range map[error]string{downError(true): "Red", downError(false): "Green", errors.New("any other"): "Green"} {
		e := environment{ID: "e-1", Name: "shop", Status: updating, Setup: setup{Version: "one"},
			Work: &work{Verb: update, Deploys: true, Wanted: setup{Version: "two"}}}
		after, _ := e.settle(err, time.Now())
		if colour, _ := after.health(); colour != want || after.Status != ready || after.Setup.Version != "one" {
			t.Errorf("%v: %s, %s, version %s; want %s, %s, version one", err, colour, after.Status, after.Setup.Version, want, ready)
		}
	}
}
