package daemon

import (
	"slices"
	"sync"
	"time"

	"beansprout/daemon/board"
)

const (
	answerTime  = time.Hour // how long a page tells what was not done
	maxAnswers  = 10        // of one environment
	maxAnswered = 1000      // environments
)

// answers are what became of what was asked for on the board, while no history tells it.
type answers struct {
	mu  sync.Mutex
	all map[environmentKey][]answer
}

// environmentKey tells an environment from all others.
type environmentKey struct{ name, id string }

// answer is what became of one deed.
type answer struct {
	token string
	board.Answer
}

// note remembers what became of a deed.
func (a *answers) note(x deed, result string, err error) {
	now := answer{x.token, board.Answer{At: time.Now(), By: x.by(), Action: string(x.action), Result: result}}
	if err != nil {
		now.Text = err.Error()
	}
	a.forget(x)
	a.mu.Lock()
	defer a.mu.Unlock()
	key := environmentKey{x.name, x.id}
	if len(a.all[key]) == 0 && len(a.all) >= maxAnswered {
		a.drop()
	}
	a.all[key] = append(a.all[key], now)
	a.all[key] = a.all[key][max(0, len(a.all[key])-maxAnswers):]
}

// drop forgets the environment whose last answer is the oldest.
func (a *answers) drop() {
	var oldest environmentKey
	var at time.Time
	for key, all := range a.all {
		if last := all[len(all)-1].At; at.IsZero() || last.Before(at) {
			oldest, at = key, last
		}
	}
	delete(a.all, oldest)
}

// forget forgets what became of a deed.
func (a *answers) forget(x deed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := environmentKey{x.name, x.id}
	a.all[key] = slices.DeleteFunc(a.all[key], func(old answer) bool { return old.token == x.token })
	if len(a.all[key]) == 0 {
		delete(a.all, key)
	}
}

// of returns what became of deeds of an environment lately, the oldest first.
func (a *answers) of(name, id string) (lately []board.Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, x := range a.all[environmentKey{name, id}] {
		if x.Result == board.Requested || time.Since(x.At) < answerTime {
			lately = append(lately, x.Answer)
		}
	}
	return lately
}
