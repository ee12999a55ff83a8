package proof

import (
	"fmt"
	"time"

	"beansprout/test/oracle"
)

const (
	hours = time.Hour
	days  = 24 * time.Hour
)

// wrong returns what is wrong with the removal of an environment that an actor asks for now, "" where
// nothing is: all that it relies on was read after its last attempt and a moment ago, and nothing in it
// keeps the environment.
func wrong(p oracle.Policy, r reading, now time.Time) string {
	for what, age := range map[string]time.Time{"environment": r.ownAt, "tags": r.tagsAt, "record": r.recordAt} {
		if age.IsZero() || now.Sub(age) > groundsAge {
			return fmt.Sprintf("its %s was read %v ago", what, now.Sub(age))
		}
	}
	if min(r.ownSeq, r.tagsSeq, r.recordSeq) < r.attempt {
		return "it was not read again after an attempt"
	}
	if now.Sub(r.leased) > time.Minute {
		return "its lease is not taken"
	}
	r.Row = r.own
	reason, _ := p.Keeps(r.Facts)
	if reason != "" && r.Gone { // when its days are over it may go, whatever its branch does
		r.Gone = false
		if other, _ := p.Keeps(r.Facts); other == "" {
			return ""
		}
	}
	return reason
}

// slowness is how long a busy machine may take for what should be done at once. It is well under the pauses
// of an order.
const slowness = 30 * time.Second

// groundsAge is how old what a removal relies on may be.
const groundsAge = 5*time.Second + slowness
